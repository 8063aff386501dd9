//! Business going on: records that change by themselves.

use chrono::Days;
use rand::RngExt;
use serde::Serialize;

use crate::{
    customer::{Customer, CustomerStatus},
    decimal::Amount,
    invoice::{Invoice, InvoiceStatus},
    ledger::{Books, Ledger, LedgerError},
    record::Record,
};

/// One change in so many makes a record rather than editing one.
const CREATE_EVERY: u32 = 20;

/// How often a pick may meet a record that takes no changes before the change is left out.
const PICKS: usize = 16;

/// What a number of changes came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChurnReport {
    /// Customers that were edited, by number; one may appear twice.
    pub edited_customers: Vec<String>,
    /// Invoices that were edited, by number; one may appear twice.
    pub edited_invoices: Vec<String>,
    /// Customers that were made.
    pub created_customers: Vec<String>,
    /// Invoices that were made.
    pub created_invoices: Vec<String>,
}

impl Ledger {
    /// Makes so many changes at once.
    pub(crate) fn churn(&self, changes: u32) -> Result<ChurnReport, LedgerError> {
        let books = &mut *self.write();
        let mut report = ChurnReport::default();
        for _ in 0..changes {
            if books.rng.random_range(0..CREATE_EVERY) == 0 {
                self.create_one(books, &mut report)?;
            } else {
                edit_one(books, &mut report)?;
            }
        }
        Ok(report)
    }

    fn create_one(&self, books: &mut Books, report: &mut ChurnReport) -> Result<(), LedgerError> {
        let generator = self.generator();
        let now = books.tick();
        if books.rng.random_bool(0.5) {
            let position = books.customers.next_position().ok_or(LedgerError::Full)?;
            let mut customer = generator.customer(position);
            (customer.revision, customer.created_at, customer.updated_at) = (1, now, now);
            books.customers.append(&customer)?;
            report.created_customers.push(customer.customer_no);
            return Ok(());
        }
        let Some(owner) = books.customers.pick(&mut books.rng) else {
            return Ok(());
        };
        let owner: Customer = serde_json::from_slice(&books.get::<Customer>(&owner)?.json)?;
        let position = books.invoices.next_position().ok_or(LedgerError::Full)?;
        let mut invoice = generator.invoice(position, 1);
        (invoice.revision, invoice.created_at, invoice.updated_at) = (1, now, now);
        (invoice.customer_no, invoice.currency) = (owner.customer_no, owner.currency);
        invoice.status = InvoiceStatus::Open;
        books.invoices.append(&invoice)?;
        report.created_invoices.push(invoice.invoice_no);
        Ok(())
    }
}

fn edit_one(books: &mut Books, report: &mut ChurnReport) -> Result<(), LedgerError> {
    if books.rng.random_bool(0.5) {
        report.edited_customers.extend(edit(books, edit_customer)?);
    } else {
        report.edited_invoices.extend(edit(books, edit_invoice)?);
    }
    Ok(())
}

/// Edits a random record, unless none is found that takes changes.
fn edit<R: Record>(books: &mut Books, edit: fn(&mut R, u32)) -> Result<Option<String>, LedgerError> {
    for _ in 0..PICKS {
        let Some(key) = pick::<R>(books) else {
            return Ok(None);
        };
        let mut record: R = serde_json::from_slice(&books.get::<R>(&key)?.json)?;
        if record.locked().is_some() {
            continue;
        }
        let now = books.tick();
        edit(&mut record, books.rng.random_range(0..1_000));
        record.touch(now);
        R::shelf_mut(books).replace(&key, &record)?;
        return Ok(Some(key));
    }
    Ok(None)
}

fn pick<R: Record>(books: &mut Books) -> Option<String> {
    let mut rng = books.rng.clone();
    let key = R::shelf(books).pick(&mut rng);
    books.rng = rng;
    key
}

fn edit_customer(customer: &mut Customer, dice: u32) {
    match dice % 3 {
        0 => customer.credit_limit = Amount::from_cents(i64::from(dice) * 5_000),
        1 => customer.phone = Some(format!("+44 555 0199 {dice:03}")),
        _ => {
            customer.status = match customer.status {
                CustomerStatus::Active => CustomerStatus::OnHold,
                CustomerStatus::OnHold | CustomerStatus::Closed => CustomerStatus::Active,
            }
        }
    }
}

fn edit_invoice(invoice: &mut Invoice, dice: u32) {
    match invoice.status {
        InvoiceStatus::Open if dice.is_multiple_of(2) => invoice.status = InvoiceStatus::Paid,
        _ => invoice.due_on = invoice.due_on + Days::new(u64::from(dice % 28) + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, ledger::parsed};

    #[test]
    fn every_change_bumps_one_revision_or_makes_one_record() {
        let config = Config { customers: 30, invoices: 60, ..Config::default() };
        let ledger = Ledger::new(&config).unwrap();
        let weight = || {
            let books = ledger.read();
            let customers: Vec<Customer> = parsed(books.customers.all().cloned()).unwrap();
            let invoices: Vec<Invoice> = parsed(books.invoices.all().cloned()).unwrap();
            customers.iter().map(|customer| customer.revision).sum::<u32>()
                + invoices.iter().map(|invoice| invoice.revision).sum::<u32>()
        };
        let before = weight();

        let report = ledger.churn(400).unwrap();

        let edited = report.edited_customers.len() + report.edited_invoices.len();
        let created = report.created_customers.len() + report.created_invoices.len();
        assert_eq!(edited + created, 400);
        assert!(0 < created);
        assert_eq!(weight() - before, 400);
    }
}
