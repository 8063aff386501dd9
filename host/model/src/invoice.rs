//! The invoice with its items. Field names follow the platform API.

use serde::{Deserialize, Serialize};

use crate::account::check_length;
use crate::clock::Timestamp;
use crate::entity::{CustomFields, Link, Reference};
use crate::error::FieldError;
use crate::id::InvoiceId;
use crate::money::{Amount, Currency};

/// Most items of one invoice.
pub const MAX_ITEMS: usize = 1_000;

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

/// How far an invoice is paid. Derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// Nothing is paid.
    Unpaid,
    /// Something is paid.
    PartPaid,
    /// Everything is paid.
    Paid,
    /// Something is still to be paid after the due date.
    Overdue,
    /// It takes money back.
    Credited,
}

/// An invoice as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// The number, counted per tenant.
    pub id: InvoiceId,
    /// Everything a caller may write.
    #[serde(flatten)]
    pub fields: InvoiceFields,
    /// Links to the far sides' records, one per instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a caller may write of an invoice. A missing field has its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct InvoiceFields {
    /// The document number. Unique where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The series it is numbered in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// A note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of document it is.
    #[serde(rename = "type")]
    pub kind: InvoiceType,
    /// How far it is.
    pub status: InvoiceStatus,
    /// Who is invoiced. Required.
    pub account: Reference,
    /// The date on it, `YYYY-MM-DD`. Required.
    pub invoice_date: Option<chrono::NaiveDate>,
    /// When it is to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<chrono::NaiveDate>,
    /// The first day it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_start: Option<chrono::NaiveDate>,
    /// The last day it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_end: Option<chrono::NaiveDate>,
    /// The currency of every amount. Required.
    pub currency: Option<Currency>,
    /// Against the tenant's own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Amount>,
    /// Before tax, after discounts.
    pub sub_total: Amount,
    /// Discounts.
    pub discount_amount: Amount,
    /// Tax.
    pub tax_amount: Amount,
    /// To be paid: `sub_total + tax_amount`.
    pub total: Amount,
    /// What has been paid.
    pub paid_amount: Amount,
    /// The lines.
    pub items: Vec<InvoiceItem>,
    /// The tenant's own fields.
    pub custom_fields: CustomFields,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
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
    pub quantity: Amount,
    /// The price of one.
    pub unit_price: Amount,
    /// Discount in percent.
    pub discount_percent: Amount,
    /// Tax in percent.
    pub tax_percent: Amount,
    /// Tax.
    pub tax_amount: Amount,
    /// Before tax, after discount.
    pub sub_total: Amount,
    /// With tax.
    pub total: Amount,
    /// The far side's id of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
}

impl InvoiceFields {
    /// What is still to be paid. Stops at the largest amount there is, which [`Self::problems`] refuses beforehand.
    pub fn balance(&self) -> Amount {
        Amount(self.total.0.saturating_sub(self.paid_amount.0))
    }

    /// How far it is paid on a day.
    pub fn settlement(&self, today: chrono::NaiveDate) -> Settlement {
        let balance = self.balance();
        if self.kind == InvoiceType::CreditNote {
            Settlement::Credited
        } else if balance <= Amount::ZERO {
            Settlement::Paid
        } else if self.status == InvoiceStatus::Issued && self.due_date.is_some_and(|due| due < today) {
            Settlement::Overdue
        } else if self.paid_amount > Amount::ZERO {
            Settlement::PartPaid
        } else {
            Settlement::Unpaid
        }
    }

    /// Everything that is wrong with the fields taken alone. References are checked by who knows the store.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        for (pointer, text) in
            [("/code", &self.code), ("/series", &self.series), ("/description", &self.description)]
        {
            check_length(&mut problems, pointer, text.as_deref());
        }
        if self.account.id.is_none() && self.account.integration_id.is_none() {
            problems.push(FieldError::new("/account", "required", "an invoice needs an account, by its id"));
        }
        if self.invoice_date.is_none() {
            problems.push(FieldError::new("/invoiceDate", "required", "an invoice needs a date"));
        }
        if self.currency.is_none() {
            problems.push(FieldError::new("/currency", "required", "an invoice needs a currency"));
        }
        self.collect_amount_problems(&mut problems);
        self.collect_item_problems(&mut problems);
        problems
    }

    fn collect_amount_problems(&self, problems: &mut Vec<FieldError>) {
        let sum = self.sub_total.0.checked_add(self.tax_amount.0).map(Amount);
        if sum != Some(self.total) {
            let message = format!(
                "the total {} is not the sub-total {} plus the tax {}",
                self.total, self.sub_total, self.tax_amount
            );
            problems.push(FieldError::new("/total", "does-not-add-up", message));
        }
        if self.paid_amount < Amount::ZERO {
            problems.push(FieldError::new("/paidAmount", "too-small", "what has been paid is zero or more"));
        } else if self.total.0.checked_sub(self.paid_amount.0).is_none() {
            let message = format!(
                "the total {} less what has been paid, {}, is more than an amount can hold",
                self.total, self.paid_amount
            );
            problems.push(FieldError::new("/paidAmount", "too-large", message));
        }
    }

    fn collect_item_problems(&self, problems: &mut Vec<FieldError>) {
        if self.items.len() > MAX_ITEMS {
            problems.push(FieldError::new(
                "/items",
                "too-many",
                format!("an invoice has at most {MAX_ITEMS} items"),
            ));
            return;
        }
        for (index, item) in self.items.iter().enumerate() {
            check_length(problems, &format!("/items/{index}/description"), item.description.as_deref());
        }
        let sum =
            self.items.iter().try_fold(Amount::ZERO, |sum, item| sum.0.checked_add(item.total.0).map(Amount));
        if !self.items.is_empty() && sum != Some(self.total) {
            let sum = sum.map_or_else(|| "too large".to_owned(), |sum| sum.to_string());
            let message = format!("the items' totals make {sum}, the invoice's total is {}", self.total);
            problems.push(FieldError::new("/items", "does-not-add-up", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn invoice() -> InvoiceFields {
        InvoiceFields {
            account: Reference { id: Some(1), ..Reference::default() },
            invoice_date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1),
            due_date: chrono::NaiveDate::from_ymd_opt(2026, 3, 31),
            status: InvoiceStatus::Issued,
            currency: "EUR".parse().ok(),
            sub_total: amount("100.00"),
            tax_amount: amount("24.00"),
            total: amount("124.00"),
            ..InvoiceFields::default()
        }
    }

    #[test]
    fn totals_that_do_not_add_up_are_told_with_the_numbers() {
        let mut fields = invoice();
        fields.total = amount("124.01");
        fields.items = vec![InvoiceItem { total: amount("124.00"), ..InvoiceItem::default() }];
        let messages: Vec<_> = fields.problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(
            messages,
            [
                "the total 124.01 is not the sub-total 100.00 plus the tax 24.00",
                "the items' totals make 124.00, the invoice's total is 124.01"
            ]
        );
    }

    #[test]
    fn a_balance_that_no_amount_can_hold_is_refused_and_harms_nobody_who_looks_at_it() {
        let most = amount("79228162514264337593543950335");
        let mut fields = invoice();
        fields.sub_total = Amount(-most.0);
        fields.tax_amount = Amount::ZERO;
        fields.total = Amount(-most.0);
        assert_eq!(fields.problems(), []);
        fields.paid_amount = most;
        let codes: Vec<_> = fields.problems().into_iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["too-large"]);
        assert_eq!(fields.balance(), Amount(-most.0));
        assert_eq!(fields.settlement(chrono::NaiveDate::MIN), Settlement::Paid);
    }

    #[test]
    fn settlement_follows_from_amounts_and_dates() {
        let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 4, day).unwrap();
        let before_due = chrono::NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        let mut fields = invoice();
        assert_eq!(fields.settlement(before_due), Settlement::Unpaid);
        assert_eq!(fields.settlement(day(1)), Settlement::Overdue);
        fields.paid_amount = amount("24.00");
        assert_eq!(fields.settlement(before_due), Settlement::PartPaid);
        fields.paid_amount = amount("124.00");
        assert_eq!(fields.settlement(day(1)), Settlement::Paid);
        fields.kind = InvoiceType::CreditNote;
        assert_eq!(fields.settlement(day(1)), Settlement::Credited);
    }
}
