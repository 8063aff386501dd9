//! A tenant's link through a connector to one deployment of another system.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::entity::EntityKind;
use crate::id::{InstanceId, PluginName};
use crate::log::LogLevel;

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The id.
    pub id: InstanceId,
    /// The name people read. Unique in the tenant.
    pub name: String,
    /// The plugin it runs: always its active release.
    pub plugin: PluginName,
    /// Whether it runs.
    pub state: InstanceState,
    /// The plugin's settings, checked against the manifest's schema.
    pub settings: Map<String, Value>,
    /// What a run does, in order.
    pub actions: Vec<SyncAction>,
    /// The least level of the plugin's log lines that are kept.
    pub log_level: LogLevel,
    /// Whether what the host answers the plugin is kept, so that pulls can be replayed.
    #[serde(default)]
    pub recording: RecordingMode,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether what the host answers a plugin is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingMode {
    /// It is not.
    #[default]
    Off,
    /// It is, as long as the run is kept, encrypted under the tenant's key.
    On,
}

/// Whether an instance runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum InstanceState {
    /// It runs when asked or scheduled.
    Active,
    /// It does not run. A person, or the host, paused it.
    Paused {
        /// Why, and what to do.
        reason: String,
    },
}

/// Which way records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the far side to the platform.
    Pull,
    /// From the platform to the far side.
    Push,
}

/// One thing a run does: one entity, one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncAction {
    /// Which records.
    pub entity: EntityKind,
    /// Which way.
    pub direction: Direction,
}

impl SyncAction {
    /// A short name, fit for a key: `pull-account`.
    pub fn key(self) -> String {
        let direction = match self.direction {
            Direction::Pull => "pull",
            Direction::Push => "push",
        };
        format!("{direction}-{}", self.entity)
    }
}
