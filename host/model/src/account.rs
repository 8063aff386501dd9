//! The account: a customer, with addresses. Field names follow the platform API.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::entity::{CustomFields, Link, Reference};
use crate::error::FieldError;
use crate::id::AccountId;
use crate::money::{Amount, Currency};

/// Longest text of an ordinary field, in characters.
pub const MAX_TEXT: usize = 400;
/// Most addresses of one account.
pub const MAX_ADDRESSES: usize = 100;

/// A customer as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The number, counted per tenant.
    pub id: AccountId,
    /// Everything a caller may write.
    #[serde(flatten)]
    pub fields: AccountFields,
    /// Links to the far sides' records, one per instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a caller may write of an account. A missing field has its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the documented object has them")]
pub struct AccountFields {
    /// The name. Required.
    pub name: String,
    /// The customer's number, as people know it. Unique where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The company's registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// The name it trades under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trading_name: Option<String>,
    /// E-mail address of the company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Fax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
    /// Web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// A note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Location code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_code: Option<String>,
    /// Number in the companies' register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_number: Option<String>,
    /// What the company does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_activity: Option<String>,
    /// VAT number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<String>,
    /// Whether tax is charged.
    pub taxable: bool,
    /// Whether it may order.
    pub ordering_enabled: bool,
    /// How much it may owe. Zero or more.
    pub credit_limit: Amount,
    /// Whether `credit_limit` is ignored.
    pub unlimited_credit_limit: bool,
    /// Whether each subscription has an invoice of its own.
    pub separate_invoices: bool,
    /// Whether invoices are sent by e-mail.
    pub auto_invoice_notification: bool,
    /// The currency it is invoiced in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_currency: Option<Currency>,
    /// The name of its payment method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
    /// The account above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_account: Option<Reference>,
    /// The account that is invoiced for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_to_account: Option<Reference>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The tenant's own fields.
    pub custom_fields: CustomFields,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Address {
    /// A UUID, the caller's or none.
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
    /// ISO 3166-1 alpha-2 code of the country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// Whether invoices go here.
    pub is_billing: bool,
}

impl AccountFields {
    /// Everything that is wrong with the fields taken alone. References are checked by who knows the store.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(FieldError::new("/name", "required", "an account needs a name"));
        }
        for (pointer, text) in self.texts() {
            check_length(&mut problems, pointer, text);
        }
        if self.credit_limit < Amount::ZERO {
            problems.push(FieldError::new("/creditLimit", "too-small", "a credit limit is zero or more"));
        }
        if self.addresses.len() > MAX_ADDRESSES {
            let message = format!("an account has at most {MAX_ADDRESSES} addresses");
            problems.push(FieldError::new("/addresses", "too-many", message));
        }
        for (index, address) in self.addresses.iter().enumerate().take(MAX_ADDRESSES) {
            address.collect_problems(&format!("/addresses/{index}"), &mut problems);
        }
        problems
    }

    fn texts(&self) -> [(&'static str, Option<&str>); 14] {
        [
            ("/name", Some(&self.name)),
            ("/code", self.code.as_deref()),
            ("/companyName", self.company_name.as_deref()),
            ("/tradingName", self.trading_name.as_deref()),
            ("/email", self.email.as_deref()),
            ("/phone", self.phone.as_deref()),
            ("/fax", self.fax.as_deref()),
            ("/website", self.website.as_deref()),
            ("/description", self.description.as_deref()),
            ("/locationCode", self.location_code.as_deref()),
            ("/registrationNumber", self.registration_number.as_deref()),
            ("/businessActivity", self.business_activity.as_deref()),
            ("/vatNumber", self.vat_number.as_deref()),
            ("/paymentMethod", self.payment_method.as_deref()),
        ]
    }
}

impl Address {
    fn collect_problems(&self, pointer: &str, problems: &mut Vec<FieldError>) {
        for (name, text) in [
            ("id", &self.id),
            ("description", &self.description),
            ("address1", &self.address1),
            ("address2", &self.address2),
            ("city", &self.city),
            ("region", &self.region),
            ("postCode", &self.post_code),
            ("stateCode", &self.state_code),
        ] {
            check_length(problems, &format!("{pointer}/{name}"), text.as_deref());
        }
        if let Some(code) = &self.country_code
            && !(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            let message =
                format!("`{code}` is not a country: expected two capitals (ISO 3166-1), for example GR");
            problems.push(FieldError::new(format!("{pointer}/countryCode"), "invalid", message));
        }
    }
}

/// Adds a problem when `text` is longer than [`MAX_TEXT`] characters.
pub(crate) fn check_length(problems: &mut Vec<FieldError>, pointer: &str, text: Option<&str>) {
    if text.is_some_and(|text| text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT) {
        problems.push(FieldError::new(pointer, "too-long", format!("at most {MAX_TEXT} characters")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_an_account_is_told_at_once() {
        let fields = AccountFields {
            code: Some("x".repeat(MAX_TEXT + 1)),
            credit_limit: Amount((-1).into()),
            addresses: vec![Address { country_code: Some("Greece".to_owned()), ..Address::default() }],
            ..AccountFields::default()
        };
        let pointers: Vec<_> = fields.problems().into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(pointers, ["/name", "/code", "/creditLimit", "/addresses/0/countryCode"]);
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let error = serde_json::from_str::<AccountFields>(r#"{"name":"A","nmae":"B"}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `nmae`"), "{error}");
    }
}
