//! What passes between the host and a connector: the contract's `connector` and `sink` as plain data.

use serde::{Deserialize, Serialize};

use crate::entity::EntityKind;
use crate::error::{FieldError, PluginError};

/// Most records of one page.
pub const MAX_PAGE_RECORDS: usize = 5_000;
/// Longest id of the far side, in bytes.
pub const MAX_EXTERNAL_ID: usize = 256;
/// Longest cursor or bookmark, in bytes.
pub const MAX_CURSOR: usize = 4_096;

/// What one entity offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityOffer {
    /// The entity's name. The platform may not have it.
    pub name: String,
    /// Whether `pull` takes it.
    pub pull: bool,
    /// Whether `push` takes it.
    pub push: bool,
}

/// One thing a connection test looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found. When not passed, what to do.
    pub message: String,
}

/// What to pull, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The entity.
    pub entity: EntityKind,
    /// What the last complete pull returned. None asks for everything.
    pub bookmark: Option<String>,
    /// Where an interrupted pull goes on. None starts one.
    pub cursor: Option<String>,
    /// Records wanted per page.
    pub page_size: u32,
}

/// How a pull ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullEnd {
    /// Where the next pull starts. None asks for everything again.
    pub bookmark: Option<String>,
}

/// A record of the far side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PulledRecord {
    /// The far side's id.
    pub external_id: String,
    /// What the far side has, as JSON text; None when it has the record no longer.
    pub data: Option<String>,
}

/// A record that the connector could not map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFailure {
    /// The far side's id, where it is known.
    pub external_id: Option<String>,
    /// Why.
    pub error: PluginError,
    /// The far side's record as it came.
    pub data: Option<String>,
}

/// One page of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<PulledRecord>,
    /// The records that could not be mapped.
    pub failures: Vec<RecordFailure>,
    /// Where a retry goes on after this page.
    pub next_cursor: String,
    /// How many records the far side says the enumeration has in all.
    pub reported_total: Option<u32>,
}

/// What became of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Records that were new.
    pub created: u32,
    /// Records that changed.
    pub updated: u32,
    /// Records that were the same.
    pub unchanged: u32,
    /// Records removed.
    pub deleted: u32,
    /// Records the platform refused.
    pub refused: Vec<Refusal>,
}

/// A record the platform refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The far side's id.
    pub external_id: String,
    /// What is wrong with it.
    pub errors: Vec<FieldError>,
}

/// What to do with a pushed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Create it.
    Create,
    /// Write its present state.
    Update,
    /// Remove it.
    Delete,
}

/// A record of the platform on its way to the far side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushItem {
    /// Stable across retries, different for every change.
    pub idempotency_key: String,
    /// 1 at the first attempt.
    pub attempt: u32,
    /// What to do.
    pub operation: Operation,
    /// The platform's id.
    pub id: u64,
    /// The far side's id, once known.
    pub external_id: Option<String>,
    /// The platform's object as JSON text.
    pub data: String,
}

/// What became of one pushed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushResult {
    /// The platform's id.
    pub id: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The far side holds it.
    Stored {
        /// The far side's id.
        external_id: String,
        /// A note for the log. May be empty.
        note: String,
    },
    /// Nothing to do, and why.
    Skipped(String),
    /// It failed. The others are not affected.
    Failed(PluginError),
}
