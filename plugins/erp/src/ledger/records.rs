//! The ledger's records as it sends them.
#![expect(clippy::struct_field_names, reason = "the ledger calls its fields so")]

use mortise_sdk::Decimal;
use mortise_sdk::chrono::{NaiveDate, SecondsFormat};
use mortise_sdk::context::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A record that the ledger keeps under a number of its own.
pub(crate) trait Record: DeserializeOwned {
    /// Its place below `/api/v2`.
    const PATH: &'static str;

    /// Its number.
    fn number(&self) -> &str;

    /// Grows with every change.
    fn revision(&self) -> u32;

    /// Why it takes no more changes, if so.
    fn locked(&self) -> Option<&'static str>;
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Customer {
    pub(crate) customer_no: String,
    pub(crate) display_name: String,
    pub(crate) tax_number: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) website: Option<String>,
    pub(crate) currency: String,
    pub(crate) credit_limit: Decimal,
    pub(crate) taxable: bool,
    pub(crate) status: CustomerStatus,
    pub(crate) bill_to: Option<Address>,
    pub(crate) revision: u32,
}

/// Where a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CustomerStatus {
    Active,
    OnHold,
    Closed,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address {
    pub(crate) line1: String,
    pub(crate) line2: Option<String>,
    pub(crate) town: String,
    pub(crate) zip: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) country_iso: String,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invoice {
    pub(crate) invoice_no: String,
    pub(crate) customer_no: String,
    pub(crate) issued_on: NaiveDate,
    pub(crate) due_on: NaiveDate,
    pub(crate) currency: String,
    pub(crate) status: InvoiceStatus,
    pub(crate) lines: Vec<Line>,
    pub(crate) net_total: Decimal,
    pub(crate) tax_total: Decimal,
    pub(crate) gross_total: Decimal,
    pub(crate) revision: u32,
}

/// Whether an invoice was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvoiceStatus {
    Open,
    Paid,
    Void,
}

/// One thing charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) line_no: u32,
    pub(crate) item: String,
    pub(crate) text: String,
    pub(crate) qty: Decimal,
    pub(crate) unit_price: Decimal,
    pub(crate) net: Decimal,
    pub(crate) tax_percent: Decimal,
    pub(crate) tax: Decimal,
}

impl Record for Customer {
    const PATH: &'static str = "customers";

    fn number(&self) -> &str {
        &self.customer_no
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn locked(&self) -> Option<&'static str> {
        None
    }
}

impl Record for Invoice {
    const PATH: &'static str = "invoices";

    fn number(&self) -> &str {
        &self.invoice_no
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn locked(&self) -> Option<&'static str> {
        (self.status == InvoiceStatus::Void).then_some("a void invoice takes no more changes")
    }
}

/// A point in time as the ledger reads it.
pub(crate) fn instant(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
