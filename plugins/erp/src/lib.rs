//! Keeps accounts and invoices in step with the ERP Brindle Ledger, both ways.
//!
//! | platform | ledger |
//! |---|---|
//! | account | customer: see [`accounts`] |
//! | invoice | invoice: see [`invoices`] |

mod accounts;
mod invoices;
mod ledger;
mod pull;
mod push;
#[cfg(test)]
mod tests;
mod walk;

use mortise_sdk::prelude::*;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::Accounts;
use crate::invoices::Invoices;
use crate::ledger::{Ledger, Record};

/// The settings of an instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    base_url: String,
    page_size: u32,
    pages_in_flight: u32,
    /// The currency of accounts that have none of their own.
    currency: String,
}

/// The connector of one instance.
struct BrindleLedger {
    settings: Settings,
    ledger: Ledger,
}

/// An entity of the platform and the ledger's record that stands for it.
trait Pair {
    /// The platform's name for it.
    const ENTITY: &'static str;
    /// The platform's object.
    type Object: Serialize + DeserializeOwned;
    /// The ledger's record.
    type Record: Record;
    /// What the ledger is asked to hold.
    type Draft: Serialize + PartialEq;

    /// The platform's object for a record.
    fn to_platform(record: Self::Record) -> Self::Object;

    /// What the ledger is to hold for an object. `current` is what it holds now.
    ///
    /// Errors: `rejected` for what the ledger has no place for.
    fn to_ledger(
        object: Self::Object,
        current: Option<&Self::Record>,
        settings: &Settings,
    ) -> Result<Self::Draft>;

    /// What the ledger holds, as it would be asked for.
    fn held(record: &Self::Record) -> Self::Draft;

    /// Why the ledger is not to hold an object, if so.
    fn out_of_scope(object: &Self::Object) -> Option<&'static str>;

    /// Where the platform's object has what the ledger calls `field`, as a JSON Pointer.
    fn pointer(field: &str) -> String;
}

impl Connector for BrindleLedger {
    type Settings = Settings;

    fn manifest() -> Manifest {
        Manifest::connector("mortise/brindle-ledger", env!("CARGO_PKG_VERSION"))
            .title("Brindle Ledger")
            .description("Keeps accounts and invoices in step with Brindle Ledger, both ways.")
            .setting(
                Setting::address("base-url")
                    .title("Address")
                    .description("Where the ledger is, without /api: https://ledger.example.com")
                    .required(),
            )
            .setting(
                Setting::text("client-id")
                    .title("Client id")
                    .description("Of the API client made for this link in the ledger.")
                    .required(),
            )
            .setting(
                Setting::integer("page-size", 1..=500)
                    .title("Records per page")
                    .description("The ledger gives at most 500 at a time.")
                    .default(200),
            )
            .setting(
                Setting::integer("pages-in-flight", 1..=16)
                    .title("Pages in flight")
                    .description("How many pages are asked for at the same time.")
                    .default(4),
            )
            .setting(
                Setting::text("currency")
                    .title("Currency")
                    .description("ISO 4217 code for accounts that have no currency of their own.")
                    .default("EUR"),
            )
            .secret(
                SecretField::required("client-secret")
                    .title("Client secret")
                    .help("Shown once when the API client is made: Settings, API clients."),
            )
            .credential(
                Credential::client_credentials(
                    ledger::CREDENTIAL,
                    "{base-url}/oauth/token",
                    "{client-id}",
                    "client-secret",
                )
                .for_host("{base-url}"),
            )
            .calls("{base-url}", "Reads and writes customers and invoices of the ledger.")
    }

    fn open(settings: Settings) -> Result<Self> {
        let ledger = Ledger::at(&settings.base_url);
        Ok(Self { settings, ledger })
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(vec![
            Entity::named(Accounts::ENTITY).pulled().pushed(),
            Entity::named(Invoices::ENTITY).pulled().pushed(),
        ])
    }

    fn test(&self) -> Result<Vec<Check>> {
        let check = |name: &str, found: Result<String>| match found {
            Ok(found) => Check::passed(name, found),
            Err(error) => Check::failed(name, error.message()),
        };
        Ok(vec![
            check("address and credentials", self.ledger.ping().map(|ledger| ledger.to_string())),
            check("read customers", self.count::<Accounts>()),
            check("read invoices", self.count::<Invoices>()),
        ])
    }

    fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
        match request.entity.as_str() {
            Accounts::ENTITY => pull::pull::<Accounts>(self, &request, sink),
            Invoices::ENTITY => pull::pull::<Invoices>(self, &request, sink),
            other => Err(unknown(other)),
        }
    }

    fn pull_one(&self, entity: &str, external_id: &str) -> Result<Option<PulledRecord>> {
        match entity {
            Accounts::ENTITY => self.read_one::<Accounts>(external_id),
            Invoices::ENTITY => self.read_one::<Invoices>(external_id),
            other => Err(unknown(other)),
        }
    }

    fn push(&self, entity: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        match entity {
            Accounts::ENTITY => push::push::<Accounts>(self, items),
            Invoices::ENTITY => push::push::<Invoices>(self, items),
            other => Err(unknown(other)),
        }
    }
}

impl BrindleLedger {
    fn count<P: Pair>(&self) -> Result<String> {
        let page = self.ledger.page::<P::Record>(None, 1, 1)?;
        Ok(format!("{} {}", page.total, P::Record::PATH))
    }

    fn read_one<P: Pair>(&self, number: &str) -> Result<Option<PulledRecord>> {
        let record = self.ledger.read::<P::Record>(number)?;
        record.map(|record| mortise_sdk::sink::pulled(number, &P::to_platform(record))).transpose()
    }
}

fn unknown(entity: &str) -> Error {
    Error::unsupported(format!("the ledger has nothing like `{entity}`"))
}

mortise_sdk::export_connector!(BrindleLedger);
