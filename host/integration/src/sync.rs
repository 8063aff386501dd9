//! A run: the actions of an instance, one after the other, under the lease of its job.

use std::sync::Arc;

use async_trait::async_trait;
use mortise_scheduler::{JobContext, JobEnd, JobHandler, SYNC_JOB};
use mortise_store::LeasedJob;

use crate::integration::Inner;

/// Works on `sync` jobs.
pub struct SyncHandler {
    inner: Arc<Inner>,
}

impl SyncHandler {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl JobHandler for SyncHandler {
    fn kind(&self) -> &'static str {
        SYNC_JOB
    }

    async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd {
        let _ = (&self.inner, job, context);
        todo!()
    }
}
