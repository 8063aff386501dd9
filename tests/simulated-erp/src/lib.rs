//! Brindle Ledger: a third-party ERP with a real HTTP interface, for the demo and the tests.
//!
//! It stands for the system at the other end of a connector, so it shares no code with the platform.
//! [`SimulatedErp::start`] runs it inside a test; the `simulated-erp` binary runs it as a process.
//!
//! * `POST /oauth/token`: client credentials for a token that expires.
//! * `/api/v2/...`: customers and invoices, listed in pages, read, created, changed and deleted.
//! * `/_control/...`: for tests, outside authentication, counters and faults:
//!   `GET customers` and `GET invoices` (the whole truth), `POST churn` (so many changes at once),
//!   `GET`, `POST` and `DELETE faults` (see [`FaultRule`]), `GET requests` (see [`Counters`]),
//!   `DELETE tokens` (all expire now), `POST reset` (everything as at the start).
#![forbid(unsafe_code)]

mod churn;
mod config;
mod customer;
mod decimal;
mod faults;
mod generate;
mod http;
mod invoice;
mod ledger;
mod moment;
mod record;
mod server;
mod shelf;
mod tokens;
mod traffic;

pub use churn::ChurnReport;
pub use config::{Config, ConfigError};
pub use customer::{Address, Customer, CustomerStatus};
pub use decimal::{Amount, Measure, ParseDecimalError};
pub use faults::{Damage, Fault, FaultRule, FaultRuleError, RetryAfter};
pub use invoice::{Invoice, InvoiceLine, InvoiceStatus};
pub use moment::Moment;
pub use record::FieldError;
pub use server::{SimulatedErp, StartError};
pub use shelf::Tombstone;
pub use traffic::{Asked, Counters};
