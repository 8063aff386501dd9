//! The job that runs an instance: made here for everybody who causes a run.

use mortise_model::clock::Timestamp;
use mortise_model::id::{InstanceId, JobId};
use mortise_model::run::Trigger;
use mortise_store::NewJob;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of the job.
pub const SYNC_JOB: &str = "sync";

/// What the handler needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncPayload {
    /// The instance to run.
    pub instance: InstanceId,
    /// What caused it.
    pub trigger: Trigger,
}

/// The lane that all work on an instance is in: one at a time.
pub fn instance_lane(instance: &InstanceId) -> String {
    format!("instance/{instance}")
}

/// A run of an instance. At most one waits, and it begins when the last has ended.
pub fn sync_job(instance: &InstanceId, trigger: Trigger, due: Timestamp) -> NewJob {
    NewJob {
        key: Some(format!("{SYNC_JOB}/{instance}")),
        lane: Some(instance_lane(instance)),
        ..overlapping_sync_job(instance, trigger, due)
    }
}

/// The run that takes in what webhooks named. At most one waits, whatever else does.
pub fn webhook_job(instance: &InstanceId, due: Timestamp) -> NewJob {
    NewJob { key: Some(format!("webhook/{instance}")), ..sync_job(instance, Trigger::Webhook, due) }
}

/// A run of an instance that does not wait for others.
pub fn overlapping_sync_job(instance: &InstanceId, trigger: Trigger, due: Timestamp) -> NewJob {
    let payload = SyncPayload { instance: instance.clone(), trigger };
    NewJob {
        id: JobId::new(),
        kind: SYNC_JOB.to_owned(),
        payload: serde_json::to_value(payload).unwrap_or(Value::Null),
        due,
        key: None,
        lane: None,
    }
}
