//! Having an instance tested and run, and forgetting how far it is.

use std::sync::Arc;

use mortise_model::connector::Check;
use mortise_model::error::PluginError;
use mortise_model::id::{InstanceId, JobId, RunId, TenantId};
use mortise_model::instance::{InstanceState, SyncAction};
use mortise_model::log::{LogLevel, LogLine};
use mortise_model::run::Trigger;
use mortise_runtime::{CallError, CallMode};
use mortise_scheduler::{SYNC_JOB, SyncPayload, instance_lane, sync_job};
use mortise_store::{JobFilter, JobStatus, JobView, Write};
use tokio_util::sync::CancellationToken;

use crate::binding::{self, BindingProblem};
use crate::sync::log::RunLog;
use crate::sync::{self, Masks};
use crate::{Instances, IntegrationError};

/// Most lines of a test's log.
const TEST_LINES: u32 = 200;
/// Most jobs of one instance that are looked through. There are two that wait, and the dead ones.
const LANE_JOBS: usize = 200;

/// What a connection test found.
#[derive(Debug, Clone, PartialEq)]
pub struct TestReport {
    /// What the plugin looked at.
    pub checks: Vec<Check>,
    /// Why it could not look at everything, if so.
    pub error: Option<PluginError>,
    /// What the plugin logged meanwhile, at any level. At most 200 lines.
    pub log: Vec<LogLine>,
}

impl TestReport {
    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.checks.iter().all(|check| check.passed)
    }

    /// What is missing before the plugin can be asked at all.
    fn not_ready(problem: &BindingProblem) -> Self {
        let name = "configuration".to_owned();
        let check = Check { name, passed: false, message: problem.to_string() };
        Self { checks: vec![check], error: None, log: Vec::new() }
    }
}

impl Instances<'_> {
    /// Has the plugin look whether the instance works. Changes nothing on the far side, and keeps nothing that the
    /// plugin stores meanwhile.
    ///
    /// What is missing before the plugin can be asked (a grant, a secret, a setting) is a check that did not pass. A
    /// plugin that fails, traps or uses up a budget is the report's error, not one of this call.
    pub async fn test(&self, tenant: &TenantId, id: &InstanceId) -> Result<TestReport, IntegrationError> {
        let (instance, _) = self.load(tenant, id).await?;
        let binding = match binding::bind(self.inner, tenant, &instance).await {
            Ok(binding) => binding,
            Err(BindingProblem::Store(error)) => return Err(error.into()),
            Err(problem) => return Ok(TestReport::not_ready(&problem)),
        };
        let names: Vec<String> = binding.permissions.secrets.iter().cloned().collect();
        let masks = match Masks::load(binding.secrets.as_ref(), &names).await {
            Ok(masks) => masks,
            Err(error) => {
                let error = Some(PluginError::failed("secret", error.to_string()));
                return Ok(TestReport { checks: Vec::new(), error, log: Vec::new() });
            }
        };
        let run = RunId::new();
        let clock = Arc::clone(&self.inner.clock);
        let log = Arc::new(RunLog::new(run.clone(), clock, LogLevel::Trace, TEST_LINES, masks));
        let key = run.to_string();
        let writer = Arc::clone(&log) as Arc<_>;
        let call = binding.call(run, 1, key, CallMode::DryRun, writer, CancellationToken::new());
        let (checks, error) = match self.inner.runtime.test(call).await {
            Ok(returned) => (returned.value, None),
            Err(error) => (Vec::new(), Some(as_plugin_error(error)?)),
        };
        log.end();
        let masks = log.masks();
        let checks = checks
            .into_iter()
            .map(|check| Check {
                name: masks.apply_owned(check.name),
                passed: check.passed,
                message: masks.apply_owned(check.message),
            })
            .collect();
        let error = error.map(|error| masks.apply_to_error(error));
        let lines = log.waiting().chunks.into_iter().flat_map(|chunk| chunk.lines).collect();
        Ok(TestReport { checks, error, log: lines })
    }

    /// Puts a run into the queue, to begin as soon as a worker is free. At most one waits: its job is answered.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when the instance is paused.
    pub async fn run_now(&self, tenant: &TenantId, id: &InstanceId) -> Result<JobId, IntegrationError> {
        let (instance, _) = self.load(tenant, id).await?;
        if let InstanceState::Paused { reason } = &instance.state {
            let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            return Err(IntegrationError::Conflict(format!(
                "the instance `{}` is paused{because}: resume it first",
                instance.name
            )));
        }
        let job = sync_job(id, Trigger::Manual, self.inner.clock.now());
        let new = job.id.clone();
        let mut batch = self.batch(tenant);
        batch.push(Write::Enqueue(job));
        self.commit(batch, id).await?;
        let filter = JobFilter { status: None, lane: Some(instance_lane(id)) };
        let jobs = self.inner.store.jobs(tenant, &filter, LANE_JOBS).await?;
        Ok(waiting_run(&jobs, &new))
    }

    /// Has the next pull of an entity start from nothing: the bookmark and the cursor are forgotten. The next push
    /// looks at everything that ever changed.
    ///
    /// # Errors
    /// [`IntegrationError::Changed`] when a run moves on at the same moment.
    pub async fn forget_progress(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        action: SyncAction,
    ) -> Result<(), IntegrationError> {
        self.load(tenant, id).await?;
        let writes = sync::forget(self.inner.store.as_ref(), tenant, id, action).await?;
        if writes.is_empty() {
            return Ok(());
        }
        let mut batch = self.batch(tenant);
        batch.writes = writes;
        self.commit(batch, id).await?;
        tracing::info!(%tenant, instance = %id, action = action.key(), "how far an action is was forgotten");
        Ok(())
    }
}

/// The job of the run that waits: the new one, or the one that waited already and was left as it is.
fn waiting_run(jobs: &[JobView], new: &JobId) -> JobId {
    if jobs.iter().any(|job| job.id == *new) {
        return new.clone();
    }
    let runs = || jobs.iter().filter(|job| is_run(job));
    runs()
        .find(|job| job.status == JobStatus::Waiting)
        .or_else(|| runs().find(|job| job.status == JobStatus::Leased))
        .map_or_else(|| new.clone(), |job| job.id.clone())
}

/// Whether a job is a whole run, not one of single records: those have keys of their own.
fn is_run(job: &JobView) -> bool {
    let payload = serde_json::from_value::<SyncPayload>(job.payload.clone());
    let is_whole = |payload: SyncPayload| !matches!(payload.trigger, Trigger::Retry | Trigger::Webhook);
    job.kind == SYNC_JOB && payload.is_ok_and(is_whole)
}

fn as_plugin_error(error: CallError) -> Result<PluginError, IntegrationError> {
    match error {
        CallError::Plugin(error) => Ok(error),
        CallError::Limit { limit } => Ok(PluginError::Quota { message: limit.to_string() }),
        CallError::Trap { message } => {
            Ok(PluginError::failed("trap", format!("the plugin has a bug: {message}")))
        }
        CallError::Stopped => Ok(PluginError::retryable("the test was stopped: try again")),
        other => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use mortise_model::clock::Timestamp;
    use mortise_scheduler::overlapping_sync_job;

    use super::*;

    fn view(trigger: Trigger, status: JobStatus) -> JobView {
        let job = overlapping_sync_job(&InstanceId::new(), trigger, Timestamp::from_millis(0));
        JobView {
            id: job.id,
            kind: job.kind,
            payload: job.payload,
            status,
            attempt: 0,
            due: job.due,
            worker: None,
            reason: None,
        }
    }

    #[test]
    fn the_job_that_is_answered_is_the_one_that_will_run() {
        let new = JobId::new();
        let dead = view(Trigger::Manual, JobStatus::Dead);
        let retry = view(Trigger::Retry, JobStatus::Waiting);
        let leased = view(Trigger::Manual, JobStatus::Leased);
        let waiting = view(Trigger::Manual, JobStatus::Waiting);
        let own = JobView { id: new.clone(), ..view(Trigger::Manual, JobStatus::Waiting) };
        for (jobs, answered) in [
            (vec![], &new),
            (vec![&dead, &retry], &new),
            (vec![&retry, &leased], &leased.id),
            (vec![&retry, &leased, &waiting], &waiting.id),
            (vec![&leased, &own], &new),
        ] {
            let jobs: Vec<_> = jobs.into_iter().cloned().collect();
            assert_eq!(waiting_run(&jobs, &new), *answered, "{jobs:?}");
        }
    }
}
