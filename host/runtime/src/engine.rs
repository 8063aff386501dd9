//! The engine: what components may be made of, how many of everything there are, and the ticks that interrupt them.

use std::thread;
use std::time::Duration;

use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails,
};

use crate::{RuntimeConfig, RuntimeError};

/// Memories of one component. JavaScript components take three.
pub(crate) const MAX_MEMORIES: u32 = 4;
/// Tables of one component.
pub(crate) const MAX_TABLES: u32 = 16;
/// Elements of one table. JavaScript components take up to 7,710, a C# module in debug mode over 10,000.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Core instances of one component: its modules, adapters and shims.
pub(crate) const MAX_CORE_INSTANCES: u32 = 64;

/// Book-keeping of one instance: it grows with the number of functions and globals, not with the guest's memory.
const INSTANCE_BYTES: usize = 4 << 20;
const WASM_STACK: usize = 512 << 10;
const ASYNC_STACK: usize = 2 << 20;
/// Below this, clearing a used memory is cheaper than giving its pages back and taking page faults.
const KEEP_RESIDENT: usize = 256 << 10;
const PAGE: usize = 64 << 10;

/// The time between two ticks. It bounds how far a guest overruns its CPU budget and how long it holds a worker
/// thread before others get their turn; a tick costs one atomic addition.
const TICK: Duration = Duration::from_millis(10);

/// The features of WebAssembly that components may use: what today's toolchains need, and nothing that makes results
/// differ between machines, shares memory between threads, or is not finished.
pub(crate) fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::FLOATS
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
}

/// Starts an engine and its ticks. The ticks end with the engine.
pub(crate) fn start(config: &RuntimeConfig) -> Result<Engine, RuntimeError> {
    let mut running = compiling_config();
    running.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    let engine = Engine::new(&running).map_err(|error| engine_failed(&error))?;
    let ticking = engine.weak();
    thread::Builder::new()
        .name("mortise-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = ticking.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .map_err(|error| RuntimeError::Engine(format!("no thread for its ticks: {error}")))?;
    Ok(engine)
}

/// An engine that compiles for the one of [`start`], and does not run anything.
pub(crate) fn compiling() -> Result<Engine, RuntimeError> {
    Engine::new(&compiling_config()).map_err(|error| engine_failed(&error))
}

/// The engine's own words, with their causes.
pub(crate) fn engine_failed(error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::Engine(crate::bounds::cut(format!("{error:#}"), crate::bounds::TRAP))
}

/// Everything that a compiled image depends on.
fn compiling_config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        .memory_init_cow(true)
        // Names of functions are told; source lines would mean to read debug information of tenants on a trap.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_component_model(true)
        .wasm_multi_value(true)
        .wasm_bulk_memory(true)
        .wasm_simd(true)
        .wasm_tail_call(true)
        .wasm_multi_memory(true)
        .wasm_extended_const(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .concurrency_support(false);
    config
}

/// A slot for every call, with everything that one component may need: a call that has its turn never finds the pool
/// empty. Only address space is reserved, 4 GiB and a guard for each memory, so that no access needs a check.
fn pool(own: &RuntimeConfig) -> PoolingAllocationConfig {
    let calls = own.calls.max(1);
    let memory = (own.max_call_memory_bytes as usize).next_multiple_of(PAGE).max(PAGE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        .total_core_instances(calls.saturating_mul(MAX_CORE_INSTANCES))
        .total_memories(calls.saturating_mul(MAX_MEMORIES))
        .total_tables(calls.saturating_mul(MAX_TABLES))
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_memories_per_module(MAX_MEMORIES)
        .max_tables_per_module(MAX_TABLES)
        .max_component_instance_size(INSTANCE_BYTES)
        .max_core_instance_size(INSTANCE_BYTES)
        .max_memory_size(memory)
        .table_elements(MAX_TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use mortise_model::secret::SecretText;

    use super::*;
    use crate::Compiler;

    #[test]
    fn an_engine_of_the_default_size_fits_into_the_address_space() {
        let config = RuntimeConfig::new("unused".into(), SecretText::new("key"), Compiler::InProcess);
        assert!(start(&config).is_ok());
    }
}
