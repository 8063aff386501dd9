//! Invoices of the platform are invoices of the ledger.
//!
//! | invoice | ledger's invoice |
//! |---|---|
//! | `code` | `invoiceNo`, which the ledger gives out |
//! | `account` | `customerNo` |
//! | `invoiceDate`, `dueDate`, `currency` | `issuedOn`, `dueOn`, `currency` |
//! | `status` | `cancelled` is `void`; `issued` is `open`, or `paid` once `paidAmount` covers the total |
//! | `subTotal`, `taxAmount`, `total` | `netTotal`, `taxTotal`, `grossTotal` |
//! | `items` | `lines`; a line with a discount is sent as one piece at its discounted price |
//!
//! Drafts, proformas, credit and debit notes stay on the platform: the ledger has no such thing.

use mortise_sdk::objects::{InvoiceStatus as Status, InvoiceType};
use mortise_sdk::prelude::{Error, Invoice as PlatformInvoice, InvoiceItem, Reference, Result};
use mortise_sdk::rust_decimal::RoundingStrategy;
use mortise_sdk::{Decimal, chrono::NaiveDate};
use serde::Serialize;

use crate::ledger::{Invoice, InvoiceStatus, Line};
use crate::{Pair, Settings};

/// Invoices and invoices.
pub(crate) struct Invoices;

/// An invoice as the ledger is asked to hold it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvoiceDraft {
    customer_no: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    currency: String,
    status: InvoiceStatus,
    lines: Vec<Line>,
    net_total: Decimal,
    tax_total: Decimal,
    gross_total: Decimal,
}

impl Pair for Invoices {
    const ENTITY: &'static str = "invoice";
    type Object = PlatformInvoice;
    type Record = Invoice;
    type Draft = InvoiceDraft;

    fn to_platform(invoice: Invoice) -> PlatformInvoice {
        let paid = match invoice.status {
            InvoiceStatus::Paid => invoice.gross_total,
            InvoiceStatus::Open | InvoiceStatus::Void => Decimal::ZERO,
        };
        PlatformInvoice {
            code: invoice.invoice_no.into(),
            kind: InvoiceType::Invoice.into(),
            status: match invoice.status {
                InvoiceStatus::Open | InvoiceStatus::Paid => Status::Issued,
                InvoiceStatus::Void => Status::Cancelled,
            }
            .into(),
            account: Reference::by_integration_id(invoice.customer_no).into(),
            invoice_date: invoice.issued_on.into(),
            due_date: invoice.due_on.into(),
            currency: invoice.currency.into(),
            sub_total: invoice.net_total.into(),
            tax_amount: invoice.tax_total.into(),
            total: invoice.gross_total.into(),
            paid_amount: paid.max(Decimal::ZERO).into(),
            items: invoice.lines.into_iter().map(item).collect::<Vec<_>>().into(),
            ..PlatformInvoice::default()
        }
    }

    fn to_ledger(invoice: PlatformInvoice, _: Option<&Invoice>, _: &Settings) -> Result<InvoiceDraft> {
        let account = invoice.account.into_option().unwrap_or_default();
        let Some(customer_no) = account.integration_id else {
            let name = account.name.unwrap_or_else(|| "the account".to_owned());
            return Err(Error::retryable(format!("{name} is not in the ledger yet")));
        };
        let Some(issued_on) = invoice.invoice_date.into_option() else {
            return Err(Error::rejected(
                "/invoiceDate",
                "required",
                "the ledger needs the date of an invoice",
            ));
        };
        let Some(currency) = invoice.currency.into_option() else {
            return Err(Error::rejected(
                "/currency",
                "required",
                "the ledger needs the currency of an invoice",
            ));
        };
        let total = invoice.total.into_option().unwrap_or_default();
        let is_paid = total <= invoice.paid_amount.into_option().unwrap_or_default();
        let items = invoice.items.into_option().unwrap_or_default();
        let lines: Vec<_> = (1..).zip(items).map(|(number, item)| line(number, item)).collect();
        let net_total = lines.iter().map(|line| line.net).sum();
        let tax_total = lines.iter().map(|line| line.tax).sum();
        let gross_total = net_total + tax_total;
        if gross_total != total {
            let message =
                format!("the items make {gross_total}, the total is {total}: the ledger takes no rest");
            return Err(Error::rejected("/total", "does-not-add-up", message));
        }
        Ok(InvoiceDraft {
            customer_no,
            issued_on,
            due_on: invoice.due_date.into_option().unwrap_or(issued_on),
            currency,
            status: match invoice.status.into_option() {
                Some(Status::Cancelled) => InvoiceStatus::Void,
                _ if is_paid => InvoiceStatus::Paid,
                _ => InvoiceStatus::Open,
            },
            lines,
            net_total,
            tax_total,
            gross_total,
        })
    }

    fn held(invoice: &Invoice) -> InvoiceDraft {
        let invoice = invoice.clone();
        InvoiceDraft {
            customer_no: invoice.customer_no,
            issued_on: invoice.issued_on,
            due_on: invoice.due_on,
            currency: invoice.currency,
            status: invoice.status,
            lines: invoice.lines,
            net_total: invoice.net_total,
            tax_total: invoice.tax_total,
            gross_total: invoice.gross_total,
        }
    }

    fn out_of_scope(invoice: &PlatformInvoice) -> Option<&'static str> {
        match (invoice.kind.get(), invoice.status.get()) {
            (Some(InvoiceType::Proforma), _) => Some("the ledger keeps no proformas"),
            (Some(InvoiceType::CreditNote), _) => Some("the ledger keeps no credit notes"),
            (Some(InvoiceType::DebitInvoice), _) => Some("the ledger keeps no debit invoices"),
            (_, None | Some(Status::Draft)) => Some("the ledger is told of an invoice once it is issued"),
            _ => None,
        }
    }

    fn pointer(field: &str) -> String {
        let member = match field {
            "customerNo" => "account",
            "issuedOn" => "invoiceDate",
            "dueOn" => "dueDate",
            "netTotal" => "subTotal",
            "taxTotal" => "taxAmount",
            "grossTotal" => "total",
            other => return line_pointer(other).unwrap_or_else(|| format!("/{other}")),
        };
        format!("/{member}")
    }
}

/// The place of `lines[2].qty` in the platform's object: `/items/2/quantity`.
fn line_pointer(field: &str) -> Option<String> {
    let (index, field) = field.strip_prefix("lines")?.strip_prefix('[')?.split_once(']')?;
    let member = match field.strip_prefix('.')? {
        "lineNo" => "position",
        "item" => "product",
        "text" => "description",
        "qty" => "quantity",
        "net" => "subTotal",
        "tax" => "taxAmount",
        other => other,
    };
    Some(format!("/items/{index}/{member}"))
}

fn item(line: Line) -> InvoiceItem {
    InvoiceItem {
        position: line.line_no,
        description: Some(line.text),
        product: Some(Reference::by_integration_id(line.item)),
        quantity: line.qty,
        unit_price: line.unit_price,
        tax_percent: line.tax_percent,
        tax_amount: line.tax,
        sub_total: line.net,
        total: line.net + line.tax,
        integration_id: Some(line.line_no.to_string()),
        ..InvoiceItem::default()
    }
}

/// The ledger has no discounts, and its `net` is exactly `qty` times `unitPrice`, to the cent.
fn line(line_no: u32, item: InvoiceItem) -> Line {
    let product = item.product.unwrap_or_default();
    let article = product.integration_id.or_else(|| product.id.map(|id| id.to_string()));
    let text = item.description.or(product.name).unwrap_or_else(|| format!("Item {line_no}"));
    let (qty, unit_price) = if to_the_cent(item.quantity * item.unit_price) == item.sub_total {
        (item.quantity, item.unit_price)
    } else {
        (Decimal::ONE, item.sub_total)
    };
    Line {
        line_no,
        item: article.unwrap_or_else(|| format!("ITEM-{line_no}")),
        text,
        qty,
        unit_price,
        net: item.sub_total,
        tax_percent: item.tax_percent,
        tax: item.tax_amount,
    }
}

fn to_the_cent(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
