//! Who is calling and why, what time it is, and whether to stop.

use chrono::{DateTime, Utc};

pub use crate::bindings::mortise::plugin::context::Call;
use crate::error::{Error, Result};
use crate::host;

/// A point in time. As text it is RFC 3339, UTC.
pub type Timestamp = DateTime<Utc>;

/// The call in progress.
pub fn current() -> Call {
    host::context::current()
}

/// The host's clock: a plugin has no other.
pub fn now() -> Timestamp {
    let now = host::context::now();
    // The contract promises RFC 3339; the epoch is what a broken host gets.
    DateTime::parse_from_rfc3339(&now).map(|now| now.to_utc()).unwrap_or_default()
}

/// True once a person or the host has asked the run to stop.
pub fn is_cancelled() -> bool {
    host::context::is_cancelled()
}

/// An error that ends the call once the run was asked to stop. The host tries again later, from what is kept.
pub fn go_on() -> Result<()> {
    if is_cancelled() { Err(Error::retryable("the run was asked to stop")) } else { Ok(()) }
}
