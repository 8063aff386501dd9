//! The host's functions: the contract's imports in a component, [`crate::testing`] everywhere else.

pub(crate) use crate::bindings::mortise::plugin::{context, log, settings, sink};
