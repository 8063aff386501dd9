//! What the end of a guest that did not return means.

use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::bounds::{HOST_CALL_BYTES, HOST_CALLS, TRAP, cut};
use crate::gate::TooManyHostCalls;
use crate::memory::Exhausted;
use crate::recording::Diverged;
use crate::state::{Budget, CallState};
use crate::{CallError, Limit, RuntimeError};

/// The guest used more CPU time than it has.
#[derive(Debug, thiserror::Error)]
#[error("the call used its CPU time")]
pub(crate) struct OutOfCpu(pub(crate) Duration);

/// Tells whose fault it was, and what.
pub(crate) fn explain(error: &wasmtime::Error, state: &mut CallState, budget: &Budget) -> CallError {
    let said = state.wasi.close();
    if let Some(OutOfCpu(most)) = error.downcast_ref() {
        return CallError::Limit { limit: Limit::Cpu(*most) };
    }
    if error.downcast_ref::<TooManyHostCalls>().is_some() {
        return CallError::Limit { limit: Limit::HostCalls(HOST_CALLS) };
    }
    if let Some(diverged) = error.downcast_ref::<Diverged>() {
        return diverged.clone().into();
    }
    // The engine keeps the type to itself, so its words have to do. A test notices when they change.
    if error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted") {
        return CallError::Limit { limit: Limit::HostCall(HOST_CALL_BYTES as u64) };
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return CallError::Limit { limit: Limit::Stack };
    }
    match state.memory.exhausted() {
        Some(Exhausted::Call) => return CallError::Limit { limit: Limit::Memory(budget.memory) },
        Some(Exhausted::Tenant(most)) => {
            return RuntimeError::Busy(format!(
                "the tenant's calls use the {most} bytes of memory that one tenant has: the operator's \
                 `runtime.memory_per_tenant_bytes` can be raised"
            ))
            .into();
        }
        Some(Exhausted::Host) => {
            let reason = "the plugins that run now use all the memory there is for them";
            return RuntimeError::Busy(reason.to_owned()).into();
        }
        None => {}
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return RuntimeError::Busy("every slot for plugins is taken".to_owned()).into();
    }
    CallError::Trap { message: message(error, trap, &said) }
}

/// A plugin that returned what the contract does not allow.
pub(crate) fn broken(message: impl Into<String>) -> CallError {
    CallError::Trap { message: cut(format!("it broke the contract: {}", message.into()), TRAP) }
}

fn message(error: &wasmtime::Error, trap: Option<&Trap>, said: &str) -> String {
    let what = match (trap, error.downcast_ref::<I32Exit>()) {
        (_, Some(exit)) => format!("it ended its process with the status {}", exit.0),
        (Some(trap), None) => trap.to_string(),
        (None, None) => error.root_cause().to_string(),
    };
    let mut message = cut(what, TRAP / 4);
    if !said.is_empty() {
        message.push_str("\nstandard error: ");
        message.push_str(&cut(said.to_owned(), TRAP / 2));
    }
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        message.push('\n');
        message.push_str(&backtrace.to_string());
    }
    cut(message, TRAP)
}
