//! Customers of the fictional business.

use serde::{Deserialize, Serialize};

use crate::{
    decimal::Amount,
    ledger::Books,
    moment::Moment,
    record::{Facets, FieldError, Findings, Record},
    shelf::Shelf,
};

/// A customer as the ledger keeps and sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Customer {
    /// The ledger's own number: `C-000123`.
    pub customer_no: String,
    /// The caller's own name for the record, 1 to 100 characters; the ledger does not ask that it be unique.
    #[serde(default)]
    pub external_ref: Option<String>,
    /// 1 to 120 characters.
    pub display_name: String,
    /// 4 to 20 letters and digits.
    #[serde(default)]
    pub tax_number: Option<String>,
    /// An address with one `@`.
    #[serde(default)]
    pub email: Option<String>,
    /// 3 to 40 characters.
    #[serde(default)]
    pub phone: Option<String>,
    /// An `http` or `https` address.
    #[serde(default)]
    pub website: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// Never negative.
    #[serde(default)]
    pub credit_limit: Amount,
    /// Whether tax is charged.
    #[serde(default = "taxable_unless_said")]
    pub taxable: bool,
    /// Where the customer stands.
    #[serde(default)]
    pub status: CustomerStatus,
    /// Where invoices go.
    #[serde(default)]
    pub bill_to: Option<Address>,
    /// How many times the record was written; 1 when new.
    pub revision: u32,
    /// When the record was last written.
    pub updated_at: Moment,
    /// When the record was first written.
    pub created_at: Moment,
}

/// Where a customer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomerStatus {
    /// Buys.
    #[default]
    Active,
    /// Buys nothing until debts are paid.
    OnHold,
    /// Buys no more.
    Closed,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Street and house number, 1 to 120 characters.
    pub line1: String,
    /// A second line, at most 120 characters.
    #[serde(default)]
    pub line2: Option<String>,
    /// 1 to 80 characters.
    pub town: String,
    /// At most 16 characters.
    #[serde(default)]
    pub zip: Option<String>,
    /// At most 80 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// ISO 3166-1, two letters.
    pub country_iso: String,
}

impl CustomerStatus {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::OnHold => "on-hold",
            Self::Closed => "closed",
        }
    }
}

impl Record for Customer {
    const KIND: &'static str = "customer";
    const KEY_FIELD: &'static str = "customerNo";
    const KEY_PREFIX: &'static str = "C-";
    const FILTERS: &'static [&'static str] = &["externalRef", "taxNumber", "status"];

    fn shelf(books: &Books) -> &Shelf<Self> {
        &books.customers
    }

    fn shelf_mut(books: &mut Books) -> &mut Shelf<Self> {
        &mut books.customers
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
            tax_number: self.tax_number.clone(),
            customer_no: None,
            status: Some(self.status.as_str().to_owned()),
        }
    }

    fn check(&self) -> Vec<FieldError> {
        let mut findings = Findings::default();
        findings.text("displayName", &self.display_name, &(1..=120));
        findings.optional_text("externalRef", self.external_ref.as_deref(), &(1..=100));
        findings.optional_text("phone", self.phone.as_deref(), &(3..=40));
        findings.capitals("currency", &self.currency, 3);
        if let Some(number) = &self.tax_number {
            findings.text("taxNumber", number, &(4..=20));
            if !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                findings.add("taxNumber", "may hold letters and digits only; leave out spaces and signs");
            }
        }
        if let Some(email) = &self.email {
            findings.text("email", email, &(3..=254));
            if email.matches('@').count() != 1 || email.contains(char::is_whitespace) {
                findings.add("email", format!("`{email}` is not an address with one `@`"));
            }
        }
        if let Some(website) = &self.website {
            findings.text("website", website, &(8..=200));
            if !website.starts_with("https://") && !website.starts_with("http://") {
                findings.add("website", "must start with https:// or http://");
            }
        }
        if self.credit_limit < Amount::ZERO {
            findings.add("creditLimit", "must not be negative");
        }
        if let Some(address) = &self.bill_to {
            findings.text("billTo.line1", &address.line1, &(1..=120));
            findings.optional_text("billTo.line2", address.line2.as_deref(), &(0..=120));
            findings.text("billTo.town", &address.town, &(1..=80));
            findings.optional_text("billTo.zip", address.zip.as_deref(), &(0..=16));
            findings.optional_text("billTo.region", address.region.as_deref(), &(0..=80));
            findings.capitals("billTo.countryIso", &address.country_iso, 2);
        }
        findings.into_errors()
    }

    fn check_references(&self, _books: &Books) -> Vec<FieldError> {
        Vec::new()
    }

    fn locked(&self) -> Option<&'static str> {
        None
    }
}

fn taxable_unless_said() -> bool {
    true
}
