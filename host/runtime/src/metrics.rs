//! What operators see of the runtime. No label names a tenant or a plugin: there are too many of them.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::CallError;
use crate::gate::{Function, Outcome};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What is counted and measured.
#[derive(Clone)]
pub(crate) struct Metrics {
    calls: Family<Labels<2>, Counter>,
    durations: Family<Labels<1>, Histogram, fn() -> Histogram>,
    compilations: Histogram,
    /// Linear memory and tables of the calls in progress.
    pub(crate) memory: Gauge,
    /// Calls of host functions.
    pub(crate) gate: Arc<GateCounters>,
}

impl Metrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("runtime");
        let host_calls = Family::default();
        let metrics = Self {
            calls: Family::default(),
            // From 0.1 ms to about 7 minutes.
            durations: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0001, 4.0, 12))),
            compilations: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            memory: Gauge::default(),
            gate: Arc::new(GateCounters::of(&host_calls)),
        };
        registry.register(
            "calls",
            "Calls into plugins, by exported function and outcome",
            metrics.calls.clone(),
        );
        registry.register_with_unit(
            "call_duration",
            "Wall time of calls into plugins, queueing included",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register_with_unit(
            "compilation",
            "Time to compile a component",
            Unit::Seconds,
            metrics.compilations.clone(),
        );
        registry.register_with_unit(
            "guest_memory",
            "Linear memory and tables of the calls in progress",
            Unit::Bytes,
            metrics.memory.clone(),
        );
        registry.register(
            "host_calls",
            "Calls of plugins to the host, by interface, function and outcome",
            host_calls,
        );
        metrics
    }

    /// Counts a call.
    pub(crate) fn called<T>(&self, function: &'static str, result: &Result<T, CallError>, time: Duration) {
        self.calls.get_or_create(&[("function", function), ("outcome", outcome(result))]).inc();
        self.durations.get_or_create(&[("function", function)]).observe(time.as_secs_f64());
    }

    /// Counts a compilation.
    pub(crate) fn compiled(&self, time: Duration) {
        self.compilations.observe(time.as_secs_f64());
    }
}

/// Calls of host functions. Looked up once, because a plugin may make very many of them.
pub(crate) struct GateCounters(Vec<[Counter; Outcome::ALL.len()]>);

impl GateCounters {
    fn of(family: &Family<Labels<3>, Counter>) -> Self {
        let counter = |function: Function, outcome: Outcome| {
            family.get_or_create_owned(&[
                ("interface", function.interface()),
                ("function", function.name()),
                ("outcome", outcome.name()),
            ])
        };
        Self(
            Function::ALL
                .iter()
                .map(|function| Outcome::ALL.map(|outcome| counter(*function, outcome)))
                .collect(),
        )
    }

    /// Counts one.
    pub(crate) fn count(&self, function: Function, outcome: Outcome) {
        let counters = self.0.get(function as usize);
        if let Some(counter) = counters.and_then(|counters| counters.get(outcome as usize)) {
            counter.inc();
        }
    }
}

fn outcome<T>(result: &Result<T, CallError>) -> &'static str {
    match result {
        Ok(_) => "succeeded",
        Err(CallError::Plugin(_)) => "failed",
        Err(CallError::Limit { .. }) => "limit",
        Err(CallError::Trap { .. }) => "trap",
        Err(CallError::Diverged { .. }) => "diverged",
        Err(CallError::Stopped) => "stopped",
        Err(CallError::Host(_)) => "host",
    }
}
