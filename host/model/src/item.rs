//! Items that failed: tried again with backoff, then kept as dead letters until a person decides.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::PluginError;
use crate::id::{InstanceId, ItemId, RunId};
use crate::instance::SyncAction;

/// One record that one action could not carry over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedItem {
    /// The id.
    pub id: ItemId,
    /// The instance.
    pub instance: InstanceId,
    /// The action.
    pub action: SyncAction,
    /// What it is about, within the tenant: one item per subject. Made by [`FailedItem::pulled`] and [`FailedItem::pushed`].
    pub subject: String,
    /// The platform's id of the record, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The far side's id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How it stands.
    pub state: ItemState,
    /// Attempts so far.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: PluginError,
    /// The record as it was, whole.
    pub data: Value,
    /// The key of every attempt at a push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The run that failed last.
    pub run: RunId,
    /// When it failed first.
    pub created_at: Timestamp,
    /// When it failed last or was decided.
    pub updated_at: Timestamp,
}

impl FailedItem {
    /// The subject of a record that failed to be pulled.
    pub fn pulled(instance: &InstanceId, action: SyncAction, external_id: &str) -> String {
        format!("{instance}/{}/{external_id}", action.key())
    }

    /// The subject of a record that failed to be pushed.
    pub fn pushed(instance: &InstanceId, action: SyncAction, record: u64) -> String {
        format!("{instance}/{}/{record}", action.key())
    }
}

/// How a failed item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ItemState {
    /// It will be tried again.
    Retrying {
        /// When.
        next_at: Timestamp,
    },
    /// A dead letter: a person decides.
    Dead,
    /// It was carried over in the end.
    Resolved,
    /// A person gave it up.
    Discarded,
}

impl ItemState {
    /// The status alone.
    pub fn status(&self) -> ItemStatus {
        match self {
            Self::Retrying { .. } => ItemStatus::Retrying,
            Self::Dead => ItemStatus::Dead,
            Self::Resolved => ItemStatus::Resolved,
            Self::Discarded => ItemStatus::Discarded,
        }
    }
}

/// How a failed item stands, without when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemStatus {
    /// It will be tried again.
    Retrying,
    /// A dead letter.
    Dead,
    /// It was carried over in the end.
    Resolved,
    /// A person gave it up.
    Discarded,
}

impl ItemStatus {
    /// The status as text: `dead`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Dead => "dead",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}
