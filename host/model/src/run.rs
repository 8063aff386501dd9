//! One execution of work, from its beginning to its end.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::PluginError;
use crate::id::{Digest, InstanceId, JobId, RunId, ScheduleId};
use crate::instance::SyncAction;

/// A run of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The id.
    pub id: RunId,
    /// The instance.
    pub instance: InstanceId,
    /// The release that ran.
    pub release: Digest,
    /// The job it was the execution of.
    pub job: JobId,
    /// 1 at the first attempt of the job.
    pub attempt: u32,
    /// What caused it.
    pub trigger: Trigger,
    /// How it stands.
    pub status: RunStatus,
    /// One report per action, in order.
    pub actions: Vec<ActionReport>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PluginError>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the next attempt is due, where there will be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// What caused a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Trigger {
    /// A person or a program asked for it.
    Manual,
    /// A schedule was due.
    Schedule {
        /// Which.
        schedule: ScheduleId,
        /// The occurrence.
        occurrence: Timestamp,
    },
    /// Failed items were due again, or a person replayed them.
    Retry,
    /// The far side sent a webhook.
    Webhook,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// In progress.
    Running,
    /// What landed agrees with what the far side said it has, and no item failed.
    Succeeded,
    /// It ended, but the far side gave no total to compare with.
    Unreconciled,
    /// It ended; some items failed and will be tried again or are dead letters.
    Partial,
    /// It did not end. What it committed is kept; the next attempt goes on from there.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl RunStatus {
    /// Whether it is over.
    pub fn is_final(self) -> bool {
        self != Self::Running
    }
}

/// What one action of a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionReport {
    /// The action.
    pub action: SyncAction,
    /// What was counted.
    pub counts: Counts,
    /// How many records the far side said there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_total: Option<u32>,
    /// Whether what landed was compared with a total and agreed. None until it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled: Option<bool>,
}

/// What was counted. For a push, `created`, `updated` and `deleted` are the far side's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Pages committed or batches sent.
    pub pages: u32,
    /// Records read or sent.
    pub records: u32,
    /// Records that were new.
    pub created: u32,
    /// Records that changed.
    pub updated: u32,
    /// Records that were the same.
    pub unchanged: u32,
    /// Records removed.
    pub deleted: u32,
    /// Records with nothing to do, and a reason.
    pub skipped: u32,
    /// Records that failed.
    pub failed: u32,
}
