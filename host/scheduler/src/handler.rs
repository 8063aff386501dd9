//! What a kind of job needs: somebody who works on it.

use std::time::Duration;

use async_trait::async_trait;
use mortise_store::{Lease, LeasedJob};
use tokio_util::sync::CancellationToken;

/// Works on jobs of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// The kind.
    fn kind(&self) -> &'static str;

    /// When to give a job up.
    fn patience(&self) -> Patience {
        Patience::Attempts
    }

    /// Works on a job. A job may come again after a crash: every effect belongs into a batch that has the lease
    /// as a fence.
    async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd;
}

/// When a job is given up that does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// After the attempts of the scheduler's backoff.
    Attempts,
    /// Never: something would stand still for good.
    Endless,
}

/// What a handler may ask while it works.
#[derive(Debug, Clone)]
pub struct JobContext {
    pub(crate) stop: CancellationToken,
    pub(crate) lease_lost: CancellationToken,
}

impl JobContext {
    /// A context outside a scheduler, for a handler's own tests. Nothing stops the work but `stop`.
    pub fn detached(stop: CancellationToken) -> Self {
        Self { stop, lease_lost: CancellationToken::new() }
    }

    /// Fires when the work is to stop soon: the host shuts down, or the lease is lost.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether another worker has the job. Whatever is committed under the lease fails.
    pub fn is_lease_lost(&self) -> bool {
        self.lease_lost.is_cancelled()
    }
}

/// How the work on a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The handler has committed the job's end itself, together with its effects.
    Settled,
    /// It is done.
    Completed,
    /// Another attempt is due later: after this time, or after the scheduler's backoff. After the last attempt the job
    /// failed for good, whatever time is asked for.
    Retry {
        /// How long to wait; None lets the scheduler choose.
        after: Option<Duration>,
        /// Why, for people.
        reason: String,
    },
    /// It failed for good.
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// The work was stopped before it was done. Somebody else goes on; the attempt does not count.
    Released,
}

/// The right to a job, as handlers put it into their batches.
pub(crate) fn lease_of(job: &LeasedJob) -> Lease {
    job.lease.clone()
}
