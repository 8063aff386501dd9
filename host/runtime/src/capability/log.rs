//! `log`: lines in the run's log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mortise_model::clock::Clock;
use mortise_model::log::{LogLevel, LogLine, LogSource};
use wasmtime::component::Linker;

use super::Host;
use crate::bindings::contract::log as contract;
use crate::bindings::contract::types::NameValue;
use crate::bounds::{LOG_FIELD_NAME, LOG_FIELD_VALUE, LOG_FIELDS, LOG_LINE, LOG_LINES, LOGGED_DENIALS, cut};
use crate::gate::Function;
use crate::state::CallState;
use crate::{Call, LogWriter};

/// The lines of one call: the plugin's own, those of its console, and the host's about it.
pub(crate) struct Lines {
    log: Arc<dyn LogWriter>,
    clock: Arc<dyn Clock>,
    written: AtomicU32,
    denials: AtomicU32,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

/// Writes to the call's log.
pub(crate) fn bind(call: &Call, clock: &Arc<dyn Clock>) -> Arc<Lines> {
    Arc::new(Lines {
        log: Arc::clone(&call.log),
        clock: Arc::clone(clock),
        written: AtomicU32::new(0),
        denials: AtomicU32::new(0),
    })
}

impl Lines {
    /// Writes a line of the host.
    pub(crate) fn host(&self, level: LogLevel, message: String) {
        self.write(LogSource::Host, level, message, BTreeMap::new());
    }

    /// Tells what was denied, unless that was told often enough.
    pub(crate) fn denied(&self, sentence: &str) {
        if self.denials.fetch_add(1, Ordering::Relaxed) < LOGGED_DENIALS {
            self.host(LogLevel::Warn, format!("denied: {sentence}"));
        }
    }

    /// Writes a line of the plugin's own.
    pub(crate) fn plugin(
        &self,
        level: LogLevel,
        message: String,
        fields: impl IntoIterator<Item = (String, String)>,
    ) {
        if self.open() {
            let fields = fields
                .into_iter()
                .take(LOG_FIELDS)
                .map(|(name, value)| (cut(name, LOG_FIELD_NAME), cut(value, LOG_FIELD_VALUE)))
                .collect();
            self.write(LogSource::Plugin, level, message, fields);
        }
    }

    /// Writes a line of the plugin's standard output or error.
    pub(crate) fn console(&self, level: LogLevel, message: String) {
        if self.open() {
            self.write(LogSource::Console, level, message, BTreeMap::new());
        }
    }

    /// Takes the next line of the plugin, unless there were too many. The first one too many is told.
    fn open(&self) -> bool {
        let written = self.written.load(Ordering::Relaxed);
        if written < LOG_LINES {
            self.written.store(written + 1, Ordering::Relaxed);
            return true;
        }
        if written == LOG_LINES {
            self.written.store(written + 1, Ordering::Relaxed);
            let message = format!("one call writes at most {LOG_LINES} lines: the rest is dropped");
            self.host(LogLevel::Warn, message);
        }
        false
    }

    fn write(&self, source: LogSource, level: LogLevel, message: String, fields: BTreeMap<String, String>) {
        let message = cut(message, LOG_LINE);
        self.log.write(LogLine { at: self.clock.now(), level, source, message, fields });
    }
}

impl contract::Host for CallState {
    fn write(
        &mut self,
        level: contract::Level,
        message: String,
        fields: Vec<NameValue>,
    ) -> wasmtime::Result<()> {
        // A replay is read like the run, so its lines are written.
        let replayed: Option<()> = self.gate.recall(Function::LogWrite, |asked| {
            asked
                .about(message.as_str())
                .part("level", &level)
                .part("message", &message)
                .part("fields", &fields);
        })?;
        self.lines.plugin(
            level_of(level),
            message,
            fields.into_iter().map(|field| (field.name, field.value)),
        );
        if replayed.is_none() {
            self.gate.leave_with(Function::LogWrite, ());
        }
        Ok(())
    }
}

fn level_of(level: contract::Level) -> LogLevel {
    match level {
        contract::Level::Trace => LogLevel::Trace,
        contract::Level::Debug => LogLevel::Debug,
        contract::Level::Info => LogLevel::Info,
        contract::Level::Warn => LogLevel::Warn,
        contract::Level::Error => LogLevel::Error,
    }
}
