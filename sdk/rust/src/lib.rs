//! Write Mortise plugins in Rust.
//!
//! A connector is a type that implements [`Connector`], handed to [`export_connector!`]:
//!
//! ```
//! use mortise_sdk::prelude::*;
//!
//! #[derive(serde::Deserialize)]
//! struct Hello {
//!     greeting: String,
//! }
//!
//! impl Connector for Hello {
//!     type Settings = Self;
//!
//!     fn manifest() -> Manifest {
//!         Manifest::connector("example/hello", env!("CARGO_PKG_VERSION"))
//!             .title("Hello")
//!             .description("Greets.")
//!             .setting(Setting::text("greeting").title("Greeting").default("Hello"))
//!     }
//!
//!     fn open(settings: Self) -> Result<Self> {
//!         Ok(settings)
//!     }
//!
//!     fn entities(&self) -> Result<Vec<Entity>> {
//!         Ok(vec![Entity::named("account").pulled()])
//!     }
//!
//!     fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
//!         let mut page = Page::last();
//!         page.record("C-1", &Account { name: self.greeting.clone().into(), ..Account::default() });
//!         sink.commit(page.reported_total(1))?;
//!         info!("greeted", entity = request.entity);
//!         Ok(PullEnd::without_bookmark())
//!     }
//! }
//!
//! mortise_sdk::export_connector!(Hello);
//! ```
//!
//! Everything a plugin reaches goes through the host. Built for anything but WebAssembly, the same functions talk to
//! `testing::Host`, a host in memory, so a plugin's tests are ordinary `#[test]` functions.

#[doc(hidden)]
pub mod bindings;
pub mod connector;
pub mod content;
pub mod context;
mod error;
#[doc(hidden)]
pub mod export;
mod host;
pub mod http;
pub mod log;
pub mod manifest;
pub mod objects;
pub mod paging;
pub mod secrets;
pub mod settings;
pub mod sink;
pub mod storage;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use chrono;
pub use rust_decimal::{self, Decimal};

pub use crate::bindings::mortise::plugin::types::{Fault, FieldError, Retry};
pub use crate::connector::Connector;
pub use crate::error::{Error, Result};

/// What nearly every connector uses.
pub mod prelude {
    pub use crate::connector::{
        Check, Connector, Entity, Operation, Outcome, PullEnd, PullRequest, PushItem, PushResult,
    };
    pub use crate::manifest::{Capability, Credential, Manifest, SecretField};
    pub use crate::objects::{Account, Address, Field, Invoice, InvoiceItem, Reference};
    pub use crate::settings::Setting;
    pub use crate::sink::{Page, PulledRecord, Sink};
    pub use crate::{Error, Result, debug, error, info, trace, warn};
}
