//! Requests to addresses that tenants and plugins choose.
//!
//! The one room that opens sockets to them. An [`EgressClient`] belongs to one call of a plugin: it knows what is
//! granted, which credentials may be named, and what may still be spent. Names, resolved addresses, plain `http:`,
//! redirects and environment proxies are dealt with here and nowhere else.

#![forbid(unsafe_code)]

mod address;
mod config;
mod credential;
mod egress;
mod error;
mod exchange;
mod failure;
mod gate;
mod headers;
mod pool;
mod recent;
mod request;
mod resolve;
mod scope;
mod secrets;
mod spending;
mod target;
mod tls;
mod token;
mod token_endpoint;
mod wire;

pub use self::config::{EgressConfig, PlainHttp};
pub use self::egress::{Egress, EgressClient};
pub use self::error::{Delivery, EgressError, EgressErrorKind, EgressSetupError};
pub use self::request::{Method, Request, Response};
pub use self::resolve::{Resolve, SystemResolver};
pub use self::scope::{BoundCredential, EgressBudget, EgressScope};
pub use self::secrets::{SecretError, SecretSource};
