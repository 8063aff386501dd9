//! The whole system as its users meet it: processes and HTTP, nothing else.
//!
//! Shared by the tests of this crate and by `cargo xtask demo`. [`Host`] and [`Ledger`] are processes, [`Caller`]
//! sends requests, [`Tenant`] does what a tenant's administrator does, and [`Comparison`] holds the ERP's records
//! against the platform's.

#![forbid(unsafe_code)]

mod binaries;
mod caller;
mod comparison;
mod failure;
mod host;
mod ledger;
mod program;
mod tenant;

pub use self::binaries::{Binary, build};
pub use self::caller::{Answer, Caller};
pub use self::comparison::Comparison;
pub use self::failure::{Failure, Outcome};
pub use self::host::{Host, HostOptions};
pub use self::ledger::{Ledger, LedgerProcess};
pub use self::program::Program;
pub use self::tenant::{NewLink, Tenant, Uploaded};
