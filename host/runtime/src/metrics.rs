//! What operators see of the runtime. No label names a tenant or a plugin: there are too many of them.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::CallError;
use crate::exports::Export;
use crate::gate::{Function, Outcome};

/// The shortest time of a call that is told apart, in seconds. Fourteen steps of four lead to 18 minutes.
const SHORTEST: f64 = 0.000_016;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What is counted and measured.
#[derive(Clone)]
pub(crate) struct Metrics {
    calls: Arc<CallCounters>,
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
        let calls = Family::default();
        let durations: Family<Labels<1>, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(SHORTEST, 4.0, 14)));
        let host_calls = Family::default();
        let metrics = Self {
            calls: Arc::new(CallCounters::of(&calls, &durations)),
            compilations: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            memory: Gauge::default(),
            gate: Arc::new(GateCounters::of(&host_calls)),
        };
        registry.register("calls", "Calls into plugins, by exported function and outcome", calls);
        registry.register_with_unit(
            "call_duration",
            "Wall time of calls into plugins, queueing included",
            Unit::Seconds,
            durations,
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
    pub(crate) fn called<T>(&self, export: Export, result: &Result<T, CallError>, time: Duration) {
        if let Some((ends, durations)) = self.calls.0.get(export as usize) {
            if let Some(counter) = ends.get(End::of(result) as usize) {
                counter.inc();
            }
            durations.observe(time.as_secs_f64());
        }
    }

    /// Counts a compilation.
    pub(crate) fn compiled(&self, time: Duration) {
        self.compilations.observe(time.as_secs_f64());
    }
}

/// How a call into a plugin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    Limit,
    Trap,
    Diverged,
    Stopped,
    Host,
}

impl End {
    /// Every end, in the order of their numbers.
    const ALL: [Self; 7] =
        [Self::Succeeded, Self::Failed, Self::Limit, Self::Trap, Self::Diverged, Self::Stopped, Self::Host];

    fn of<T>(result: &Result<T, CallError>) -> Self {
        match result {
            Ok(_) => Self::Succeeded,
            Err(CallError::Plugin(_)) => Self::Failed,
            Err(CallError::Limit { .. }) => Self::Limit,
            Err(CallError::Trap { .. }) => Self::Trap,
            Err(CallError::Diverged { .. }) => Self::Diverged,
            Err(CallError::Stopped) => Self::Stopped,
            Err(CallError::Host(_)) => Self::Host,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Limit => "limit",
            Self::Trap => "trap",
            Self::Diverged => "diverged",
            Self::Stopped => "stopped",
            Self::Host => "host",
        }
    }
}

/// Calls into plugins. Looked up once, because a call is short.
struct CallCounters([([Counter; End::ALL.len()], Histogram); Export::ALL.len()]);

impl CallCounters {
    fn of(
        calls: &Family<Labels<2>, Counter>,
        durations: &Family<Labels<1>, Histogram, fn() -> Histogram>,
    ) -> Self {
        Self(Export::ALL.map(|export| {
            let function = ("function", export.name());
            let ends = End::ALL.map(|end| calls.get_or_create_owned(&[function, ("outcome", end.name())]));
            (ends, durations.get_or_create_owned(&[function]))
        }))
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
