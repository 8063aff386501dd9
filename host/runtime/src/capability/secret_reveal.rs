//! `secret-reveal`: a granted secret in clear. Each use is told in the run's log.

use mortise_model::log::LogLevel;
use wasmtime::component::{Linker, Resource};

use super::Host;
use super::secrets::{Secret, tell_name};
use crate::bindings::contract::secret_reveal as contract;
use crate::bindings::contract::types::Error;
use crate::gate::gated;
use crate::recording::Arguments;
use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

impl contract::Host for CallState {
    async fn reveal(&mut self, secret: Resource<Secret>) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        let tell = |asked: &mut Arguments| tell_name(asked, &self.table, &secret);
        gated!(self, SecretReveal, tell, Ok(self.reveal_to_plugin(&secret)?), Error::Denied)
    }
}

impl CallState {
    /// Which secrets are granted was looked at when the handle was opened.
    fn reveal_to_plugin(&self, secret: &Resource<Secret>) -> wasmtime::Result<Vec<u8>> {
        let secret = self.table.get(secret)?;
        let message = format!("the secret `{}` was given to the plugin in clear", secret.name);
        self.lines.host(LogLevel::Info, message);
        Ok(secret.value.reveal().as_bytes().to_vec())
    }
}
