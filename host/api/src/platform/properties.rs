//! What callers may filter and sort by, per resource. Nothing else of a document is reachable.

use mortise_query::{Property, PropertyTable, ValueType};

const fn text(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::Text).filterable()
}

const fn word(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::ExactText).filterable()
}

const fn number(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::Number).filterable()
}

const fn boolean(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::Boolean).filterable()
}

const fn time(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::Timestamp).filterable()
}

const fn date(name: &'static str, path: &'static str) -> Property {
    Property::new(name, path, ValueType::Date).filterable()
}

/// Links are `instance/external-id`, as one text.
const LINKS: Property = word("links", "links").many();

/// Accounts.
pub(super) static ACCOUNTS: PropertyTable = PropertyTable {
    resource: "accounts",
    properties: &[
        number("id", "id").sortable(),
        text("name", "name").sortable(),
        text("code", "code").sortable(),
        text("companyName", "companyName"),
        text("tradingName", "tradingName"),
        text("email", "email").sortable(),
        text("phone", "phone"),
        text("fax", "fax"),
        text("website", "website"),
        text("locationCode", "locationCode"),
        text("registrationNumber", "registrationNumber"),
        text("businessActivity", "businessActivity"),
        text("vatNumber", "vatNumber"),
        boolean("taxable", "taxable"),
        boolean("orderingEnabled", "orderingEnabled"),
        number("creditLimit", "creditLimit").sortable(),
        boolean("unlimitedCreditLimit", "unlimitedCreditLimit"),
        boolean("separateInvoices", "separateInvoices").aliases(&["seperateInvoices"]),
        boolean("autoInvoiceNotification", "autoInvoiceNotification"),
        text("transactionCurrency", "transactionCurrency").aliases(&["currency"]),
        text("paymentMethod", "paymentMethod"),
        number("parentAccountId", "parentAccount/id"),
        text("parentAccountName", "parentAccount/name"),
        number("billToAccountId", "billToAccount/id"),
        text("billToAccountName", "billToAccount/name"),
        LINKS,
        time("createdAt", "createdAt").sortable(),
        time("updatedAt", "updatedAt").sortable(),
    ],
};

/// Invoices.
pub(super) static INVOICES: PropertyTable = PropertyTable {
    resource: "invoices",
    properties: &[
        number("id", "id").sortable(),
        text("code", "code").sortable(),
        text("series", "series"),
        text("type", "type"),
        text("status", "status").sortable(),
        number("accountId", "account/id").sortable(),
        text("accountName", "account/name").sortable(),
        date("invoiceDate", "invoiceDate").sortable(),
        date("dueDate", "dueDate").sortable(),
        date("periodStart", "periodStart"),
        date("periodEnd", "periodEnd"),
        text("currency", "currency"),
        number("subTotal", "subTotal"),
        number("discountAmount", "discountAmount"),
        number("taxAmount", "taxAmount"),
        number("total", "total").sortable(),
        number("paidAmount", "paidAmount"),
        LINKS,
        time("createdAt", "createdAt").sortable(),
        time("updatedAt", "updatedAt").sortable(),
    ],
};
