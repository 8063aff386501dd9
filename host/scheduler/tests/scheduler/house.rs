//! A store, a clock that stands still, and handlers that do as they are told.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mortise_model::clock::{Clock, ManualClock, Timestamp};
use mortise_model::id::{InstanceId, JobId, ScheduleId, TenantId};
use mortise_model::schedule::{MissedPolicy, OverlapPolicy, Schedule};
use mortise_scheduler::backoff::Backoff;
use mortise_scheduler::{
    JobContext, JobEnd, JobHandler, SYNC_JOB, Scheduler, SchedulerConfig, TickHandler, schedules,
};
use mortise_store::{
    Batch, Expect, JobFilter, JobStatus, JobView, LeasedJob, NewJob, Origin, SledOptions, SledStore, Store,
    StoreExt as _, Write,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any test may take.
pub(crate) const LONG: Duration = Duration::from_mins(2);

/// What the tests have in common.
pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) instance: InstanceId,
    _directory: tempfile::TempDir,
}

impl House {
    /// An empty store, at midnight.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SledOptions { cache_bytes: 16 * 1024 * 1024, ..SledOptions::default() };
        let store = Arc::new(SledStore::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap()));
        let tenant = "acme".parse().unwrap();
        Self { store, clock, tenant, instance: InstanceId::new(), _directory: directory }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The time of the day.
    pub(crate) fn set_time(&self, text: &str) {
        self.clock.set(time(text));
    }

    pub(crate) async fn commit(&self, writes: Vec<Write>) {
        let batch = Batch { writes, ..Batch::new(self.tenant.clone(), Origin::Host, self.clock.now()) };
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) async fn enqueue(&self, jobs: Vec<NewJob>) {
        self.commit(jobs.into_iter().map(Write::Enqueue).collect()).await;
    }

    /// A job of kind `sync` that is due.
    pub(crate) fn job(&self) -> NewJob {
        NewJob {
            id: JobId::new(),
            kind: SYNC_JOB.to_owned(),
            payload: Value::Null,
            due: self.clock.now(),
            key: None,
            lane: None,
        }
    }

    pub(crate) async fn jobs(&self, kind: &str) -> Vec<JobView> {
        let jobs = self.store.jobs(&self.tenant, &JobFilter::default(), 1_000).await.unwrap();
        jobs.into_iter().filter(|job| job.kind == kind).collect()
    }

    /// Waits until the jobs are as wanted. The store tells when they change only to workers, so this looks again.
    pub(crate) async fn until(&self, is_wanted: impl Fn(&[JobView]) -> bool) -> Vec<JobView> {
        let waiting = async {
            loop {
                let jobs = self.store.jobs(&self.tenant, &JobFilter::default(), 1_000).await.unwrap();
                if is_wanted(&jobs) {
                    return jobs;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, waiting).await.unwrap()
    }

    /// A schedule of the instance, written with its tick.
    pub(crate) async fn schedule(
        &self,
        cron: &str,
        missed: MissedPolicy,
        overlap: OverlapPolicy,
    ) -> Schedule {
        let mut schedule = Schedule {
            id: ScheduleId::new(),
            instance: self.instance.clone(),
            cron: cron.to_owned(),
            time_zone: chrono_tz::Tz::UTC,
            missed,
            overlap,
            enabled: true,
            next_at: None,
            created_at: self.clock.now(),
        };
        self.put(&mut schedule).await;
        schedule
    }

    pub(crate) async fn put(&self, schedule: &mut Schedule) {
        let now = self.clock.now();
        let mut batch = Batch::new(self.tenant.clone(), Origin::Host, now);
        schedules::put(&mut batch, schedule, Expect::Any, now).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) async fn read(&self, schedule: &Schedule) -> Schedule {
        let found = self.store.load::<Schedule>(&self.tenant, schedule.id.as_str()).await.unwrap();
        found.unwrap().0
    }

    /// Claims what is due of a kind, as a worker does.
    pub(crate) async fn claim(&self, kind: &str) -> Vec<LeasedJob> {
        let claim = mortise_store::Claim {
            worker: "test".to_owned(),
            kinds: vec![kind.to_owned()],
            now: self.clock.now(),
            lease: Duration::from_secs(30),
            limit: 100,
            per_tenant: 100,
        };
        self.store.claim_jobs(&claim).await.unwrap()
    }

    /// Works on the one tick that is due and ends it as a worker does.
    pub(crate) async fn tick(&self) -> JobEnd {
        let ticks = self.claim("tick").await;
        assert_eq!(ticks.len(), 1);
        let handler = TickHandler::new(Arc::clone(&self.store), self.clock());
        let end = handler.work(&ticks[0], &JobContext::detached(CancellationToken::new())).await;
        if end == JobEnd::Completed {
            self.commit(vec![Write::Complete(ticks[0].lease.clone())]).await;
        }
        end
    }

    /// Starts a scheduler. It ends when the token fires.
    pub(crate) fn start(
        &self,
        config: SchedulerConfig,
        handlers: Vec<Arc<dyn JobHandler>>,
    ) -> (CancellationToken, JoinHandle<()>) {
        self.start_on(Arc::clone(&self.store), config, handlers)
    }

    /// Starts a scheduler on another view of the store.
    pub(crate) fn start_on(
        &self,
        store: Arc<dyn Store>,
        config: SchedulerConfig,
        handlers: Vec<Arc<dyn JobHandler>>,
    ) -> (CancellationToken, JoinHandle<()>) {
        let shutdown = CancellationToken::new();
        let scheduler = Scheduler::new(store, self.clock(), config, handlers);
        (shutdown.clone(), tokio::spawn(scheduler.run(shutdown)))
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    format!("2026-03-01T{text}Z").parse().unwrap()
}

/// A scheduler that looks often, for a clock that stands still.
pub(crate) fn config() -> SchedulerConfig {
    SchedulerConfig {
        worker: "test".to_owned(),
        poll: Duration::from_millis(20),
        lease: Duration::from_secs(30),
        drain: LONG,
        backoff: Backoff {
            first: Duration::from_secs(10),
            factor: 2.0,
            longest: Duration::from_mins(1),
            attempts: 3,
        },
        ..SchedulerConfig::default()
    }
}

/// Ends a scheduler and waits until it has.
pub(crate) async fn stop((shutdown, scheduler): (CancellationToken, JoinHandle<()>)) {
    shutdown.cancel();
    tokio::time::timeout(LONG, scheduler).await.unwrap().unwrap();
}

type Work = Box<dyn Fn(LeasedJob, JobContext) -> Pin<Box<dyn Future<Output = JobEnd> + Send>> + Send + Sync>;

/// Works on `sync` jobs by a function, and tells of each job that it begins.
struct Told {
    work: Work,
    begun: mpsc::UnboundedSender<LeasedJob>,
}

/// The jobs that a handler began.
pub(crate) struct Begun(mpsc::UnboundedReceiver<LeasedJob>);

impl Begun {
    pub(crate) async fn next(&mut self) -> LeasedJob {
        tokio::time::timeout(LONG, self.0.recv()).await.unwrap().unwrap()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A handler that works by a function, and what tells of its jobs.
pub(crate) fn told<F>(
    work: impl Fn(LeasedJob, JobContext) -> F + Send + Sync + 'static,
) -> (Arc<dyn JobHandler>, Begun)
where
    F: Future<Output = JobEnd> + Send + 'static,
{
    let (begun, told) = mpsc::unbounded_channel();
    let work: Work = Box::new(move |job, context| Box::pin(work(job, context)));
    (Arc::new(Told { work, begun }), Begun(told))
}

#[async_trait]
impl JobHandler for Told {
    fn kind(&self) -> &'static str {
        SYNC_JOB
    }

    async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd {
        self.begun.send(job.clone()).unwrap();
        (self.work)(job.clone(), context.clone()).await
    }
}

/// Whether exactly so many jobs stand so.
pub(crate) fn count(jobs: &[JobView], status: JobStatus) -> usize {
    jobs.iter().filter(|job| job.status == status).count()
}

/// Ends that a handler answers one after the other.
pub(crate) fn in_turn(ends: Vec<JobEnd>) -> impl Fn() -> JobEnd {
    let ends = Mutex::new(ends.into_iter());
    move || ends.lock().unwrap().next().unwrap_or(JobEnd::Completed)
}
