//! What operators see of runs.

use std::time::Duration;

use mortise_model::instance::Direction;
use mortise_model::run::{ActionReport, Run, RunStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Counts of runs and records.
#[derive(Clone)]
pub(crate) struct SyncMetrics {
    runs: Family<RunLabels, Counter>,
    records: Family<RecordLabels, Counter>,
    duration: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecordLabels {
    direction: &'static str,
    outcome: &'static str,
}

impl SyncMetrics {
    /// Registers the metrics.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        // From 50 ms to about an hour and a half.
        let duration = Histogram::new(exponential_buckets(0.05, 3.2, 11));
        let metrics = Self { runs: Family::default(), records: Family::default(), duration };
        registry.register("mortise_runs", "Runs that ended", metrics.runs.clone());
        registry.register("mortise_records", "Records that runs pulled and pushed", metrics.records.clone());
        registry.register_with_unit(
            "mortise_run_duration",
            "Time from the beginning of a run to its end",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        metrics
    }

    /// Counts a run that ended.
    pub(crate) fn ended(&self, run: &Run, duration: Duration) {
        self.runs.get_or_create(&RunLabels { status: status_name(run.status) }).inc();
        self.duration.observe(duration.as_secs_f64());
        for report in &run.actions {
            self.count_records(report);
        }
    }

    fn count_records(&self, report: &ActionReport) {
        let direction = match report.action.direction {
            Direction::Pull => "pull",
            Direction::Push => "push",
        };
        let counts = report.counts;
        for (outcome, count) in [
            ("created", counts.created),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("deleted", counts.deleted),
            ("skipped", counts.skipped),
            ("failed", counts.failed),
        ] {
            if count > 0 {
                self.records.get_or_create(&RecordLabels { direction, outcome }).inc_by(u64::from(count));
            }
        }
    }
}

/// The status as text, the same as in its JSON form.
pub(crate) fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Unreconciled => "unreconciled",
        RunStatus::Partial => "partial",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
    }
}
