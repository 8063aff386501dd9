//! The host's functions: the contract's imports in a component, the in-memory host everywhere else.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::mortise::plugin::{context, http, log, secrets, settings, sink, storage};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::functions::{context, http, log, secrets, settings, sink, storage};

/// Secrets in clear.
#[cfg(feature = "secret-reveal")]
pub(crate) mod secret_reveal {
    #[cfg(target_arch = "wasm32")]
    pub(crate) use crate::bindings::secret_reveal::mortise::plugin::secret_reveal::reveal;
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) use crate::testing::functions::secrets::reveal;
}
