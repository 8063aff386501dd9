//! One call: its slot, its store, its budgets, its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wasmtime::component::{ComponentNamedList, Lift, Lower};
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::contract::types::Error;
use crate::bounds::{HANDLES, HOST_CALL_BYTES};
use crate::exports::Export;
use crate::metrics::Metrics;
use crate::release::{Prepared, Releases};
use crate::share::{Shares, Slot};
use crate::state::{Budget, CallState, Purpose, World};
use crate::trap::{OutOfCpu, explain};
use crate::{Call, CallError, Limit, Returned, RuntimeError, Sink, translate};

/// How long a plugin that is asked to stop may take to come to an end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Runs calls.
pub(crate) struct Invoker {
    pub(crate) releases: Releases,
    pub(crate) world: World,
    pub(crate) shares: Arc<Shares>,
    pub(crate) metrics: Metrics,
    pub(crate) max_memory: u64,
}

/// A function to be called, for whom, and within what.
pub(crate) struct Invocation<P> {
    pub(crate) call: Arc<Call>,
    pub(crate) purpose: Purpose,
    pub(crate) budget: Budget,
    pub(crate) sink: Option<Arc<dyn Sink>>,
    pub(crate) export: Export,
    pub(crate) parameters: P,
}

impl Invoker {
    /// Calls a function within the tenant's limits.
    pub(crate) async fn run<P, R>(
        &self,
        export: Export,
        parameters: P,
        call: Call,
        sink: Option<Arc<dyn Sink>>,
    ) -> Result<Returned<R>, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
    {
        let started = Instant::now();
        let budget = Budget {
            cpu: Duration::from_millis(call.limits.call_cpu_ms.into()),
            wall: Duration::from_millis(call.limits.call_wall_ms.into()),
            memory: self.max_memory.min(call.limits.call_memory_bytes.into()),
        };
        // Below the level that is written by default: a span takes a tenth of the time of a small call, and the job or
        // the request that the call belongs to has one with the same names.
        let span = tracing::debug_span!(
            "call",
            tenant = %call.tenant,
            instance = %call.instance,
            plugin = %call.plugin,
            function = export.name(),
        );
        let call = Arc::new(call);
        let tape = &call.tape;
        tape.begin(&call.release, export.name())?;
        let prepare = self.releases.get(&call.tenant, &call.release);
        let invocation =
            Invocation { call: Arc::clone(&call), purpose: Purpose::Work, budget, sink, export, parameters };
        // Pinned where it is: the future of a call is large, and wrapping it would move it.
        let bounded = pin!(self.bounded(prepare, invocation));
        let result = match bounded.instrument(span).await {
            result @ (Ok(_) | Err(CallError::Plugin(_))) => tape.end().map_err(CallError::from).and(result),
            result => result,
        };
        self.metrics.called(export, &result, started.elapsed());
        result
    }

    /// Calls a function of a component that `prepare` answers.
    pub(crate) async fn bounded<P, R>(
        &self,
        prepare: impl Future<Output = Result<Arc<Prepared>, RuntimeError>>,
        invocation: Invocation<P>,
    ) -> Result<Returned<R>, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
    {
        let running = AtomicBool::new(false);
        let call = Arc::clone(&invocation.call);
        let cancelled = &call.cancelled;
        let wall = invocation.budget.wall;
        let within = pin!(async {
            let prepared = prepare.await?;
            let slot = self.shares.acquire(&call.tenant).await;
            running.store(true, Ordering::Relaxed);
            self.invoke(&prepared, &slot, invocation).await
        });
        let result = tokio::select! {
            biased;
            () = stopped(cancelled, &running) => return Err(CallError::Stopped),
            result = tokio::time::timeout(wall, within) => result,
        };
        match result {
            Ok(Err(CallError::Plugin(_))) if cancelled.is_cancelled() => Err(CallError::Stopped),
            Ok(result) => result,
            Err(_) if running.load(Ordering::Relaxed) => Err(CallError::Limit { limit: Limit::Wall(wall) }),
            Err(_) => {
                let why = self.shares.explain(&call.tenant);
                Err(RuntimeError::Busy(format!("the call waited {} ms: {why}", wall.as_millis())).into())
            }
        }
    }

    /// Makes an instance and has it do its one call.
    async fn invoke<P, R>(
        &self,
        prepared: &Prepared,
        slot: &Slot,
        invocation: Invocation<P>,
    ) -> Result<Returned<R>, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
    {
        let Invocation { call, purpose, budget, sink, export, parameters } = invocation;
        let mut store = self.store(CallState::bind(&self.world, &call, purpose, &budget, &slot.memory, sink));
        let meter = Arc::clone(&store.data().meter);
        let answer = {
            let work = pin!(async {
                let instance = prepared.pre.instantiate_async(&mut store).await?;
                if purpose == Purpose::Manifest {
                    // The types of the kind's functions are looked at too, while there is an instance.
                    prepared.connector.load(&mut store, &instance)?;
                }
                let missing = || wasmtime::Error::msg(format!("it has no function `{}`", export.name()));
                let function = prepared.exports.get(export).ok_or_else(missing)?;
                let function = instance.get_typed_func::<P, (Result<R, Error>,)>(&mut store, function)?;
                function.call_async(&mut store, parameters).await
            });
            meter.count(work).await
        };
        match answer {
            Ok((Ok(value),)) => {
                let state = store.data_mut();
                state.wasi.close();
                Ok(Returned { value, storage: state.storage.writes() })
            }
            Ok((Err(error),)) => {
                store.data_mut().wasi.close();
                Err(translate::error_in(error).into())
            }
            Err(error) => Err(explain(&error, store.data_mut(), &budget)),
        }
    }

    fn store(&self, state: CallState) -> Store<CallState> {
        let mut store = Store::new(self.releases.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            let CallState { meter, cpu, .. } = context.data();
            if meter.spent() > *cpu {
                return Err(OutOfCpu(*cpu).into());
            }
            // Whoever waits for the call to be cancelled or to run out of time gets its turn.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Waits until the call is to stop: at once when no plugin runs yet, else with time to come to an end by itself.
async fn stopped(cancelled: &CancellationToken, running: &AtomicBool) {
    cancelled.cancelled().await;
    if running.load(Ordering::Relaxed) {
        tokio::time::sleep(GRACE).await;
    }
}
