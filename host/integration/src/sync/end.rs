//! How a run ends: its status, what becomes of its job, and when failed items are tried again.

use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::error::PluginError;
use mortise_model::run::{Run, RunStatus};
use mortise_scheduler::backoff::Backoff;
use mortise_store::{Lease, Write};

use crate::sync::stop::Stop;

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// The status.
    pub(crate) status: RunStatus,
    /// Why it failed.
    pub(crate) error: Option<PluginError>,
    /// When the job is tried again, if it is.
    pub(crate) next_attempt_at: Option<Timestamp>,
    /// What becomes of the job.
    job: JobFate,
}

/// What becomes of a run's job.
#[derive(Debug, Clone, PartialEq, Eq)]
enum JobFate {
    Done,
    Again { due: Timestamp, reason: String },
    Released,
}

impl End {
    /// How a run ends that was stopped by `stop`, or by nothing, at attempt number `attempt` of its job.
    pub(crate) fn of(
        run: &Run,
        stop: Option<&Stop>,
        attempt: u32,
        now: Timestamp,
        backoff: &Backoff,
    ) -> Self {
        let done = |status, error| Self { status, error, next_attempt_at: None, job: JobFate::Done };
        match stop {
            None => done(status_of(run), None),
            Some(Stop::Cancelled) => done(RunStatus::Cancelled, None),
            Some(Stop::Failed(error) | Stop::Unauthorized(error)) => {
                done(RunStatus::Failed, Some(error.clone()))
            }
            Some(Stop::Later { after, error }) => match backoff.delay(attempt) {
                None => done(RunStatus::Failed, Some(error.clone())),
                Some(delay) => {
                    let due = now.plus(delay.max(after.unwrap_or(Duration::ZERO)));
                    Self {
                        status: RunStatus::Failed,
                        error: Some(error.clone()),
                        next_attempt_at: Some(due),
                        job: JobFate::Again { due, reason: error.to_string() },
                    }
                }
            },
            Some(stop @ (Stop::Released | Stop::LeaseLost)) => Self {
                status: RunStatus::Failed,
                error: Some(stop.to_plugin()),
                next_attempt_at: Some(now),
                job: JobFate::Released,
            },
        }
    }

    /// The write that ends the job, or has it tried again.
    pub(crate) fn job_write(&self, lease: &Lease) -> Write {
        let lease = lease.clone();
        match &self.job {
            JobFate::Done => Write::Complete(lease),
            JobFate::Again { due, reason } => Write::Retry { lease, due: *due, reason: reason.clone() },
            JobFate::Released => Write::Release(lease),
        }
    }

    /// Before when no job for failed items is due after a run that was stopped by `stop`. None wants no such job: the
    /// run's own job sees to them, or nothing can.
    pub(crate) fn items_not_before(
        &self,
        stop: Option<&Stop>,
        now: Timestamp,
        backoff: &Backoff,
    ) -> Option<Timestamp> {
        match (stop, &self.job) {
            (_, JobFate::Again { .. } | JobFate::Released) | (Some(Stop::Unauthorized(_)), _) => None,
            (None, _) => Some(now),
            (Some(_), _) => Some(now.plus(backoff.longest)),
        }
    }
}

/// The status of a run whose actions all ended.
fn status_of(run: &Run) -> RunStatus {
    if run.actions.iter().any(|report| report.counts.failed > 0) {
        RunStatus::Partial
    } else if run.actions.iter().any(|report| report.reconciled == Some(false)) {
        RunStatus::Unreconciled
    } else {
        RunStatus::Succeeded
    }
}

#[cfg(test)]
mod tests {
    use mortise_model::entity::EntityKind;
    use mortise_model::id::{Digest, InstanceId, JobId, RunId};
    use mortise_model::instance::{Direction, SyncAction};
    use mortise_model::run::{ActionReport, Counts, Trigger};

    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(4), factor: 2.0, longest: Duration::from_mins(10), attempts: 3 };

    fn run(reports: &[(u32, Option<bool>)]) -> Run {
        let action = SyncAction { entity: EntityKind::Account, direction: Direction::Pull };
        let report = |(failed, reconciled): &(u32, Option<bool>)| ActionReport {
            action,
            counts: Counts { failed: *failed, ..Counts::default() },
            reported_total: None,
            reconciled: *reconciled,
        };
        Run {
            id: RunId::new(),
            instance: InstanceId::new(),
            release: Digest::of(b""),
            job: JobId::new(),
            attempt: 1,
            trigger: Trigger::Manual,
            status: RunStatus::Running,
            actions: reports.iter().map(report).collect(),
            error: None,
            started_at: now(),
            ended_at: None,
            next_attempt_at: None,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn lease() -> Lease {
        Lease { job: JobId::new(), token: 1 }
    }

    #[test]
    fn a_run_is_green_only_when_everything_agreed_and_nothing_failed() {
        let status =
            |reports: &[(u32, Option<bool>)]| End::of(&run(reports), None, 1, now(), &BACKOFF).status;
        assert_eq!(status(&[(0, Some(true)), (0, None)]), RunStatus::Succeeded);
        assert_eq!(status(&[(0, Some(true)), (0, Some(false))]), RunStatus::Unreconciled);
        assert_eq!(status(&[(1, Some(true)), (0, Some(false))]), RunStatus::Partial);
    }

    #[test]
    fn a_failure_that_may_pass_is_tried_again_until_the_attempts_are_used_up() {
        let error = PluginError::retryable("busy");
        let stop = Stop::Later { after: Some(Duration::from_mins(1)), error };
        let first = End::of(&run(&[]), Some(&stop), 1, now(), &BACKOFF);
        assert_eq!(first.next_attempt_at, Some(now().plus(Duration::from_mins(1))));
        assert!(matches!(first.job_write(&lease()), Write::Retry { .. }));
        let last = End::of(&run(&[]), Some(&stop), 3, now(), &BACKOFF);
        assert_eq!((last.status, last.next_attempt_at), (RunStatus::Failed, None));
        assert!(matches!(last.job_write(&lease()), Write::Complete(_)));
    }

    #[test]
    fn a_definite_failure_and_a_cancellation_end_the_job() {
        for (stop, status) in
            [(Stop::failed("x", "x"), RunStatus::Failed), (Stop::Cancelled, RunStatus::Cancelled)]
        {
            let end = End::of(&run(&[(0, Some(true))]), Some(&stop), 1, now(), &BACKOFF);
            assert_eq!(end.status, status);
            assert!(matches!(end.job_write(&lease()), Write::Complete(_)));
        }
    }

    #[test]
    fn a_host_that_shuts_down_gives_the_job_back_at_once() {
        let end = End::of(&run(&[]), Some(&Stop::Released), 1, now(), &BACKOFF);
        assert!(matches!(end.job_write(&lease()), Write::Release(_)));
        assert_eq!(end.next_attempt_at, Some(now()));
    }

    #[test]
    fn items_of_a_failed_run_do_not_start_the_next_failure_at_once() {
        let failed = Stop::failed("x", "x");
        let end = End::of(&run(&[]), Some(&failed), 1, now(), &BACKOFF);
        assert_eq!(end.items_not_before(Some(&failed), now(), &BACKOFF), Some(now().plus(BACKOFF.longest)));
        let well = End::of(&run(&[]), None, 1, now(), &BACKOFF);
        assert_eq!(well.items_not_before(None, now(), &BACKOFF), Some(now()));
        let later = Stop::later("busy");
        let again = End::of(&run(&[]), Some(&later), 1, now(), &BACKOFF);
        assert_eq!(again.items_not_before(Some(&later), now(), &BACKOFF), None);
    }
}
