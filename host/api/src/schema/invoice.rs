//! The invoice.

use utoipa::ToSchema;

use super::shared::{Link, Reference};

/// What a caller may write of an invoice. A missing member has its default.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct InvoiceInput {
    /// The document number. Unique where given.
    code: Option<String>,
    /// The series it is numbered in.
    series: Option<String>,
    /// A note.
    description: Option<String>,
    /// What kind of document it is.
    #[schema(rename = "type", required = false)]
    kind: InvoiceType,
    /// How far it is.
    #[schema(required = false)]
    status: InvoiceStatus,
    /// Who is invoiced. Required.
    account: Reference,
    /// The date on it, `YYYY-MM-DD`. Required.
    #[schema(value_type = Option<String>, format = Date, required)]
    invoice_date: Option<String>,
    /// When it is to be paid.
    #[schema(value_type = Option<String>, format = Date)]
    due_date: Option<String>,
    /// The first day it is for.
    #[schema(value_type = Option<String>, format = Date)]
    period_start: Option<String>,
    /// The last day it is for.
    #[schema(value_type = Option<String>, format = Date)]
    period_end: Option<String>,
    /// The currency of every amount. Required.
    #[schema(example = "EUR", required)]
    currency: Option<String>,
    /// Against the tenant's own currency.
    #[schema(value_type = Option<String>, example = "12.50")]
    exchange_rate: Option<String>,
    /// Before tax, after discounts.
    #[schema(value_type = String, example = "12.50", required = false)]
    sub_total: String,
    /// Discounts.
    #[schema(value_type = String, example = "12.50", required = false)]
    discount_amount: String,
    /// Tax.
    #[schema(value_type = String, example = "12.50", required = false)]
    tax_amount: String,
    /// To be paid: `sub_total + tax_amount`.
    #[schema(value_type = String, example = "12.50", required = false)]
    total: String,
    /// What has been paid.
    #[schema(value_type = String, example = "12.50", required = false)]
    paid_amount: String,
    /// The lines.
    #[schema(required = false)]
    items: Vec<InvoiceItem>,
    /// The tenant's own fields.
    #[schema(value_type = Object, required = false)]
    custom_fields: serde_json::Value,
}

/// An invoice.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Invoice {
    /// The number, counted per tenant.
    id: u64,
    /// The document number. Unique where given.
    code: Option<String>,
    /// The series it is numbered in.
    series: Option<String>,
    /// A note.
    description: Option<String>,
    /// What kind of document it is.
    #[schema(rename = "type")]
    kind: InvoiceType,
    /// How far it is.
    status: InvoiceStatus,
    /// Who is invoiced. Required.
    account: Reference,
    /// The date on it, `YYYY-MM-DD`. Required.
    #[schema(value_type = Option<String>, format = Date)]
    invoice_date: Option<String>,
    /// When it is to be paid.
    #[schema(value_type = Option<String>, format = Date)]
    due_date: Option<String>,
    /// The first day it is for.
    #[schema(value_type = Option<String>, format = Date)]
    period_start: Option<String>,
    /// The last day it is for.
    #[schema(value_type = Option<String>, format = Date)]
    period_end: Option<String>,
    /// The currency of every amount. Required.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Against the tenant's own currency.
    #[schema(value_type = Option<String>, example = "12.50")]
    exchange_rate: Option<String>,
    /// Before tax, after discounts.
    #[schema(value_type = String, example = "12.50")]
    sub_total: String,
    /// Discounts.
    #[schema(value_type = String, example = "12.50")]
    discount_amount: String,
    /// Tax.
    #[schema(value_type = String, example = "12.50")]
    tax_amount: String,
    /// To be paid: `sub_total + tax_amount`.
    #[schema(value_type = String, example = "12.50")]
    total: String,
    /// What has been paid.
    #[schema(value_type = String, example = "12.50")]
    paid_amount: String,
    /// The lines.
    items: Vec<InvoiceItem>,
    /// The tenant's own fields.
    #[schema(value_type = Object)]
    custom_fields: serde_json::Value,
    /// What is still to be paid. Follows from `total` and `paidAmount`.
    #[schema(example = "12.50")]
    balance: Option<String>,
    /// How far it is paid. Follows from the amounts and the date.
    settlement: Option<Settlement>,
    /// Links to the far sides' records, one per instance.
    links: Vec<Link>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
}

/// One line of an invoice.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct InvoiceItem {
    /// Its place, from 1.
    #[schema(required = false)]
    position: u32,
    /// What it is for.
    description: Option<String>,
    /// The product.
    product: Option<Reference>,
    /// How many.
    #[schema(value_type = String, example = "12.50", required = false)]
    quantity: String,
    /// The price of one.
    #[schema(value_type = String, example = "12.50", required = false)]
    unit_price: String,
    /// Discount in percent.
    #[schema(value_type = String, example = "12.50", required = false)]
    discount_percent: String,
    /// Tax in percent.
    #[schema(value_type = String, example = "12.50", required = false)]
    tax_percent: String,
    /// Tax.
    #[schema(value_type = String, example = "12.50", required = false)]
    tax_amount: String,
    /// Before tax, after discount.
    #[schema(value_type = String, example = "12.50", required = false)]
    sub_total: String,
    /// With tax.
    #[schema(value_type = String, example = "12.50", required = false)]
    total: String,
    /// The far side's id of the line.
    integration_id: Option<String>,
}

/// What kind of document it is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum InvoiceType {
    Invoice,
    CreditNote,
    DebitInvoice,
    Proforma,
}

/// How far the document is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum InvoiceStatus {
    Draft,
    Issued,
    Cancelled,
}

/// How far an invoice is paid.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum Settlement {
    Unpaid,
    PartPaid,
    Paid,
    Overdue,
    Credited,
}
