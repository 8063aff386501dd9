//! The invoice with its items.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::context::Timestamp;
use crate::objects::{CustomFields, Field, Reference};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceType {
    /// An ordinary invoice.
    #[default]
    Invoice,
    /// Takes back an invoice, wholly or partly.
    CreditNote,
    /// Adds to an invoice.
    DebitInvoice,
    /// Not a tax document yet.
    Proforma,
}

/// How far the document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceStatus {
    /// May still change.
    #[default]
    Draft,
    /// Sent to the customer.
    Issued,
    /// Void.
    Cancelled,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Invoice {
    /// The platform's number. Ignored in a pull.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub id: Field<u64>,
    /// The document number.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub code: Field<String>,
    /// The series it is numbered in.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub series: Field<String>,
    /// A note.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// What kind of document it is.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<InvoiceType>,
    /// How far it is.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub status: Field<InvoiceStatus>,
    /// Who is invoiced. A new invoice needs one.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub account: Field<Reference>,
    /// The date on it. A new invoice needs one.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub invoice_date: Field<NaiveDate>,
    /// When it is to be paid.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub due_date: Field<NaiveDate>,
    /// The first day it is for.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub period_start: Field<NaiveDate>,
    /// The last day it is for.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub period_end: Field<NaiveDate>,
    /// The ISO 4217 code of every amount's currency. A new invoice needs one.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub currency: Field<String>,
    /// Against the tenant's own currency.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub exchange_rate: Field<Decimal>,
    /// Before tax, after discounts.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub sub_total: Field<Decimal>,
    /// Discounts.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub discount_amount: Field<Decimal>,
    /// Tax.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tax_amount: Field<Decimal>,
    /// To be paid: `sub_total + tax_amount`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub total: Field<Decimal>,
    /// What has been paid.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub paid_amount: Field<Decimal>,
    /// The lines, all of them.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub items: Field<Vec<InvoiceItem>>,
    /// The tenant's own fields, all of them.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub custom_fields: Field<CustomFields>,
    /// The far side's id, in a push.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub integration_id: Field<String>,
    /// When the platform created it. Ignored in a pull.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub created_at: Field<Timestamp>,
    /// When it last changed on the platform. Ignored in a pull.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub updated_at: Field<Timestamp>,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvoiceItem {
    /// Its place, from 1.
    pub position: u32,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Reference>,
    /// How many.
    pub quantity: Decimal,
    /// The price of one.
    pub unit_price: Decimal,
    /// Discount in percent.
    pub discount_percent: Decimal,
    /// Tax in percent.
    pub tax_percent: Decimal,
    /// Tax.
    pub tax_amount: Decimal,
    /// Before tax, after discount.
    pub sub_total: Decimal,
    /// With tax.
    pub total: Decimal,
    /// The far side's id of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
}
