//! What the actions of one run share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mortise_model::clock::{Clock, Timestamp};
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, RunId, TenantId};
use mortise_model::instance::{Instance, RecordingMode, SyncAction};
use mortise_model::run::{ActionReport, Counts, Run};
use mortise_records::Records;
use mortise_runtime::{Call, CallError, CallMode, LogWriter, Recorder, Tape};
use mortise_scheduler::JobContext;
use mortise_store::{Conflict, Origin, Store, Version, Write};
use tokio_util::sync::CancellationToken;

use crate::IntegrationConfig;
use crate::recordings::MOST_RECORDED;
use crate::sync::book::{CommitError, RunBook};
use crate::sync::calls::{Bound, Connectors};
use crate::sync::log::RunLog;
use crate::sync::stop::Stop;

/// Most records that may fail in one run. More of them are no matter of single records.
pub(crate) const MOST_FAILED: u32 = 10_000;
/// Most failed items of an instance that are tried again or dead.
pub(crate) const MOST_OPEN: u64 = 100_000;
/// Most records of one run over which the plugin may break. More of them are no matter of single records.
const MOST_BROKEN: u32 = 5;
/// How often a batch is made anew because something changed meanwhile.
pub(crate) const MOST_PLANS: u32 = 5;

/// What the actions of one run share.
pub(crate) struct Scope {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) records: Records,
    pub(crate) config: Arc<IntegrationConfig>,
    pub(crate) connectors: Arc<dyn Connectors>,
    pub(crate) instance: Instance,
    pub(crate) bound: Bound,
    pub(crate) book: Arc<RunBook>,
    pub(crate) run: RunId,
    /// The attempt at the job.
    pub(crate) attempt: u32,
    /// The same for every attempt at the job.
    pub(crate) work: String,
    pub(crate) context: JobContext,
    /// Stops the calls: the host shuts down, the lease is lost, or a person cancels.
    pub(crate) cancelled: CancellationToken,
    pub(crate) items: ItemCount,
}

/// What is known of the instance's failed items without looking.
#[derive(Debug, Default)]
pub(crate) struct ItemCount {
    any_open: AtomicBool,
    failed: AtomicU32,
    broken: AtomicU32,
}

impl ItemCount {
    /// So many items are open as the run begins.
    pub(crate) fn new(open: u64) -> Self {
        Self { any_open: AtomicBool::new(open > 0), ..Self::default() }
    }

    /// Whether a record that arrives may have a failed item. False is certain.
    pub(crate) fn may_be_open(&self) -> bool {
        self.any_open.load(Ordering::SeqCst)
    }

    /// Notes that the plugin broke over one record, sent alone.
    pub(crate) fn add_broken(&self, error: &PluginError) -> Result<(), Stop> {
        let broken = self.broken.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        if broken > MOST_BROKEN { Err(Stop::Failed(error.clone())) } else { Ok(()) }
    }

    /// Notes that so many records failed.
    pub(crate) fn add_failed(&self, failed: u32) -> Result<(), Stop> {
        if failed == 0 {
            return Ok(());
        }
        self.any_open.store(true, Ordering::SeqCst);
        let all = self.failed.fetch_add(failed, Ordering::SeqCst).saturating_add(failed);
        if all > MOST_FAILED {
            let message = format!(
                "more than {MOST_FAILED} records failed in one run: look at the failed items before more are made"
            );
            return Err(Stop::failed("too-many-failures", message));
        }
        Ok(())
    }
}

impl Scope {
    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantId {
        self.book.tenant()
    }

    /// The log.
    pub(crate) fn log(&self) -> &RunLog {
        self.book.log()
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who causes what the run writes.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Instance(self.instance.id.clone())
    }

    /// A call. `part` tells the calls of one run apart.
    pub(crate) fn call(&self, part: &str) -> Call {
        let log: Arc<dyn LogWriter> = Arc::<RunLog>::clone(self.book.log());
        Call {
            tenant: self.tenant().clone(),
            plugin: self.instance.plugin.clone(),
            release: self.bound.release,
            instance: self.instance.id.clone(),
            run: self.run.clone(),
            attempt: self.attempt,
            idempotency_key: key_of(&[&self.work, part]),
            mode: CallMode::Live,
            permissions: Arc::clone(&self.bound.permissions),
            limits: self.bound.limits,
            settings: Arc::clone(&self.bound.settings),
            credentials: Arc::clone(&self.bound.credentials),
            secrets: Arc::clone(&self.bound.secrets),
            log,
            // The runtime fires it when a budget is used up, too: that stops the call and not the run.
            cancelled: self.cancelled.child_token(),
            tape: match self.instance.recording {
                RecordingMode::Off => Tape::Off,
                RecordingMode::On => Tape::Record(Recorder::new(MOST_RECORDED)),
            },
        }
    }

    /// What a call that failed means for the run. A call that failed because it was stopped is not to blame.
    pub(crate) fn stop_of(&self, error: CallError) -> Stop {
        self.stopped().unwrap_or_else(|| Stop::of_call(error))
    }

    /// Why the run is to stop, if it is.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        if self.context.is_lease_lost() {
            Some(Stop::LeaseLost)
        } else if self.context.stop().is_cancelled() {
            Some(Stop::Released)
        } else if self.cancelled.is_cancelled() {
            Some(Stop::Cancelled)
        } else {
            None
        }
    }

    /// Writes a batch and adds to the report of an action.
    pub(crate) async fn commit(
        &self,
        action: SyncAction,
        writes: Vec<Write>,
        update: impl FnOnce(&mut ActionReport) + Send,
    ) -> Result<Version, CommitError> {
        self.book.commit(self.origin(), writes, |run| update(report_of(run, action))).await
    }

    /// What a batch that could not be written because of `conflict` means after the last plan.
    pub(crate) fn too_many_conflicts(conflict: &Conflict) -> Stop {
        Stop::later(format!(
            "what the batch was made of changed {MOST_PLANS} times while it was made: {conflict}"
        ))
    }
}

/// The report of an action, made where there is none.
pub(crate) fn report_of(run: &mut Run, action: SyncAction) -> &mut ActionReport {
    let place = run.actions.iter().position(|report| report.action == action).unwrap_or_else(|| {
        run.actions.push(empty_report(action));
        run.actions.len() - 1
    });
    &mut run.actions[place]
}

/// The report of an action that did nothing yet.
pub(crate) fn empty_report(action: SyncAction) -> ActionReport {
    ActionReport { action, counts: Counts::default(), reported_total: None, reconciled: None }
}

/// Adds up two counts.
pub(crate) fn add(left: Counts, right: Counts) -> Counts {
    Counts {
        pages: left.pages.saturating_add(right.pages),
        records: left.records.saturating_add(right.records),
        created: left.created.saturating_add(right.created),
        updated: left.updated.saturating_add(right.updated),
        unchanged: left.unchanged.saturating_add(right.unchanged),
        deleted: left.deleted.saturating_add(right.deleted),
        skipped: left.skipped.saturating_add(right.skipped),
        failed: left.failed.saturating_add(right.failed),
    }
}

/// A key that is the same for the same parts and for no others: 64 hexadecimal digits.
pub(crate) fn key_of(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Digest::of(&bytes).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_wherever_a_part_ends_elsewhere() {
        assert_eq!(key_of(&["ab", "c"]), key_of(&["ab", "c"]));
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
    }

    #[test]
    fn a_run_in_which_too_many_records_fail_is_stopped() {
        let items = ItemCount::new(0);
        assert!(!items.may_be_open());
        assert_eq!(items.add_failed(MOST_FAILED), Ok(()));
        assert!(items.may_be_open());
        assert!(matches!(items.add_failed(1), Err(Stop::Failed(_))));
    }
}
