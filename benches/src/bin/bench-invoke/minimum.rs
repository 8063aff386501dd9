//! The least that wasmtime needs: a pooled engine, copy-on-write memory, a pre-linked component, and for each call a
//! fresh store, an instance, the call, the end of both.

use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline,
};

use self::contract::exports::mortise::plugin::connector::{
    Operation, Outcome as Pushed, PushItem, PushResult,
};
use self::contract::mortise::plugin::types::{Error, NameValue};
use self::contract::mortise::plugin::{log, settings};
use crate::{Outcome, job};

#[allow(clippy::all, clippy::pedantic, reason = "the code is generated")]
mod contract {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "mortise:plugin/connector-plugin",
        imports: { default: trappable },
    });
}

/// What the host keeps of a slot.
const KEEP_RESIDENT: usize = 256 << 10;

/// How the guest runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// On the caller's stack, to its end, however long that takes.
    Plain,
    /// On a stack of its own and with a check of the epoch in every loop, so that it can be stopped and can wait.
    Interruptible,
}

/// What the guest's host functions work on.
#[derive(Default)]
struct State {
    lines: Vec<(log::Level, String, Vec<NameValue>)>,
}

/// A component that is ready to be called.
pub(crate) struct Minimum {
    manner: Manner,
    engine: Engine,
    ready: InstancePre<State>,
    push: ComponentExportIndex,
}

type Parameters<'a> = (&'a str, &'a [PushItem]);
type Results = (Result<Vec<PushResult>, Error>,);

impl Minimum {
    /// Compiles and links the component.
    pub(crate) fn new(component: &[u8], slots: u32, manner: Manner) -> Outcome<Self> {
        let engine = Engine::new(&config(slots, manner))?;
        let component = Component::from_binary(&engine, component)?;
        let mut linker: Linker<State> = Linker::new(&engine);
        log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        settings::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        linker.define_unknown_imports_as_traps(&component)?;
        let (_, connector) =
            component.get_export(None, "mortise:plugin/connector@0.1.0").ok_or("no connector is exported")?;
        let (_, push) = component.get_export(Some(&connector), "push").ok_or("no `push` is exported")?;
        Ok(Self { manner, ready: linker.instantiate_pre(&component)?, engine, push })
    }

    /// One call.
    pub(crate) async fn call(&self) -> Outcome<()> {
        match self.manner {
            Manner::Plain => self.call_plainly(),
            Manner::Interruptible => self.call_interruptibly().await,
        }
    }

    fn call_plainly(&self) -> Outcome<()> {
        let mut store = Store::new(&self.engine, State::default());
        let instance = self.ready.instantiate(&mut store)?;
        let push = instance.get_typed_func::<Parameters<'_>, Results>(&mut store, self.push)?;
        let results = push.call(&mut store, ("invoice", &[item()]))?;
        check(results, store.data())
    }

    async fn call_interruptibly(&self) -> Outcome<()> {
        let mut store = Store::new(&self.engine, State::default());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        let instance = self.ready.instantiate_async(&mut store).await?;
        let push = instance.get_typed_func::<Parameters<'_>, Results>(&mut store, self.push)?;
        let results = push.call_async(&mut store, ("invoice", &[item()])).await?;
        check(results, store.data())
    }
}

/// The pool is as large as the host's and clears its slots in the same way, which is the fastest there is. The rest is
/// wasmtime's own choice, and the epoch is looked at only where the manner says so.
fn config(slots: u32, manner: Manner) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        .total_core_instances(slots.saturating_mul(4))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(4))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .epoch_interruption(manner == Manner::Interruptible)
        .memory_init_cow(true)
        .concurrency_support(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

fn item() -> PushItem {
    PushItem {
        idempotency_key: "bench-1".to_owned(),
        attempt: 1,
        operation: Operation::Create,
        id: "417".to_owned(),
        external_id: None,
        data: job::INVOICE.to_owned(),
    }
}

fn check((results,): Results, state: &State) -> Outcome<()> {
    let results = results.map_err(|error| format!("the guest refused: {error}"))?;
    match results.as_slice() {
        [PushResult { outcome: Pushed::Stored(stored), .. }]
            if stored.note == job::NOTE && state.lines.len() == 1 =>
        {
            Ok(())
        }
        other => Err(format!("the guest answered {other:?}").into()),
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<NameValue>) -> wasmtime::Result<()> {
        self.lines.push((level, message, fields));
        Ok(())
    }
}

impl settings::Host for State {
    fn get(&mut self, _: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(job::SETTINGS.to_owned())
    }
}
