//! The loop that leases jobs and has them worked on.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use mortise_model::clock::Clock;
use mortise_store::{Batch, Claim, LeasedJob, Origin, Store, StoreError, Write};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::backoff::Backoff;
use crate::{JobContext, JobEnd, JobHandler};

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
    /// How long to wait for jobs in progress at a shutdown before their leases are left to end.
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
        Self { shared: Arc::new(Shared { store, clock, config, handlers }) }
    }

    /// Works until `shutdown` fires, then lets the jobs in progress finish or give back what they hold.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
        let slots = Arc::new(Semaphore::new(shared.config.concurrency));
        let mut working = JoinSet::new();
        while !shutdown.is_cancelled() {
            while working.try_join_next().is_some() {}
            let free = slots.available_permits();
            let claimed = if free == 0 { Vec::new() } else { shared.claim(free).await };
            let idle = claimed.len() < free || free == 0;
            for job in claimed {
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { break };
                let shared = Arc::clone(&shared);
                let stop = shutdown.child_token();
                working.spawn(async move {
                    shared.work(job, stop).await;
                    drop(slot);
                });
            }
            if idle {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = shared.store.wait_for_jobs(shared.config.poll) => {}
                    Some(_) = working.join_next() => {}
                }
            }
        }
        let drained = async { while working.join_next().await.is_some() {} };
        if tokio::time::timeout(shared.config.drain, drained).await.is_err() {
            tracing::warn!("jobs were still going at the end of the drain: their leases end by themselves");
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
        let span = tracing::info_span!(
            "job", id = %job.lease.job, kind = %job.kind, tenant = %job.tenant, attempt = job.attempt
        );
        let context = JobContext { stop, lease_lost: CancellationToken::new() };
        let work = AssertUnwindSafe(handler.work(&job, &context)).catch_unwind().instrument(span.clone());
        let end = tokio::select! {
            end = work => end.unwrap_or_else(|_| JobEnd::Retry {
                after: None,
                reason: "the host's own code panicked while it worked on the job".to_owned(),
            }),
            never = self.keep_lease(&job, &context) => match never {},
        };
        async {
            if let Err(error) = self.settle(&job, end).await {
                tracing::warn!(%error, "the end of a job could not be stored; it comes again when its lease ends");
            }
        }
        .instrument(span)
        .await;
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

    async fn settle(&self, job: &LeasedJob, end: JobEnd) -> Result<(), StoreError> {
        let lease = job.lease.clone();
        let now = self.clock.now();
        let write = match end {
            JobEnd::Settled => return Ok(()),
            JobEnd::Completed => Write::Complete(lease),
            JobEnd::Released => Write::Release(lease),
            JobEnd::Failed { reason } => Write::Bury { lease, reason },
            JobEnd::Retry { after, reason } => {
                match after.or_else(|| self.config.backoff.delay(job.attempt)) {
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
