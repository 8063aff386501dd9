//! Work that waits for a worker.

use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::id::{JobId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A job to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The id.
    pub id: JobId,
    /// Which handler works on it: `sync`.
    pub kind: String,
    /// What the handler needs to know. At most 64 KiB as text.
    pub payload: Value,
    /// Not before.
    pub due: Timestamp,
    /// At most one job of a tenant with this key waits.
    pub key: Option<String>,
    /// At most one job of a tenant in this lane is worked on at a time; the others wait.
    pub lane: Option<String>,
}

/// The right to work on a job until a time. A later lease of the same job makes this one void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Counts the leases of the job.
    pub token: u64,
}

/// A job as its worker holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedJob {
    /// The tenant.
    pub tenant: TenantId,
    /// The kind.
    pub kind: String,
    /// What the handler needs to know.
    pub payload: Value,
    /// 1 at the first attempt.
    pub attempt: u32,
    /// The right to it.
    pub lease: Lease,
    /// When the lease ends unless it is renewed.
    pub until: Timestamp,
    /// When the job was due.
    pub due: Timestamp,
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Who asks: a name for people.
    pub worker: String,
    /// The kinds it can work on.
    pub kinds: Vec<String>,
    /// The present time. Jobs due by now, and jobs whose lease ended before now, are offered, oldest due first.
    pub now: Timestamp,
    /// How long each lease lasts.
    pub lease: Duration,
    /// Most jobs to lease.
    pub limit: usize,
    /// Most jobs of one tenant that are worked on at a time, on all hosts together.
    pub per_tenant: usize,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// It waits for a worker or for its time.
    Waiting,
    /// A worker works on it.
    Leased,
    /// It failed for good.
    Dead,
}

/// Which jobs to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only these. None shows all.
    pub status: Option<JobStatus>,
    /// Only those in this lane.
    pub lane: Option<String>,
}

/// A job as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// The id.
    pub id: JobId,
    /// The kind.
    pub kind: String,
    /// What the handler needs to know.
    pub payload: Value,
    /// How it stands.
    pub status: JobStatus,
    /// Attempts begun so far.
    pub attempt: u32,
    /// When it is or was due.
    pub due: Timestamp,
    /// Who works on it.
    pub worker: Option<String>,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}
