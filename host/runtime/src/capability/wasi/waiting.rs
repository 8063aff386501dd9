//! `wasi:io/poll`: what was ready is part of a recording, and a replay does not wait.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::{Host as _, HostPollable as _};

use crate::gate::{Function, nothing};
use crate::state::CallState;

/// The version of WASI that the engine's crates have. The linker finds every earlier one of 0.2 by it.
const POLL: &str = "wasi:io/poll@0.2.12";

type Store<'a> = StoreContextMut<'a, CallState>;

/// Links in place of the engine's own.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut instance = linker.instance(POLL)?;
    instance.func_wrap_async("poll", |store, (pollables,): (Vec<Resource<DynPollable>>,)| {
        Box::new(poll(store, pollables))
    })?;
    instance.func_wrap_async("[method]pollable.ready", |store, (pollable,): (Resource<DynPollable>,)| {
        Box::new(ready(store, pollable))
    })?;
    instance.func_wrap_async("[method]pollable.block", |store, (pollable,): (Resource<DynPollable>,)| {
        Box::new(block(store, pollable))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn poll(mut store: Store<'_>, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<(Vec<u32>,)> {
    let state = store.data_mut();
    if let Some(ready) = state.gate.recall(Function::Poll, |asked| {
        asked.part("pollables", &pollables.len());
    })? {
        return Ok((ready,));
    }
    let ready = state.table.poll(pollables).await?;
    Ok((state.gate.leave_with(Function::Poll, ready),))
}

async fn ready(mut store: Store<'_>, pollable: Resource<DynPollable>) -> wasmtime::Result<(bool,)> {
    let state = store.data_mut();
    if let Some(ready) = state.gate.recall(Function::PollableReady, nothing)? {
        return Ok((ready,));
    }
    let ready = state.table.ready(pollable).await?;
    Ok((state.gate.leave_with(Function::PollableReady, ready),))
}

async fn block(mut store: Store<'_>, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
    let state = store.data_mut();
    if let Some(()) = state.gate.recall(Function::PollableBlock, nothing)? {
        return Ok(());
    }
    state.table.block(pollable).await?;
    state.gate.leave_with(Function::PollableBlock, ());
    Ok(())
}
