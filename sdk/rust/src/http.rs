//! HTTP to the far side.
//!
//! A request is built, sent, and its answer read; each step says what went wrong in a way that converts into the
//! contract's error:
//!
//! ```no_run
//! # use mortise_sdk::{Result, http};
//! # #[derive(serde::Deserialize)] struct Customer { name: String }
//! # fn example(number: &str) -> Result<Option<Customer>> {
//! let answer = http::get("https://erp.example/api").segment("customers").segment(number).credential("erp").send()?;
//! match answer.found()? {
//!     Some(answer) => Ok(Some(answer.json()?)),
//!     None => Ok(None),
//! }
//! # }
//! ```
//!
//! The host waits, within limits, for a far side that asked to be left alone, refreshes tokens, and follows no
//! redirects.

mod error;
mod request;
mod response;

pub use crate::bindings::mortise::plugin::http::{Delivery, HttpError, HttpErrorKind, Method};
pub use crate::http::error::Error;
pub use crate::http::request::{Pending, Request, delete, get, head, patch, post, put, wait_any};
pub use crate::http::response::Response;
