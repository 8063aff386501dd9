//! `wasi:logging`: lines in the run's log, as many and as long as those of `log`.

use mortise_model::log::LogLevel;
use wasmtime::component::Linker;

use super::Host;
use crate::bindings::drafts::wasi::logging::logging as standard;
use crate::gate::Function;
use crate::state::CallState;

/// The interfaces, with their versions.
pub(crate) const INTERFACES: &[&str] = &["wasi:logging/logging@0.1.0-draft"];

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    standard::add_to_linker::<_, Host>(linker, |state| state)
}

impl standard::Host for CallState {
    fn log(&mut self, level: standard::Level, context: String, message: String) -> wasmtime::Result<()> {
        // A replay is read like the run, so its lines are written.
        let replayed: Option<()> = self.gate.recall(Function::LoggingLog, |asked| {
            asked.about(message.as_str());
            asked.part("level", &(level as u8)).part("context", &context).part("message", &message);
        })?;
        let context = (!context.is_empty()).then(|| ("context".to_owned(), context));
        // The log has no such level.
        let critical =
            (level == standard::Level::Critical).then(|| ("level".to_owned(), "critical".to_owned()));
        self.lines.plugin(level_of(level), message, context.into_iter().chain(critical));
        if replayed.is_none() {
            self.gate.leave_with(Function::LoggingLog, ());
        }
        Ok(())
    }
}

fn level_of(level: standard::Level) -> LogLevel {
    match level {
        standard::Level::Trace => LogLevel::Trace,
        standard::Level::Debug => LogLevel::Debug,
        standard::Level::Info => LogLevel::Info,
        standard::Level::Warn => LogLevel::Warn,
        standard::Level::Error | standard::Level::Critical => LogLevel::Error,
    }
}
