//! `settings`: the instance's settings.

use std::sync::Arc;

use serde_json::{Map, Value};
use wasmtime::component::Linker;

use super::Host;
use crate::Call;
use crate::bindings::contract::settings as contract;
use crate::gate::{gated, nothing};
use crate::state::CallState;

/// The settings of one instance, checked and with defaults.
pub(crate) struct Settings(pub(super) Arc<Map<String, Value>>);

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

pub(crate) fn bind(call: &Call) -> Settings {
    Settings(Arc::clone(&call.settings))
}

impl Settings {
    fn all(&self) -> wasmtime::Result<String> {
        Ok(serde_json::to_string(&*self.0)?)
    }
}

impl contract::Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        gated!(
            self,
            SettingsGet,
            |asked| {
                asked.about(name.as_str()).part("name", &name);
            },
            self.settings.0.get(&name).map(Value::to_string)
        )
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        gated!(self, SettingsAll, nothing, self.settings.all()?)
    }
}
