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
//!         page.record("C-1", &serde_json::json!({ "name": self.greeting }));
//!         sink.commit(page.reported_total(1))?;
//!         info!("greeted", entity = request.entity);
//!         Ok(PullEnd::without_bookmark())
//!     }
//! }
//!
//! mortise_sdk::export_connector!(Hello);
//! ```

#[doc(hidden)]
pub mod bindings;
pub mod connector;
pub mod context;
mod error;
#[doc(hidden)]
pub mod export;
mod host;
pub mod log;
pub mod manifest;
pub mod settings;
pub mod sink;

pub use crate::bindings::mortise::plugin::types::{Fault, FieldError, Retry};
pub use crate::connector::Connector;
pub use crate::error::{Error, Result};

/// What nearly every connector uses.
pub mod prelude {
    pub use crate::connector::{
        Check, Connector, Entity, Operation, Outcome, PullEnd, PullRequest, PushItem, PushResult,
    };
    pub use crate::manifest::{Capability, Credential, Manifest, SecretField};
    pub use crate::settings::Setting;
    pub use crate::sink::{Page, PulledRecord, Sink};
    pub use crate::{Error, Result, debug, error, info, trace, warn};
}
