//! A schedule's occurrence: puts the instance's run into the queue and the next occurrence behind it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mortise_model::clock::{Clock, Timestamp};
use mortise_model::run::Trigger;
use mortise_model::schedule::{MissedPolicy, OverlapPolicy, Schedule};
use mortise_store::{
    Batch, Expect, JobFilter, JobStatus, LeasedJob, NewJob, Origin, Store, StoreError, StoreExt as _, Write,
};

use crate::handler::lease_of;
use crate::schedules::{TICK_JOB, TickPayload, next_occurrence, tick_job};
use crate::sync_job::{instance_lane, overlapping_sync_job, sync_job};
use crate::{JobContext, JobEnd, JobHandler, Patience};

/// How late a tick may be worked on and still count as on time. Later, the occurrence was missed.
const LATE: Duration = Duration::from_mins(1);

/// Works on ticks.
pub struct TickHandler {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl TickHandler {
    /// A handler of the ticks in `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    async fn tick(&self, job: &LeasedJob) -> Result<JobEnd, StoreError> {
        let payload: TickPayload = match serde_json::from_value(job.payload.clone()) {
            Ok(payload) => payload,
            Err(error) => {
                return Ok(JobEnd::Failed { reason: format!("the tick does not read back: {error}") });
            }
        };
        let found = self.store.load::<Schedule>(&job.tenant, payload.schedule.as_str()).await?;
        let Some((mut schedule, version)) = found else { return Ok(JobEnd::Completed) };
        if schedule.next_at != Some(payload.occurrence) {
            return Ok(JobEnd::Completed);
        }
        let now = self.clock.now();
        // Occurrences that passed meanwhile are one with this: the next is after the present time.
        let next = match next_occurrence(&schedule.cron, schedule.time_zone, now.max(payload.occurrence)) {
            Ok(next) => next,
            Err(error) => return Ok(JobEnd::Failed { reason: error.to_string() }),
        };
        schedule.next_at = next;
        let mut batch = Batch::new(job.tenant.clone(), Origin::Host, now);
        batch.push(Write::Complete(lease_of(job)));
        if let Some(run) = self.run_of(job, &schedule, payload.occurrence, now).await? {
            batch.push(Write::Enqueue(run));
        }
        if let Some(next) = next {
            batch.push(Write::Enqueue(tick_job(&schedule.id, next)));
        }
        batch.put(&schedule, Expect::At(version))?;
        self.store.commit(batch).await?;
        Ok(JobEnd::Settled)
    }

    async fn run_of(
        &self,
        job: &LeasedJob,
        schedule: &Schedule,
        occurrence: Timestamp,
        now: Timestamp,
    ) -> Result<Option<NewJob>, StoreError> {
        let instance = &schedule.instance;
        let missed = now.since(occurrence) > LATE;
        if missed && schedule.missed == MissedPolicy::Skip {
            tracing::info!(%instance, %occurrence, "a scheduled run was missed and left out, as the schedule says");
            return Ok(None);
        }
        let trigger = Trigger::Schedule { schedule: schedule.id.clone(), occurrence };
        match schedule.overlap {
            OverlapPolicy::Allow => Ok(Some(overlapping_sync_job(instance, trigger, now))),
            OverlapPolicy::Queue => Ok(Some(sync_job(instance, trigger, now))),
            OverlapPolicy::Skip => {
                let filter = JobFilter { status: None, lane: Some(instance_lane(instance)) };
                let jobs = self.store.jobs(&job.tenant, &filter, 100).await?;
                let busy = jobs.iter().any(|other| match other.status {
                    JobStatus::Leased => true,
                    JobStatus::Waiting => other.due <= now,
                    JobStatus::Dead => false,
                });
                if busy {
                    tracing::info!(%instance, %occurrence, "a scheduled run was left out: the last one is still going");
                }
                Ok((!busy).then(|| sync_job(instance, trigger, now)))
            }
        }
    }
}

#[async_trait]
impl JobHandler for TickHandler {
    fn kind(&self) -> &'static str {
        TICK_JOB
    }

    /// A tick that is given up is a schedule that stands still.
    fn patience(&self) -> Patience {
        Patience::Endless
    }

    async fn work(&self, job: &LeasedJob, _: &JobContext) -> JobEnd {
        match self.tick(job).await {
            Ok(end) => end,
            // Somebody changed the schedule at the same moment: look at it again.
            Err(StoreError::Conflict(conflict)) => {
                JobEnd::Retry { after: Some(Duration::ZERO), reason: conflict.to_string() }
            }
            Err(error) => JobEnd::Retry { after: None, reason: error.to_string() },
        }
    }
}
