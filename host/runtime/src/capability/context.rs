//! `context`: who is calling and why.

use std::sync::Arc;
use std::time::Duration;

use mortise_model::clock::{Clock, Timestamp};
use wasmtime::component::Linker;

use super::Host;
use crate::bindings::contract::context as contract;
use crate::gate::{gated, nothing};
use crate::state::{CallState, Purpose};
use crate::{Call, CallMode};

/// The call in progress, as the plugin sees it.
pub(crate) struct Context {
    call: Arc<Call>,
    purpose: Purpose,
    deadline: Timestamp,
    clock: Arc<dyn Clock>,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

/// Answers for one call, which began now and may take `wall`.
pub(crate) fn bind(call: &Arc<Call>, purpose: Purpose, clock: &Arc<dyn Clock>, wall: Duration) -> Context {
    Context { call: Arc::clone(call), purpose, deadline: clock.now().plus(wall), clock: Arc::clone(clock) }
}

impl Context {
    fn open(&self) -> contract::Call {
        let call = &self.call;
        let asked = |text: &str| match self.purpose {
            Purpose::Work => text.to_owned(),
            Purpose::Manifest => String::new(),
        };
        contract::Call {
            tenant: asked(call.tenant.as_str()),
            instance: asked(call.instance.as_str()),
            run: asked(call.run.as_str()),
            attempt: call.attempt,
            idempotency_key: call.idempotency_key.clone(),
            dry_run: call.mode == CallMode::DryRun,
            deadline: self.deadline.to_string(),
        }
    }
}

impl contract::Host for CallState {
    fn current(&mut self) -> wasmtime::Result<contract::Call> {
        gated!(self, ContextCurrent, nothing, self.context.open())
    }

    fn is_cancelled(&mut self) -> wasmtime::Result<bool> {
        gated!(self, ContextIsCancelled, nothing, self.context.call.cancelled.is_cancelled())
    }

    fn now(&mut self) -> wasmtime::Result<String> {
        gated!(self, ContextNow, nothing, self.context.clock.now().to_string())
    }
}
