//! Adds up one invoice, logs one line and answers: so little that what the call itself costs shows.
//!
//! `push` reads each item as an invoice of the platform and answers with the sum of its items as a note.

use mortise_sdk::Decimal;
use mortise_sdk::connector::Stored;
use mortise_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct SmallJob {
    currency: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invoice {
    number: String,
    currency: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    quantity: Decimal,
    unit_price: Decimal,
}

impl Connector for SmallJob {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise-tests/small-job", env!("CARGO_PKG_VERSION"))
            .title("Small job")
            .description("Adds up invoices.")
            .setting(Setting::text("currency").title("Currency of all invoices").default("EUR"))
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(vec![Entity::named("invoice").pushed()])
    }

    fn push(&self, _: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        let add_up = |item: PushItem| {
            let outcome = self.add_up(&item.data).unwrap_or_else(Outcome::Failed);
            PushResult { id: item.id, outcome }
        };
        Ok(items.into_iter().map(add_up).collect())
    }
}

impl SmallJob {
    fn add_up(&self, data: &str) -> Result<Outcome> {
        let invoice: Invoice = serde_json::from_str(data)
            .map_err(|error| Error::rejected("", "malformed", error.to_string()))?;
        if invoice.currency != self.currency {
            let message = format!("is {}, not {}", invoice.currency, self.currency);
            return Err(Error::rejected("/currency", "another-currency", message));
        }
        let total: Decimal = invoice.items.iter().map(|item| item.quantity * item.unit_price).sum();
        info!("added up an invoice", number = invoice.number, total = total);
        Ok(Outcome::Stored(Stored { external_id: invoice.number, note: total.to_string() }))
    }
}

mortise_sdk::export_connector!(SmallJob);
