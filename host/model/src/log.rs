//! Lines of a run's log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// Details for the plugin's author.
    Debug,
    /// What happened, for the tenant's administrator.
    #[default]
    Info,
    /// Something odd that the plugin coped with.
    Warn,
    /// Something failed.
    Error,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// The host.
    Host,
    /// The plugin, through the contract's `log`.
    Plugin,
    /// The plugin, through its standard output or error.
    Console,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// Who wrote it.
    pub source: LogSource,
    /// The message, at most 8 KiB.
    pub message: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}
