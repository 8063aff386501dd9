//! What the store of one call holds: its budgets, its gate, and its capabilities.

use std::sync::Arc;
use std::time::Duration;

use mortise_egress::Egress;
use mortise_model::clock::Clock;
use mortise_store::Store;
use wasmtime::component::ResourceTable;

use crate::Call;
use crate::bounds::HANDLES;
use crate::capability::context::{self, Context};
use crate::capability::http::{self, Http};
use crate::capability::log::{self, Lines};
use crate::capability::secrets::{self, Secrets};
use crate::capability::settings::{self, Settings};
use crate::capability::sink::{self, Sink};
use crate::capability::storage::{self, Storage};
use crate::capability::wasi::{self, Wasi};
use crate::capability::wasi_http::{self, WasiHttp};
use crate::cpu::CpuMeter;
use crate::gate::Gate;
use crate::memory::{HostMemory, MemoryBudget, TenantMemory};
use crate::metrics::GateCounters;

/// What the capabilities of every call reach the world through.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) egress: Egress,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: Arc<HostMemory>,
    pub(crate) counters: Arc<GateCounters>,
}

/// Why a plugin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It works for a tenant.
    Work,
    /// It is asked what it is, by nobody in particular.
    Manifest,
}

/// What one call may use, in the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) memory: u64,
}

/// What the store of one call holds.
pub(crate) struct CallState {
    pub(crate) meter: Arc<CpuMeter>,
    pub(crate) cpu: Duration,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryBudget,
    pub(crate) gate: Gate,
    pub(crate) lines: Arc<Lines>,
    pub(crate) context: Context,
    pub(crate) http: Http,
    pub(crate) secrets: Secrets,
    pub(crate) settings: Settings,
    pub(crate) sink: Sink,
    pub(crate) storage: Storage,
    pub(crate) wasi: Wasi,
    pub(crate) wasi_http: WasiHttp,
}

impl CallState {
    pub(crate) fn bind(
        world: &World,
        call: &Arc<Call>,
        purpose: Purpose,
        budget: &Budget,
        tenant: &Arc<TenantMemory>,
        keeper: Option<Arc<dyn crate::Sink>>,
    ) -> Self {
        let lines = log::bind(call, &world.clock);
        let meter = Arc::new(CpuMeter::new());
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            meter,
            cpu: budget.cpu,
            table,
            memory: MemoryBudget::new(budget.memory, Arc::clone(tenant), Arc::clone(&world.memory)),
            gate: Gate::new(
                Arc::clone(&call.permissions),
                Arc::clone(&world.counters),
                Arc::clone(&lines),
                call.tape.clone(),
            ),
            context: context::bind(call, purpose, &world.clock, budget.wall),
            http: http::bind(call, &world.egress),
            secrets: secrets::bind(call),
            settings: settings::bind(call),
            sink: sink::bind(keeper),
            storage: storage::bind(call, &world.store, &world.clock),
            wasi: wasi::bind(&lines, &call.tape),
            wasi_http: wasi_http::bind(&lines, &world.counters),
            lines,
        }
    }
}
