//! One call: its slot, its store, its budgets, its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wasmtime::component::Instance;
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::contract::types::Error;
use crate::bounds::{HANDLES, HOST_CALL_BYTES};
use crate::cpu::CpuMeter;
use crate::metrics::Metrics;
use crate::release::{Prepared, Releases};
use crate::state::{Budget, CallState, Purpose, World};
use crate::trap::{OutOfCpu, explain};
use crate::{Call, CallError, Limit, Returned, RuntimeError, Sink, translate};

/// How long a plugin that is asked to stop may take to come to an end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// What calls a guest's function.
pub(crate) type Work<T> =
    Box<dyn for<'a> FnOnce(&'a mut Opened) -> BoxFuture<'a, wasmtime::Result<Result<T, Error>>> + Send>;

/// An instance that is ready for its one call.
pub(crate) struct Opened {
    pub(crate) store: Store<CallState>,
    pub(crate) instance: Instance,
    pub(crate) prepared: Arc<Prepared>,
}

/// Runs calls.
pub(crate) struct Invoker {
    pub(crate) releases: Releases,
    pub(crate) world: World,
    pub(crate) slots: Semaphore,
    pub(crate) metrics: Metrics,
    pub(crate) max_memory: u64,
}

impl Invoker {
    /// Runs a call within the tenant's limits.
    pub(crate) async fn run<T>(
        &self,
        function: &'static str,
        call: Call,
        sink: Option<Arc<dyn Sink>>,
        work: Work<T>,
    ) -> Result<Returned<T>, CallError> {
        let budget = Budget {
            cpu: Duration::from_millis(call.limits.call_cpu_ms.into()),
            wall: Duration::from_millis(call.limits.call_wall_ms.into()),
            memory: self.max_memory.min(call.limits.call_memory_bytes.into()),
        };
        let span = tracing::info_span!(
            "call",
            tenant = %call.tenant,
            instance = %call.instance,
            plugin = %call.plugin,
            function,
        );
        let started = Instant::now();
        let (tenant, release) = (call.tenant.clone(), call.release);
        let tape = call.tape.clone();
        tape.begin(&release, function)?;
        let prepare = async { self.releases.get(&tenant, &release).await };
        let result = self.bounded(prepare, call, Purpose::Work, budget, sink, work).instrument(span).await;
        let result = match result {
            Ok(_) | Err(CallError::Plugin(_)) => tape.end().map_err(CallError::from).and(result),
            Err(_) => result,
        };
        self.metrics.called(function, &result, started.elapsed());
        result
    }

    /// Runs a call of a component that `prepare` answers.
    pub(crate) async fn bounded<T>(
        &self,
        prepare: impl Future<Output = Result<Arc<Prepared>, RuntimeError>>,
        call: Call,
        purpose: Purpose,
        budget: Budget,
        sink: Option<Arc<dyn Sink>>,
        work: Work<T>,
    ) -> Result<Returned<T>, CallError> {
        let running = AtomicBool::new(false);
        let cancelled = call.cancelled.clone();
        let within = async {
            let prepared = prepare.await?;
            let busy = || RuntimeError::Busy("the host stops".to_owned());
            let _slot = self.slots.acquire().await.map_err(|_| busy())?;
            running.store(true, Ordering::Relaxed);
            self.instantiate(prepared, &call, purpose, budget, sink, work).await
        };
        let result = tokio::select! {
            biased;
            () = stopped(&cancelled, &running) => return Err(CallError::Stopped),
            result = tokio::time::timeout(budget.wall, within) => result,
        };
        match result {
            Ok(Err(CallError::Plugin(_))) if cancelled.is_cancelled() => Err(CallError::Stopped),
            Ok(result) => result,
            Err(_) if running.load(Ordering::Relaxed) => {
                Err(CallError::Limit { limit: Limit::Wall(budget.wall) })
            }
            Err(_) => Err(RuntimeError::Busy(format!(
                "no slot for plugins was free within the call's {} ms",
                budget.wall.as_millis()
            ))
            .into()),
        }
    }

    async fn instantiate<T>(
        &self,
        prepared: Arc<Prepared>,
        call: &Call,
        purpose: Purpose,
        budget: Budget,
        sink: Option<Arc<dyn Sink>>,
        work: Work<T>,
    ) -> Result<Returned<T>, CallError> {
        let meter = Arc::new(CpuMeter::default());
        let state = CallState::bind(&self.world, call, purpose, &budget, sink);
        let mut store = self.store(state, budget.cpu, &meter);
        let opening = async { prepared.pre.instantiate_async(&mut store).await };
        let instance = match meter.count(opening).await {
            Ok(instance) => instance,
            Err(error) => return Err(explain(&error, store.data_mut(), &budget)),
        };
        let mut opened = Opened { store, instance, prepared };
        let answer = meter.count(work(&mut opened)).await;
        let mut state = match answer {
            Ok(Ok(value)) => {
                let mut state = opened.store.into_data();
                state.wasi.close();
                return Ok(Returned { value, storage: state.storage.writes() });
            }
            Ok(Err(error)) => {
                opened.store.data_mut().wasi.close();
                return Err(translate::error_in(error).into());
            }
            Err(error) => (error, opened.store),
        };
        Err(explain(&state.0, state.1.data_mut(), &budget))
    }

    fn store(&self, state: CallState, cpu: Duration, meter: &Arc<CpuMeter>) -> Store<CallState> {
        let mut store = Store::new(self.releases.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        let meter = Arc::clone(meter);
        store.epoch_deadline_callback(move |_| {
            if meter.spent() > cpu {
                return Err(OutOfCpu(cpu).into());
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
