//! What a plugin may ask of the host: one module for each interface of the contract, and for each of WASI.
//!
//! Each has the same three verbs. `link` puts its functions into the linker, once per engine. `bind` says for whom
//! they answer: the tenant, the instance, the grant. `open` makes what one call needs, at the first use where that
//! costs something.

pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod http;
pub(crate) mod keyvalue;
pub(crate) mod log;
pub(crate) mod logging;
pub(crate) mod secret_reveal;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod sink;
pub(crate) mod storage;
pub(crate) mod wasi;
pub(crate) mod wasi_http;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::contract::types;
use crate::gate::Refusal;
use crate::state::CallState;

/// What generated functions find their host in.
pub(crate) type Host = HasSelf<CallState>;

/// Puts everything that the host offers into the linker.
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, Host>(linker, |state| state)?;
    config::link(linker)?;
    context::link(linker)?;
    http::link(linker)?;
    keyvalue::link(linker)?;
    log::link(linker)?;
    logging::link(linker)?;
    secret_reveal::link(linker)?;
    secrets::link(linker)?;
    settings::link(linker)?;
    sink::link(linker)?;
    storage::link(linker)?;
    wasi::link(linker)?;
    wasi_http::link(linker)
}

impl types::Host for CallState {}

impl Refusal for types::Error {
    fn denial(&self) -> Option<&str> {
        match self {
            Self::Denied(sentence) => Some(sentence),
            _ => None,
        }
    }
}
