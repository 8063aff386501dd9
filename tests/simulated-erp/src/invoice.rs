//! Invoices of the fictional business.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Amount, Measure},
    ledger::Books,
    moment::Moment,
    record::{Facets, FieldError, Findings, Record},
    shelf::Shelf,
};

/// The most lines of one invoice.
const MAX_LINES: usize = 200;

/// An invoice as the ledger keeps and sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoice {
    /// The ledger's own number: `INV-000123`.
    pub invoice_no: String,
    /// The caller's own name for the record, 1 to 100 characters; the ledger does not ask that it be unique.
    #[serde(default)]
    pub external_ref: Option<String>,
    /// Who owes; must exist.
    pub customer_no: String,
    /// Date of the invoice.
    pub issued_on: NaiveDate,
    /// When payment is due; not before it was issued.
    pub due_on: NaiveDate,
    /// ISO 4217; the currency of every amount in the record.
    pub currency: String,
    /// Whether it was paid.
    #[serde(default)]
    pub status: InvoiceStatus,
    /// What is charged: 1 to 200 lines.
    pub lines: Vec<InvoiceLine>,
    /// Sum of the lines' `net`.
    pub net_total: Amount,
    /// Sum of the lines' `tax`.
    pub tax_total: Amount,
    /// `netTotal` plus `taxTotal`.
    pub gross_total: Amount,
    /// How many times the record was written; 1 when new.
    pub revision: u32,
    /// When the record was last written.
    pub updated_at: Moment,
    /// When the record was first written.
    pub created_at: Moment,
}

/// Whether an invoice was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceStatus {
    /// Owed.
    #[default]
    Open,
    /// Settled.
    Paid,
    /// Withdrawn; takes no more changes.
    Void,
}

/// One thing charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvoiceLine {
    /// 1 for the first line, and so on.
    pub line_no: u32,
    /// Article number, 1 to 40 characters.
    pub item: String,
    /// What it is, 1 to 200 characters.
    pub text: String,
    /// How many; more than zero.
    pub qty: Measure,
    /// Price of one, without tax; negative for a credit.
    pub unit_price: Amount,
    /// `qty` times `unitPrice`, half a cent rounded away from zero.
    pub net: Amount,
    /// 0 to 100.
    pub tax_percent: Measure,
    /// `taxPercent` of `net`, half a cent rounded away from zero.
    pub tax: Amount,
}

impl InvoiceStatus {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Void => "void",
        }
    }
}

impl InvoiceLine {
    fn check(&self, position: usize, findings: &mut Findings) {
        let at = |field: &str| format!("lines[{position}].{field}");
        if usize::try_from(self.line_no) != Ok(position + 1) {
            findings.add(at("lineNo"), format!("is {}; number the lines 1, 2, 3", self.line_no));
        }
        findings.text(&at("item"), &self.item, &(1..=40));
        findings.text(&at("text"), &self.text, &(1..=200));
        if self.qty <= Measure::default() {
            findings.add(at("qty"), "must be more than zero");
        }
        if self.tax_percent < Measure::default() || Measure::from_thousandths(100_000) < self.tax_percent {
            findings.add(at("taxPercent"), "must be 0 to 100");
        }
        let net = self.unit_price.times(self.qty);
        if self.net != net {
            findings.add(at("net"), format!("is {}; qty times unitPrice is {net}", self.net));
        }
        let tax = self.net.percent(self.tax_percent);
        if self.tax != tax {
            findings.add(at("tax"), format!("is {}; taxPercent of net is {tax}", self.tax));
        }
    }
}

impl Record for Invoice {
    const KIND: &'static str = "invoice";
    const KEY_FIELD: &'static str = "invoiceNo";
    const KEY_PREFIX: &'static str = "INV-";
    const FILTERS: &'static [&'static str] = &["externalRef", "customerNo", "status"];

    fn shelf(books: &Books) -> &Shelf<Self> {
        &books.invoices
    }

    fn shelf_mut(books: &mut Books) -> &mut Shelf<Self> {
        &mut books.invoices
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn updated_at(&self) -> Moment {
        self.updated_at
    }

    fn touch(&mut self, at: Moment) {
        self.revision = self.revision.saturating_add(1);
        self.updated_at = at;
    }

    fn facets(&self) -> Facets {
        Facets {
            external_ref: self.external_ref.clone(),
            tax_number: None,
            customer_no: Some(self.customer_no.clone()),
            status: Some(self.status.as_str().to_owned()),
        }
    }

    fn check(&self) -> Vec<FieldError> {
        let mut findings = Findings::default();
        findings.optional_text("externalRef", self.external_ref.as_deref(), &(1..=100));
        findings.capitals("currency", &self.currency, 3);
        if self.due_on < self.issued_on {
            findings.add("dueOn", "must not be before issuedOn");
        }
        if self.lines.is_empty() || MAX_LINES < self.lines.len() {
            findings.add("lines", format!("has {} lines; 1 to {MAX_LINES} are allowed", self.lines.len()));
            return findings.into_errors();
        }
        for (position, line) in self.lines.iter().enumerate() {
            line.check(position, &mut findings);
        }
        let net = self.lines.iter().fold(Amount::ZERO, |sum, line| sum.plus(line.net));
        let tax = self.lines.iter().fold(Amount::ZERO, |sum, line| sum.plus(line.tax));
        for (field, given, sum) in [
            ("netTotal", self.net_total, net),
            ("taxTotal", self.tax_total, tax),
            ("grossTotal", self.gross_total, net.plus(tax)),
        ] {
            if given != sum {
                findings.add(field, format!("is {given}; the lines add up to {sum}"));
            }
        }
        findings.into_errors()
    }

    fn check_references(&self, books: &Books) -> Vec<FieldError> {
        let mut findings = Findings::default();
        if books.customers.get(&self.customer_no).is_none() {
            findings.add("customerNo", format!("there is no customer `{}`", self.customer_no));
        }
        findings.into_errors()
    }

    fn locked(&self) -> Option<&'static str> {
        match self.status {
            InvoiceStatus::Open | InvoiceStatus::Paid => None,
            InvoiceStatus::Void => Some("a void invoice takes no more changes"),
        }
    }
}
