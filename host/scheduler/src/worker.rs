//! The loop that leases jobs and has them worked on.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use mortise_model::clock::Clock;
use mortise_model::id::{JobId, TenantId};
use mortise_store::{Batch, Claim, Lease, LeasedJob, Origin, Store, StoreError, Write};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::backoff::Backoff;
use crate::{JobContext, JobEnd, JobHandler, Patience};

/// How the scheduler works.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// A name of this host for people.
    pub worker: String,
    /// Jobs worked on at the same time on this host.
    pub concurrency: usize,
    /// Jobs of one tenant worked on at the same time, on all hosts together.
    pub per_tenant: usize,
    /// How long a lease lasts. A worker that dies holds its job for as long at most.
    pub lease: Duration,
    /// The longest wait between two looks into the queue.
    pub poll: Duration,
    /// How long to wait for jobs in progress at a shutdown before they are stopped and given back.
    pub drain: Duration,
    /// Waits between the attempts at a job that asks for another without saying when.
    pub backoff: Backoff,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            worker: "mortise".to_owned(),
            concurrency: 16,
            per_tenant: 4,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            drain: Duration::from_secs(20),
            backoff: Backoff {
                first: Duration::from_secs(5),
                factor: 3.0,
                longest: Duration::from_hours(1),
                attempts: 8,
            },
        }
    }
}

/// Leases jobs and has them worked on until it is told to stop.
pub struct Scheduler {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    config: SchedulerConfig,
    handlers: HashMap<&'static str, Arc<dyn JobHandler>>,
    /// The leases of the jobs in progress.
    held: Mutex<HashMap<JobId, (TenantId, Lease)>>,
}

impl Scheduler {
    /// A scheduler of the jobs in `store`, with one handler per kind of job.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        config: SchedulerConfig,
        handlers: Vec<Arc<dyn JobHandler>>,
    ) -> Self {
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        let held = Mutex::default();
        Self { shared: Arc::new(Shared { store, clock, config, handlers, held }) }
    }

    /// Works until `shutdown` fires, then lets the jobs in progress finish or give back what they hold. What is still
    /// going when the drain is over is stopped and given back.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
        let slots = Arc::new(Semaphore::new(shared.config.concurrency));
        let mut working = JoinSet::new();
        while !shutdown.is_cancelled() {
            while working.try_join_next().is_some() {}
            let free = slots.available_permits();
            let claimed = if free == 0 { Vec::new() } else { shared.claim(free).await };
            let idle = claimed.len() < free;
            for job in claimed {
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { break };
                let shared = Arc::clone(&shared);
                let stop = shutdown.child_token();
                working.spawn(async move {
                    shared.work(job, stop).await;
                    drop(slot);
                });
            }
            if free == 0 {
                // Nothing can be begun whatever comes, so news of jobs is no reason to look.
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    Some(_) = working.join_next() => {}
                }
            } else if idle {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = shared.store.wait_for_jobs(shared.config.poll) => {}
                    Some(_) = working.join_next() => {}
                }
            }
        }
        let drained = async { while working.join_next().await.is_some() {} };
        if tokio::time::timeout(shared.config.drain, drained).await.is_err() {
            working.shutdown().await;
            shared.give_back().await;
        }
    }
}

impl Shared {
    async fn claim(&self, limit: usize) -> Vec<LeasedJob> {
        let claim = Claim {
            worker: self.config.worker.clone(),
            kinds: self.handlers.keys().map(|kind| (*kind).to_owned()).collect(),
            now: self.clock.now(),
            lease: self.config.lease,
            limit,
            per_tenant: self.config.per_tenant,
        };
        match self.store.claim_jobs(&claim).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::error!(%error, "jobs cannot be claimed");
                tokio::time::sleep(self.config.poll).await;
                Vec::new()
            }
        }
    }

    async fn work(&self, job: LeasedJob, stop: CancellationToken) {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else { return };
        self.held().insert(job.lease.job.clone(), (job.tenant.clone(), job.lease.clone()));
        let span = tracing::info_span!(
            "job", id = %job.lease.job, kind = %job.kind, tenant = %job.tenant, attempt = job.attempt
        );
        let context = JobContext { stop, lease_lost: CancellationToken::new() };
        let work = async {
            match self.refuse(handler.as_ref(), &job) {
                Some(end) => end,
                None => handler.work(&job, &context).await,
            }
        };
        let work = AssertUnwindSafe(work).catch_unwind().instrument(span.clone());
        let end = tokio::select! {
            end = work => end.unwrap_or_else(|_| JobEnd::Retry {
                after: None,
                reason: "the host's own code panicked while it worked on the job".to_owned(),
            }),
            never = self.keep_lease(&job, &context) => match never {},
        };
        async {
            if let Err(error) = self.settle(handler.as_ref(), &job, end).await {
                tracing::warn!(%error, "the end of a job could not be stored; it comes again when its lease ends");
            }
        }
        .instrument(span)
        .await;
        self.held().remove(&job.lease.job);
    }

    /// The end of a job that was begun too often without ever ending: it may be what brings the host down.
    fn refuse(&self, handler: &dyn JobHandler, job: &LeasedJob) -> Option<JobEnd> {
        let is_given_up =
            handler.patience() == Patience::Attempts && job.attempt > self.config.backoff.attempts.max(1);
        is_given_up.then(|| JobEnd::Failed {
            reason: format!(
                "the job was begun {} times and the host ended each time before the job did",
                job.attempt.saturating_sub(1)
            ),
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<JobId, (TenantId, Lease)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back the jobs whose work was stopped, so that nobody waits for the end of their leases.
    async fn give_back(&self) {
        let held: Vec<_> = self.held().drain().collect();
        for (job, (tenant, lease)) in held {
            tracing::warn!(%job, "a job was still going at the end of the drain: it was stopped and given back");
            let mut batch = Batch::new(tenant, Origin::Host, self.clock.now());
            batch.push(Write::Release(lease));
            match self.store.commit(batch).await {
                Ok(_) | Err(StoreError::LeaseLost(_)) => {}
                Err(error) => {
                    tracing::warn!(%job, %error, "a job could not be given back; it comes again when its lease ends");
                }
            }
        }
    }

    /// Renews the lease for as long as the work goes on. Never ends by itself.
    async fn keep_lease(&self, job: &LeasedJob, context: &JobContext) -> Infallible {
        let pace = self.config.lease / 3;
        loop {
            tokio::time::sleep(pace).await;
            let renewed =
                self.store.renew_lease(&job.tenant, &job.lease, self.clock.now(), self.config.lease).await;
            match renewed {
                Ok(_) => {}
                Err(StoreError::LeaseLost(_)) => {
                    tracing::warn!(job = %job.lease.job, "the lease is lost: the work stops");
                    context.lease_lost.cancel();
                    context.stop.cancel();
                    return std::future::pending().await;
                }
                Err(error) => tracing::warn!(%error, "a lease could not be renewed; trying again"),
            }
        }
    }

    /// How long to wait after an attempt; None when it was the last.
    fn wait_after(&self, handler: &dyn JobHandler, attempt: u32) -> Option<Duration> {
        let backoff = self.config.backoff;
        match handler.patience() {
            Patience::Attempts => backoff.delay(attempt),
            Patience::Endless => Backoff { attempts: u32::MAX, ..backoff }.delay(attempt.min(u32::MAX - 1)),
        }
    }

    async fn settle(&self, handler: &dyn JobHandler, job: &LeasedJob, end: JobEnd) -> Result<(), StoreError> {
        let lease = job.lease.clone();
        let now = self.clock.now();
        let write = match end {
            JobEnd::Settled => return Ok(()),
            JobEnd::Completed => Write::Complete(lease),
            JobEnd::Released => Write::Release(lease),
            JobEnd::Failed { reason } => Write::Bury { lease, reason },
            JobEnd::Retry { after, reason } => {
                match self.wait_after(handler, job.attempt).map(|wait| after.unwrap_or(wait)) {
                    Some(wait) => Write::Retry { lease, due: now.plus(wait), reason },
                    None => Write::Bury { lease, reason },
                }
            }
        };
        let mut batch = Batch::new(job.tenant.clone(), Origin::Host, now);
        batch.push(write);
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::LeaseLost(_)) => {
                tracing::info!(job = %job.lease.job, "another worker has the job: its end is theirs to tell");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
