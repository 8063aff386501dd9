//! A job as it is stored.

use mortise_model::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::board::{Entry, State};
use super::codec::job_id;
use crate::limits::MAX_REASON;
use crate::{JobStatus, JobView, NewJob, StoreError};

/// A job. The end of its lease is kept in memory alone: after a restart nobody works on it any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct JobRecord {
    #[serde(rename = "k")]
    pub(super) kind: String,
    #[serde(rename = "p")]
    pub(super) payload: Value,
    #[serde(rename = "d")]
    pub(super) due: i64,
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) lane: Option<String>,
    #[serde(rename = "s")]
    pub(super) status: JobStatus,
    #[serde(rename = "a")]
    pub(super) attempt: u32,
    #[serde(rename = "t")]
    pub(super) token: u64,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(super) worker: Option<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

impl JobRecord {
    pub(super) fn new(job: NewJob) -> Self {
        Self {
            kind: job.kind,
            payload: job.payload,
            due: job.due.as_millis(),
            key: job.key,
            lane: job.lane,
            status: JobStatus::Waiting,
            attempt: 0,
            token: 0,
            worker: None,
            reason: None,
        }
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(value)
            .map_err(|error| StoreError::Corrupt(format!("a job does not read back: {error}")))
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self)
            .map_err(|error| StoreError::Corrupt(format!("a job does not serialise: {error}")))
    }

    /// What the board needs to know of it. `until` is the end of its lease, if it is leased.
    pub(super) fn entry(&self, until: i64) -> Entry {
        Entry {
            kind: self.kind.clone(),
            key: self.key.clone(),
            lane: self.lane.clone(),
            due: self.due,
            state: match self.status {
                JobStatus::Waiting => State::Waiting,
                JobStatus::Leased => State::Leased { token: self.token, until },
                JobStatus::Dead => State::Dead,
            },
        }
    }

    /// Keeps why the last attempt failed.
    pub(super) fn set_reason(&mut self, reason: &str) {
        self.reason = Some(reason.chars().take(MAX_REASON).collect());
    }

    pub(super) fn view(self, id: [u8; 16]) -> Result<JobView, StoreError> {
        Ok(JobView {
            id: job_id(id)?,
            kind: self.kind,
            payload: self.payload,
            status: self.status,
            attempt: self.attempt,
            due: Timestamp::from_millis(self.due),
            worker: self.worker,
            reason: self.reason,
        })
    }
}
