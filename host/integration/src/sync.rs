//! A run: the actions of an instance, one after the other, under the lease of its job.
//!
//! What holds whatever happens:
//! - Every batch of a run has the lease as a fence and finds the run's document as the run wrote it last. A worker
//!   that lost its lease, and a run that a person stopped, write nothing more.
//! - A pulled page is one batch with its records, failed items, the plugin's storage, the cursor and the counts.
//! - A pull is complete when as many different records landed as the far side said it has.
//! - The place in the change feed moves in the batch that keeps what became of the pushed records.

mod book;
mod calls;
mod changes;
mod end;
mod engine;
mod enumeration;
mod gone;
mod items;
mod landing;
mod live;
pub(crate) mod log;
mod masks;
mod metrics;
mod progress;
mod pull;
mod push;
mod retry;
mod scope;
mod send;
mod sink;
mod stop;
mod stretch;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use mortise_scheduler::{JobContext, JobEnd, JobHandler, SYNC_JOB};
use mortise_store::LeasedJob;

pub(crate) use self::engine::retry_job;
pub(crate) use self::live::LiveRuns;
pub(crate) use self::masks::Masks;
pub(crate) use self::metrics::{SyncMetrics, status_name};
pub(crate) use self::progress::forget;

use self::engine::Engine;
use crate::integration::Inner;

/// Works on `sync` jobs.
pub struct SyncHandler {
    engine: Engine,
}

impl SyncHandler {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let engine = Engine {
            store: Arc::clone(&inner.store),
            clock: Arc::clone(&inner.clock),
            records: inner.records.clone(),
            config: Arc::new(inner.config.clone()),
            live: Arc::clone(&inner.live),
            metrics: inner.sync_metrics.clone(),
            connectors: inner,
        };
        Self { engine }
    }
}

#[async_trait]
impl JobHandler for SyncHandler {
    fn kind(&self) -> &'static str {
        SYNC_JOB
    }

    async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd {
        self.engine.work(job, context).await
    }
}
