//! `wasi:config/store`: the instance's settings. Secrets are not among them.

use serde_json::Value;
use wasmtime::component::Linker;

use super::Host;
use crate::bindings::drafts::wasi::config::store as standard;
use crate::gate::{gated, nothing};
use crate::recording::Arguments;
use crate::state::CallState;

/// The interfaces, with their versions.
pub(crate) const INTERFACES: &[&str] = &["wasi:config/store@0.2.0-rc.1"];

type Answer<T> = wasmtime::Result<Result<T, standard::Error>>;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    standard::add_to_linker::<_, Host>(linker, |state| state)
}

impl standard::Host for CallState {
    fn get(&mut self, key: String) -> Answer<Option<String>> {
        let tell = |asked: &mut Arguments| {
            asked.about(key.as_str()).part("key", &key);
        };
        let value: wasmtime::Result<_> = gated!(self, ConfigGet, tell, self.settings.0.get(&key).map(text));
        Ok(Ok(value?))
    }

    fn get_all(&mut self) -> Answer<Vec<(String, String)>> {
        let all: wasmtime::Result<_> = gated!(
            self,
            ConfigGetAll,
            nothing,
            self.settings.0.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        );
        Ok(Ok(all?))
    }
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
