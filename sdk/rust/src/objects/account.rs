//! The account: a customer, with addresses.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::context::Timestamp;
use crate::objects::{CustomFields, Field, Reference};

/// A customer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Account {
    /// The platform's number. Ignored in a pull.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub id: Field<u64>,
    /// The customer's number, as people know it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub code: Field<String>,
    /// The name. A new account needs one.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// The company's registered name.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub company_name: Field<String>,
    /// The name it trades under.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub trading_name: Field<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub email: Field<String>,
    /// Telephone.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub phone: Field<String>,
    /// Fax.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub fax: Field<String>,
    /// Web site.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub website: Field<String>,
    /// A note.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// Location code.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub location_code: Field<String>,
    /// Number in the companies' register.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub registration_number: Field<String>,
    /// What the company does.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub business_activity: Field<String>,
    /// VAT number.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub vat_number: Field<String>,
    /// Whether tax is charged.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub taxable: Field<bool>,
    /// Whether it may order.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub ordering_enabled: Field<bool>,
    /// How much it may owe. Zero or more.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub credit_limit: Field<Decimal>,
    /// Whether `credit_limit` is ignored.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub unlimited_credit_limit: Field<bool>,
    /// Whether each subscription has an invoice of its own.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub separate_invoices: Field<bool>,
    /// Whether invoices are sent by e-mail.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub auto_invoice_notification: Field<bool>,
    /// The ISO 4217 code of the currency it is invoiced in.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub transaction_currency: Field<String>,
    /// The name of its payment method.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub payment_method: Field<String>,
    /// The account above it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub parent_account: Field<Reference>,
    /// The account that is invoiced for it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub bill_to_account: Field<Reference>,
    /// Its addresses, all of them.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub addresses: Field<Vec<Address>>,
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

impl Account {
    /// The address that invoices go to, or else the first.
    pub fn billing_address(&self) -> Option<&Address> {
        let addresses = self.addresses.get()?;
        addresses.iter().find(|address| address.is_billing).or_else(|| addresses.first())
    }
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// A UUID, the far side's or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Post code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_code: Option<String>,
    /// State code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_code: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country, in capitals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// Whether invoices go here.
    pub is_billing: bool,
}
