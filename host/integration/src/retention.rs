//! What is kept for a time only: runs with their logs, items that were settled, dead jobs, deliveries of webhooks.
//!
//! A job in the system tenant, about once an hour. Each removal stands alone and repeats without harm, so it needs no
//! fence: who loses the lease only does what the next would do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mortise_model::clock::Timestamp;
use mortise_model::id::{JobId, TenantId};
use mortise_model::item::{FailedItem, ItemStatus};
use mortise_model::run::{Run, RunStatus};
use mortise_model::tenant::Tenant;
use mortise_model::webhook::Delivery;
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_scheduler::{JobContext, JobEnd, JobHandler, Patience};
use mortise_store::collections::RUN_LOGS;
use mortise_store::{
    Batch, Entity, Expect, JobFilter, JobStatus, LeasedJob, NewJob, Origin, StoreError, Write,
};
use serde_json::Value;

use crate::integration::Inner;
use crate::sync::status_name;
use crate::{Integration, IntegrationError, listing, recordings};

/// The kind of the job.
const RETENTION_JOB: &str = "retention";
/// How often it is looked for what is kept no longer.
const INTERVAL: Duration = Duration::from_hours(1);
/// How long deliveries of webhooks are kept.
const DELIVERIES: Duration = Duration::from_hours(7 * 24);
/// Documents that are looked up at a time.
const PAGE: u32 = 100;
/// Documents removed in one batch.
const CHUNK: usize = 1_000;
/// Dead jobs of a tenant that are looked at in one go.
const JOBS: usize = 1_000;

/// How long things are kept that nobody needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs and their logs, from the beginning of the run; dead jobs, from when they were due.
    pub runs: Duration,
    /// Failed items that were carried over or given up, from when they were.
    pub settled_items: Duration,
}

/// Works on the job that removes what is kept no longer.
pub struct RetentionHandler {
    inner: Arc<Inner>,
}

impl Integration {
    /// What works on the job that removes what is kept no longer.
    pub fn retention_handler(&self) -> RetentionHandler {
        RetentionHandler { inner: Arc::clone(&self.inner) }
    }

    /// Sees to it that the job is there. Having it seen to again changes nothing.
    ///
    /// # Errors
    /// [`IntegrationError::Store`].
    pub async fn begin_retention(&self) -> Result<(), IntegrationError> {
        let now = self.inner.clock.now();
        let mut batch = Batch::new(TenantId::system(), Origin::Host, now);
        batch.push(Write::Enqueue(job(now)));
        self.inner.store.commit(batch).await?;
        Ok(())
    }
}

fn job(due: Timestamp) -> NewJob {
    NewJob {
        id: JobId::new(),
        kind: RETENTION_JOB.to_owned(),
        payload: Value::Null,
        due,
        key: Some(RETENTION_JOB.to_owned()),
        lane: None,
    }
}

#[async_trait]
impl JobHandler for RetentionHandler {
    fn kind(&self) -> &'static str {
        RETENTION_JOB
    }

    fn patience(&self) -> Patience {
        Patience::Endless
    }

    async fn work(&self, leased: &LeasedJob, context: &JobContext) -> JobEnd {
        match self.remove_all(context).await {
            Ok(()) if context.stop().is_cancelled() => JobEnd::Released,
            Ok(()) => self.settle(leased).await.unwrap_or_else(|error| retry(&error)),
            Err(error) => retry(&error),
        }
    }
}

fn retry(error: &StoreError) -> JobEnd {
    JobEnd::Retry { after: None, reason: error.to_string() }
}

impl RetentionHandler {
    /// Ends the job and puts the next in its place.
    async fn settle(&self, leased: &LeasedJob) -> Result<JobEnd, StoreError> {
        let now = self.inner.clock.now();
        let mut batch = Batch::new(leased.tenant.clone(), Origin::Host, now);
        batch.push(Write::Complete(leased.lease.clone()));
        batch.push(Write::Enqueue(job(now.plus(INTERVAL))));
        self.inner.store.commit(batch).await?;
        Ok(JobEnd::Settled)
    }

    async fn remove_all(&self, context: &JobContext) -> Result<(), StoreError> {
        let tenants: Vec<Tenant> = listing::all(self.inner.store.as_ref(), &TenantId::system(), None).await?;
        for tenant in tenants {
            if context.stop().is_cancelled() {
                return Ok(());
            }
            self.remove_of(&tenant.id, context).await?;
        }
        Ok(())
    }

    async fn remove_of(&self, tenant: &TenantId, context: &JobContext) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        let Retention { runs, settled_items } = self.inner.config.retention;
        let ended = [
            RunStatus::Succeeded,
            RunStatus::Unreconciled,
            RunStatus::Partial,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ];
        let old_runs = Filter::lt("startedAt", now.minus(runs).to_utc())
            .and(Filter::one_of("status", ended.map(status_name)));
        let settled = [ItemStatus::Resolved, ItemStatus::Discarded].map(ItemStatus::name);
        let old_items = Filter::one_of("state/status", settled)
            .and(Filter::lt("updatedAt", now.minus(settled_items).to_utc()));
        let old_deliveries = Filter::lt("receivedAt", now.minus(DELIVERIES).to_utc());
        let removed = [
            self.remove_where::<Run>(tenant, old_runs, Some("startedAt"), context).await?,
            self.remove_where::<FailedItem>(tenant, old_items, None, context).await?,
            self.remove_where::<Delivery>(tenant, old_deliveries, Some("receivedAt"), context).await?,
            self.remove_dead_jobs(tenant, now.minus(runs)).await?,
        ];
        let [runs, items, deliveries, jobs] = removed;
        if removed.iter().any(|count| *count > 0) {
            tracing::info!(%tenant, runs, items, deliveries, jobs, "what was kept for its time was removed");
        }
        Ok(())
    }

    /// Removes documents that match, in the order of `time` where an index has it, and what is only theirs.
    async fn remove_where<T: Entity>(
        &self,
        tenant: &TenantId,
        filter: Filter,
        time: Option<&'static str>,
        context: &JobContext,
    ) -> Result<usize, StoreError> {
        let store = self.inner.store.as_ref();
        let query = Query {
            filter: Some(filter),
            order: time.map(|time| SortKey::ascending(time, ValueType::Timestamp)).into_iter().collect(),
            page: PageRequest::first(PAGE),
            count: false,
        };
        let mut removed = 0;
        while !context.stop().is_cancelled() {
            let found = store.query(tenant, T::COLLECTION, &query).await?.documents;
            if found.is_empty() {
                break;
            }
            let mut writes = Vec::new();
            for document in &found {
                if T::COLLECTION.name == Run::COLLECTION.name {
                    let prefix = format!("{}/", document.id);
                    for rest in listing::with_prefix(store, tenant, &RUN_LOGS, &prefix).await? {
                        let id = format!("{prefix}{rest}").into();
                        writes.push(Write::Delete { collection: &RUN_LOGS, id, expect: Expect::Any });
                    }
                    writes.extend(recordings::forget(store, tenant, &prefix).await?);
                }
                let (collection, id) = (T::COLLECTION, document.id.clone());
                // After its log: a run that is still there is found again.
                writes.push(Write::Delete { collection, id, expect: Expect::Any });
            }
            self.commit_all(tenant, writes).await?;
            removed += found.len();
        }
        Ok(removed)
    }

    async fn remove_dead_jobs(&self, tenant: &TenantId, before: Timestamp) -> Result<usize, StoreError> {
        let dead = JobFilter { status: Some(JobStatus::Dead), lane: None };
        let jobs = self.inner.store.jobs(tenant, &dead, JOBS).await?;
        let writes: Vec<_> =
            jobs.into_iter().filter(|job| job.due < before).map(|job| Write::Cancel(job.id)).collect();
        let count = writes.len();
        self.commit_all(tenant, writes).await?;
        Ok(count)
    }

    async fn commit_all(&self, tenant: &TenantId, writes: Vec<Write>) -> Result<(), StoreError> {
        for chunk in writes.chunks(CHUNK) {
            let mut batch = Batch::new(tenant.clone(), Origin::Host, self.inner.clock.now());
            batch.writes = chunk.to_vec();
            self.inner.store.commit(batch).await?;
        }
        Ok(())
    }
}
