//! Customers and invoices made of a seed: the same seed makes the same records, whatever their count.

mod words;

use chrono::{DateTime, Days, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use self::words::{AWKWARD_NAMES, COUNTRIES, Country, FAMILIES, GOODS, STREETS, TRADES};
use crate::{
    customer::{Address, Customer, CustomerStatus},
    decimal::{Amount, Measure},
    invoice::{Invoice, InvoiceLine, InvoiceStatus},
    moment::Moment,
    shelf::key_of,
};

/// The first possible time of creation: 2023-01-02 08:00 UTC.
const EPOCH: DateTime<Utc> = DateTime::from_timestamp_nanos(1_672_646_400_000_000_000);

/// Generated records were all changed within so many milliseconds of the epoch: 900 days.
const HISTORY_MS: i64 = 900 * 24 * 3_600_000;

/// One record in so many has a name that breaks careless code.
const AWKWARD_EVERY: u32 = 40;

/// Records changed by one batch run of the fictional business share its time.
const BATCH: u32 = 20;

/// One run of [`BATCH`] positions in so many was changed by a batch.
const BATCH_EVERY: u32 = 5;

/// Makes the record of any position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generator {
    seed: u64,
}

/// What a stream of random numbers is for; each purpose and position has its own.
#[derive(Clone, Copy)]
enum Purpose {
    Country = 1,
    Customer,
    Invoice,
    Batch,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Every record was last changed before this.
    pub(crate) fn end_of_history() -> Moment {
        instant(HISTORY_MS)
    }

    pub(crate) fn seed(self) -> u64 {
        self.seed
    }

    /// The customer at a position, which starts at 1.
    pub(crate) fn customer(self, position: u32) -> Customer {
        let country = self.country(position);
        let rng = &mut self.stream(Purpose::Customer, position);
        let (created_at, updated_at) = self.times(rng, position);
        let family = pick(rng, &FAMILIES);
        let trade = pick(rng, &TRADES);
        let display_name = if position.is_multiple_of(AWKWARD_EVERY) {
            pick(rng, &AWKWARD_NAMES).to_owned()
        } else {
            format!("{family} {trade} {}", country.legal_form)
        };
        let domain = format!("{}-{position}.example", trade.to_ascii_lowercase());
        Customer {
            customer_no: key_of::<Customer>(position),
            external_ref: position.is_multiple_of(9).then(|| format!("WEB-{position:06}")),
            display_name,
            tax_number: rng
                .random_bool(0.95)
                .then(|| format!("{}{:03}{position:06}", country.tax_prefix, rng.random_range(0..1000))),
            email: Some(format!("accounts@{domain}")),
            phone: rng.random_bool(0.9).then(|| {
                format!("{} 555 01{:02} {:03}", country.dialling, position % 100, rng.random_range(0..1000))
            }),
            website: rng.random_bool(0.7).then(|| format!("https://www.{domain}/")),
            currency: country.currency.to_owned(),
            credit_limit: Amount::from_cents(rng.random_range(0..500) * 10_000),
            taxable: rng.random_bool(0.9),
            status: match rng.random_range(0..20) {
                0 => CustomerStatus::Closed,
                1 | 2 => CustomerStatus::OnHold,
                _ => CustomerStatus::Active,
            },
            bill_to: Some(address(rng, country)),
            revision: rng.random_range(1..8),
            updated_at,
            created_at,
        }
    }

    /// The invoice at a position, which starts at 1, for one of so many customers (at least 1).
    pub(crate) fn invoice(self, position: u32, customers: u32) -> Invoice {
        let rng = &mut self.stream(Purpose::Invoice, position);
        let (created_at, updated_at) = self.times(rng, position);
        let customer = rng.random_range(1..=customers.max(1));
        let country = self.country(customer);
        let issued_on = DateTime::<Utc>::from(created_at).date_naive();
        let lines: Vec<_> =
            (1..=rng.random_range(2..=3)).map(|line_no| line(rng, line_no, country)).collect();
        let net_total = lines.iter().fold(Amount::ZERO, |sum, line| sum.plus(line.net));
        let tax_total = lines.iter().fold(Amount::ZERO, |sum, line| sum.plus(line.tax));
        Invoice {
            invoice_no: key_of::<Invoice>(position),
            external_ref: None,
            customer_no: key_of::<Customer>(customer),
            issued_on,
            due_on: issued_on + Days::new(pick(rng, &[10, 14, 30, 60])),
            currency: country.currency.to_owned(),
            status: match rng.random_range(0..20) {
                0 => InvoiceStatus::Void,
                1..=8 => InvoiceStatus::Open,
                _ => InvoiceStatus::Paid,
            },
            lines,
            net_total,
            tax_total,
            gross_total: net_total.plus(tax_total),
            revision: rng.random_range(1..4),
            updated_at,
            created_at,
        }
    }

    /// Apart from the customer itself, so that an invoice can learn its currency cheaply.
    fn country(self, customer: u32) -> &'static Country {
        pick_ref(&mut self.stream(Purpose::Country, customer), &COUNTRIES)
    }

    /// When a record was created and last changed.
    fn times(self, rng: &mut Xoshiro256PlusPlus, position: u32) -> (Moment, Moment) {
        let created = rng.random_range(0..HISTORY_MS);
        let changed = rng.random_range(created..HISTORY_MS);
        let batch = position / BATCH;
        if batch.is_multiple_of(BATCH_EVERY) {
            let changed = self.stream(Purpose::Batch, batch).random_range(0..HISTORY_MS);
            return (instant(created.min(changed)), instant(changed));
        }
        (instant(created), instant(changed))
    }

    fn stream(self, purpose: Purpose, position: u32) -> Xoshiro256PlusPlus {
        let place = ((purpose as u64) << 32) | u64::from(position);
        // The multiplier spreads small seeds, so that no two of them share a stream at different places.
        Xoshiro256PlusPlus::seed_from_u64(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(place))
    }
}

fn instant(milliseconds: i64) -> Moment {
    Moment::from(EPOCH + TimeDelta::milliseconds(milliseconds))
}

fn address(rng: &mut Xoshiro256PlusPlus, country: &Country) -> Address {
    let (town, region, zip) = pick(rng, &country.towns);
    Address {
        line1: format!("{} {}", rng.random_range(1..200), pick(rng, &STREETS)),
        line2: rng.random_bool(0.2).then(|| format!("Unit {}", rng.random_range(1..20))),
        town: town.to_owned(),
        zip: Some(format!("{zip}{:02}", rng.random_range(0..100))),
        region: region.map(str::to_owned),
        country_iso: country.iso.to_owned(),
    }
}

fn line(rng: &mut Xoshiro256PlusPlus, line_no: u32, country: &Country) -> InvoiceLine {
    let qty = Measure::from_thousandths(match rng.random_range(0..10) {
        0 => rng.random_range(1..40_000),
        1 => rng.random_range(1..40) * 500,
        _ => rng.random_range(1..40) * 1_000,
    });
    let unit_price = Amount::from_cents(rng.random_range(99..60_000));
    let tax_percent = Measure::from_thousandths(pick(rng, &country.tax_rates));
    let net = unit_price.times(qty);
    InvoiceLine {
        line_no,
        item: format!("BR-{}", rng.random_range(1_000..9_999)),
        text: pick(rng, &GOODS).to_owned(),
        qty,
        unit_price,
        net,
        tax_percent,
        tax: net.percent(tax_percent),
    }
}

fn pick<T: Copy>(rng: &mut Xoshiro256PlusPlus, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

fn pick_ref<'a, T>(rng: &mut Xoshiro256PlusPlus, choices: &'a [T]) -> &'a T {
    &choices[rng.random_range(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::Record;

    #[test]
    fn the_same_seed_makes_the_same_records_and_another_seed_others() {
        let one = Generator::new(7);

        assert_eq!(one.customer(12), Generator::new(7).customer(12));
        assert_eq!(one.invoice(12, 50), Generator::new(7).invoice(12, 50));
        assert_ne!(one.customer(12), Generator::new(8).customer(12));
    }

    #[test]
    fn every_generated_record_obeys_the_rules_of_the_ledger() {
        let generator = Generator::new(1);

        for position in 1..=500 {
            assert_eq!(generator.customer(position).check(), [], "customer {position}");
            assert_eq!(generator.invoice(position, 100).check(), [], "invoice {position}");
        }
    }

    #[test]
    fn an_invoice_is_in_the_currency_of_its_customer() {
        let generator = Generator::new(3);

        for position in 1..=200 {
            let invoice = generator.invoice(position, 40);
            let customer: u32 = invoice.customer_no.trim_start_matches("C-").parse().unwrap();
            assert_eq!(invoice.currency, generator.customer(customer).currency);
        }
    }

    #[test]
    fn an_invoice_weighs_550_to_700_bytes_on_average() {
        let generator = Generator::new(1);
        let bytes: usize = (1..=1_000)
            .map(|position| serde_json::to_vec(&generator.invoice(position, 400)).unwrap().len())
            .sum();

        assert!((550..=700).contains(&(bytes / 1_000)), "{} bytes", bytes / 1_000);
    }

    #[test]
    fn some_records_share_the_instant_of_their_last_change() {
        let generator = Generator::new(1);
        let instants: HashSet<_> =
            (1..=400).map(|position| generator.invoice(position, 9).updated_at).collect();

        assert!(instants.len() < 400);
    }
}
