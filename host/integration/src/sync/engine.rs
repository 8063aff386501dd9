//! A job from its lease to its end: the run opened, its actions worked on, the run closed.

use std::collections::HashSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use mortise_model::clock::{Clock, Timestamp};
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, JobId, RunId, TenantId};
use mortise_model::instance::{Direction, Instance, InstanceState};
use mortise_model::log::LogLevel;
use mortise_model::run::{Run, RunStatus, Trigger};
use mortise_query::{Filter, PageRequest, Query};
use mortise_records::Records;
use mortise_scheduler::{JobContext, JobEnd, SyncPayload, instance_lane, sync_job};
use mortise_store::{
    Document, Entity as _, Expect, JobFilter, JobStatus, LeasedJob, NewJob, Store, StoreError, StoreExt as _,
    Write,
};
use tokio_util::sync::CancellationToken;

use crate::IntegrationConfig;
use crate::sync::book::{CommitError, RunBook};
use crate::sync::calls::{BindError, Bound, Connectors};
use crate::sync::end::End;
use crate::sync::items;
use crate::sync::live::LiveRuns;
use crate::sync::log::RunLog;
use crate::sync::masks::Masks;
use crate::sync::metrics::{SyncMetrics, status_name};
use crate::sync::progress::put;
use crate::sync::scope::{ItemCount, MOST_OPEN, Scope, add, empty_report};
use crate::sync::stop::Stop;

/// How often a run in progress looks whether another host cancelled it.
const WATCH: Duration = Duration::from_secs(2);
/// How often the end of a run is tried to be written.
const MOST_ENDINGS: u32 = 5;
/// Most jobs that are looked at for whether somebody works on a run.
const MOST_JOBS: usize = 1_000;
/// The wait after the first time that it could not.
const ENDING_WAIT: Duration = Duration::from_millis(200);

/// Works on `sync` jobs.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) records: Records,
    pub(crate) config: Arc<IntegrationConfig>,
    pub(crate) connectors: Arc<dyn Connectors>,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) metrics: SyncMetrics,
}

/// What is known of a job before its run is opened.
struct Opening<'a> {
    job: &'a LeasedJob,
    context: &'a JobContext,
    instance: Instance,
    trigger: Trigger,
}

impl Engine {
    /// Works on a job.
    pub(crate) async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd {
        let payload: SyncPayload = match serde_json::from_value(job.payload.clone()) {
            Ok(payload) => payload,
            Err(error) => return JobEnd::Failed { reason: format!("the job does not read back: {error}") },
        };
        let found = match self.store.load::<Instance>(&job.tenant, payload.instance.as_str()).await {
            Ok(found) => found,
            Err(error) => return before_the_run(error.into()),
        };
        let Some((instance, _)) = found else { return JobEnd::Completed };
        if let InstanceState::Paused { reason } = &instance.state {
            tracing::info!(tenant = %job.tenant, instance = %instance.id, reason, "a paused instance does not run");
            return JobEnd::Completed;
        }
        match self.was_cancelled(job, &instance).await {
            Ok(false) => {}
            Ok(true) => return JobEnd::Completed,
            Err(error) => return before_the_run(error.into()),
        }
        let opening = Opening { job, context, instance, trigger: payload.trigger };
        match self.run(opening).await {
            Ok(end) => end,
            Err(stop) => before_the_run(stop),
        }
    }

    /// Opens the run, works on it and closes it. An error is one of before the run was opened.
    async fn run(&self, opening: Opening<'_>) -> Result<JobEnd, Stop> {
        let tenant = &opening.job.tenant;
        let bound = match self.connectors.bind(tenant, &opening.instance).await {
            Ok(bound) => Ok(bound),
            Err(BindError::Configuration { release, error }) => Err((release, error)),
            Err(BindError::Unavailable(error)) => return Err(Stop::later(error)),
        };
        let book = Arc::new(self.open(&opening, &bound).await?);
        let run = book.run().await.id;
        let cancelled = opening.context.stop().child_token();
        let live = self.live.begin(&run, cancelled.clone());
        let stop = match bound {
            Err((_, error)) => Some(Stop::Failed(error)),
            Ok(bound) => {
                let work = self.actions(&opening, bound, &book, &run, cancelled.clone());
                let work = AssertUnwindSafe(work).catch_unwind();
                let ended = tokio::select! {
                    ended = work => ended,
                    never = self.watch(tenant, &run, &cancelled) => match never {},
                };
                ended
                    .unwrap_or_else(|_| {
                        Err(Stop::later("the host's own code panicked: this is a bug of the host"))
                    })
                    .err()
            }
        };
        let end = self.finish(&opening, &book, stop).await;
        drop(live);
        Ok(end)
    }

    async fn open(
        &self,
        opening: &Opening<'_>,
        bound: &Result<Bound, (Option<Digest>, PluginError)>,
    ) -> Result<RunBook, Stop> {
        let Opening { job, instance, trigger, .. } = opening;
        let now = self.clock.now();
        let id = RunId::new();
        let (masks, most_lines, release) = match bound {
            Ok(bound) => {
                let masks = Masks::load(bound.secrets.as_ref(), &bound.secret_names).await;
                let masks = masks.map_err(|error| Stop::later(error.to_string()))?;
                (masks, bound.limits.run_log_lines, bound.release)
            }
            Err((release, _)) => (Masks::default(), 0, release.unwrap_or_else(|| Digest::of(b""))),
        };
        let run = Run {
            id: id.clone(),
            instance: instance.id.clone(),
            release,
            job: job.lease.job.clone(),
            attempt: job.attempt,
            trigger: trigger.clone(),
            status: RunStatus::Running,
            actions: instance.actions.iter().copied().map(empty_report).collect(),
            error: None,
            started_at: now,
            ended_at: None,
            next_attempt_at: None,
        };
        let log = Arc::new(RunLog::new(id, Arc::clone(&self.clock), instance.log_level, most_lines, masks));
        let left = self.close_left_over(job, instance).await?;
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let opened = RunBook::open(store, clock, job.tenant.clone(), job.lease.clone(), log, run, left).await;
        opened.map_err(|error| match error {
            CommitError::Stop(stop) => stop,
            CommitError::Conflict(conflict) => Stop::later(conflict.to_string()),
        })
    }

    /// The writes that close earlier runs of the instance that nobody works on any more: their host stopped.
    async fn close_left_over(&self, job: &LeasedJob, instance: &Instance) -> Result<Vec<Write>, StoreError> {
        let left = self.runs_of(job, instance, RunStatus::Running).await?;
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let leased = JobFilter { status: Some(JobStatus::Leased), lane: None };
        let leased: HashSet<JobId> =
            self.store.jobs(&job.tenant, &leased, MOST_JOBS).await?.into_iter().map(|job| job.id).collect();
        let now = self.clock.now();
        let mut writes = Vec::new();
        for document in left {
            let mut run: Run = document.decode()?;
            if run.job != job.lease.job && leased.contains(&run.job) {
                continue;
            }
            run.status = RunStatus::Failed;
            run.error = Some(PluginError::retryable("the host stopped before the run ended"));
            run.ended_at = Some(now);
            run.next_attempt_at = (run.job == job.lease.job).then_some(now);
            writes.push(put(&run, Expect::At(document.version))?);
        }
        Ok(writes)
    }

    /// Whether a person stopped an earlier run of the job, and its host did not live to end the job.
    async fn was_cancelled(&self, job: &LeasedJob, instance: &Instance) -> Result<bool, StoreError> {
        if job.lease.token <= 1 {
            return Ok(false);
        }
        for document in self.runs_of(job, instance, RunStatus::Cancelled).await? {
            if document.decode::<Run>()?.job == job.lease.job {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn runs_of(
        &self,
        job: &LeasedJob,
        instance: &Instance,
        status: RunStatus,
    ) -> Result<Vec<Document>, StoreError> {
        let filter =
            Filter::eq("status", status_name(status)).and(Filter::eq("instance", instance.id.as_str()));
        let filter = match status {
            RunStatus::Running => filter,
            _ => filter.and(Filter::eq("job", job.lease.job.as_str())),
        };
        let query = Query { filter: Some(filter), page: PageRequest::first(20), ..Query::default() };
        Ok(self.store.query(&job.tenant, Run::COLLECTION, &query).await?.documents)
    }

    async fn actions(
        &self,
        opening: &Opening<'_>,
        bound: Bound,
        book: &Arc<RunBook>,
        run: &RunId,
        cancelled: CancellationToken,
    ) -> Result<(), Stop> {
        let Opening { job, instance, context, trigger } = opening;
        let open = items::open(self.store.as_ref(), &job.tenant, &instance.id).await?;
        if open > MOST_OPEN {
            let message = format!(
                "the instance has {open} failed items, and at most {MOST_OPEN} are kept: replay or discard dead letters"
            );
            return Err(Stop::failed("too-many-failed-items", message));
        }
        let scope = Arc::new(Scope {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            records: self.records.clone(),
            config: Arc::clone(&self.config),
            connectors: Arc::clone(&self.connectors),
            instance: instance.clone(),
            bound,
            book: Arc::clone(book),
            run: run.clone(),
            attempt: job.attempt,
            work: format!("{}/{}", job.tenant, job.lease.job),
            context: (*context).clone(),
            cancelled,
            items: ItemCount::new(open),
        });
        // What was sent and may have arrived is on the far side under no link yet: a pull would take it for another.
        for action in instance.actions.iter().copied() {
            if action.direction == Direction::Push {
                scope.settle_push(action).await?;
            }
        }
        for action in instance.actions.iter().copied() {
            if action.direction == Direction::Pull {
                scope.land_changes(action).await?;
            }
            match (trigger, action.direction) {
                (Trigger::Retry | Trigger::Webhook, _) => {}
                (_, Direction::Pull) => scope.pull(action).await?,
                (_, Direction::Push) => scope.push(action).await?,
            }
            scope.retry_due(action).await?;
        }
        Ok(())
    }

    /// Looks whether somebody cancelled the run on another host, and stops its calls then. Never ends by itself.
    async fn watch(&self, tenant: &TenantId, run: &RunId, cancelled: &CancellationToken) -> Infallible {
        loop {
            tokio::time::sleep(WATCH).await;
            // A store that does not answer is noticed by the run itself.
            let found = self.store.load::<Run>(tenant, run.as_str()).await.ok().flatten();
            if found.is_some_and(|(run, _)| run.status == RunStatus::Cancelled) {
                cancelled.cancel();
                return std::future::pending().await;
            }
        }
    }

    /// Writes the end of a run and of its job.
    async fn finish(&self, opening: &Opening<'_>, book: &RunBook, mut stop: Option<Stop>) -> JobEnd {
        let log = book.log();
        match &stop {
            Some(Stop::LeaseLost) => return Self::lost(opening),
            Some(Stop::Failed(error) | Stop::Later { error, .. } | Stop::Unauthorized(error)) => {
                log.host_always(LogLevel::Error, items::bounded(error.clone()).to_string());
            }
            Some(Stop::Cancelled) => log.host_always(LogLevel::Warn, "a person stopped the run"),
            Some(Stop::Released) => {
                log.host_always(LogLevel::Warn, "the host is shutting down: another goes on");
            }
            None => {}
        }
        log.end();
        let mut wait = ENDING_WAIT;
        let mut reason = String::new();
        for _ in 0..MOST_ENDINGS {
            match self.close(opening, book, stop.as_ref()).await {
                Ok(()) => {
                    self.report(opening, &book.run().await);
                    return JobEnd::Settled;
                }
                Err(CommitError::Stop(Stop::LeaseLost)) => return Self::lost(opening),
                Err(CommitError::Stop(Stop::Cancelled)) => stop = Some(Stop::Cancelled),
                // The instance, or what it was paused for, changed at this moment: look again.
                Err(CommitError::Conflict(conflict)) => reason = conflict.to_string(),
                Err(CommitError::Stop(other)) => {
                    reason = other.to_plugin().to_string();
                    tracing::warn!(reason, "the end of a run could not be written; trying again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
        JobEnd::Retry { after: None, reason: format!("the end of the run could not be written: {reason}") }
    }

    async fn close(
        &self,
        opening: &Opening<'_>,
        book: &RunBook,
        stop: Option<&Stop>,
    ) -> Result<(), CommitError> {
        let Opening { job, instance, .. } = opening;
        let now = self.clock.now();
        let run = book.run().await;
        let mut end = End::of(&run, stop, job.attempt, now, &self.config.run_backoff);
        end.error = end.error.map(|error| items::bounded(book.log().masks().apply_to_error(error)));
        let mut writes = vec![end.job_write(&job.lease)];
        if let Some(Stop::Unauthorized(error)) = stop {
            let error = book.log().masks().apply_to_error(error.clone());
            writes.extend(self.pause(&job.tenant, instance, &error, now).await?);
        }
        if let Some(earliest) = end.items_not_before(stop, now, &self.config.run_backoff) {
            let due =
                items::first_due(self.store.as_ref(), &job.tenant, &instance.id, &instance.actions).await?;
            writes.extend(due.map(|due| Write::Enqueue(retry_job(instance, due.max(earliest)))));
        }
        let update = move |run: &mut Run| {
            run.status = end.status;
            run.error = end.error;
            run.ended_at = Some(now);
            run.next_attempt_at = end.next_attempt_at;
        };
        book.close(writes, update).await
    }

    async fn pause(
        &self,
        tenant: &TenantId,
        instance: &Instance,
        error: &PluginError,
        now: Timestamp,
    ) -> Result<Option<Write>, StoreError> {
        let found = self.store.load::<Instance>(tenant, instance.id.as_str()).await?;
        let Some((mut present, version)) = found else { return Ok(None) };
        if present.state != InstanceState::Active {
            return Ok(None);
        }
        let reason =
            format!("{}. Set the credentials anew, then resume the instance", items::bounded(error.clone()));
        tracing::warn!(%tenant, instance = %instance.id, reason, "the instance is paused");
        present.state = InstanceState::Paused { reason };
        present.updated_at = now;
        put(&present, Expect::At(version)).map(Some)
    }

    fn lost(opening: &Opening<'_>) -> JobEnd {
        let Opening { job, instance, .. } = opening;
        tracing::warn!(tenant = %job.tenant, instance = %instance.id, job = %job.lease.job, "another worker has the run");
        JobEnd::Settled
    }

    fn report(&self, opening: &Opening<'_>, run: &Run) {
        let Opening { job, instance, .. } = opening;
        let duration = run.ended_at.unwrap_or(run.started_at).since(run.started_at);
        self.metrics.ended(run, duration);
        let counts = run
            .actions
            .iter()
            .fold(mortise_model::run::Counts::default(), |sum, report| add(sum, report.counts));
        tracing::info!(
            tenant = %job.tenant,
            instance = %instance.id,
            plugin = %instance.plugin,
            run = %run.id,
            attempt = run.attempt,
            status = status_name(run.status),
            records = counts.records,
            created = counts.created,
            updated = counts.updated,
            unchanged = counts.unchanged,
            deleted = counts.deleted,
            skipped = counts.skipped,
            failed = counts.failed,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            "a run ended"
        );
    }
}

/// The job that tries failed items of an instance again. At most one waits.
pub(crate) fn retry_job(instance: &Instance, due: Timestamp) -> NewJob {
    NewJob {
        key: Some(format!("retry/{}", instance.id)),
        lane: Some(instance_lane(&instance.id)),
        ..sync_job(&instance.id, Trigger::Retry, due)
    }
}

fn before_the_run(stop: Stop) -> JobEnd {
    match stop {
        Stop::LeaseLost => JobEnd::Settled,
        Stop::Released => JobEnd::Released,
        stop => JobEnd::Retry { after: None, reason: stop.to_plugin().to_string() },
    }
}
