//! Who is calling and why, what time it is, and whether to stop.

use crate::error::{Error, Result};
use crate::host;

pub use crate::bindings::mortise::plugin::context::Call;

/// The call in progress.
pub fn current() -> Call {
    host::context::current()
}

/// True once a person or the host has asked the run to stop.
pub fn is_cancelled() -> bool {
    host::context::is_cancelled()
}

/// An error that ends the call once the run was asked to stop. The host tries again later, from what is kept.
pub fn go_on() -> Result<()> {
    if is_cancelled() { Err(Error::retryable("the run was asked to stop")) } else { Ok(()) }
}
