//! `wasi:http`: requests by the standard interface. What may be reached and spent is decided in `mortise_egress`, as
//! for `http`.
//!
//! A request goes out once its body is finished, and its answer comes in when it is whole; no redirect is followed.
//! The header `mortise-credential` names a credential of the instance for the host to apply, and is not sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mortise_egress::EgressClient;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::Pollable as _;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{self as standard, ErrorCode, Host as _};
use wasmtime_wasi_http::p2::bindings::{self, LinkOptions};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{RequestOptions, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::log::Lines;
use crate::bounds::FIELDS;
use crate::gate::{Function, Passage};
use crate::metrics::GateCounters;
use crate::recording::{Arguments, Player, Recorder, Tape};
use crate::state::CallState;

mod exchange;
mod refused;

use refused::Refused;

/// The interfaces that are linked, without their version.
pub(crate) const INTERFACES: &[&str] = &["wasi:http/outgoing-handler", "wasi:http/types"];

/// The version of WASI that the engine's crates have. The linker finds every earlier one of 0.2 by it.
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";
const TYPES: &str = "wasi:http/types@0.2.12";

/// What the standard interface needs of one call.
pub(crate) struct WasiHttp {
    context: WasiHttpCtx,
    sender: Sender,
}

/// Sends requests in place of the engine's own sender, which knows no grant.
struct Sender {
    lines: Arc<Lines>,
    counters: Arc<GateCounters>,
    /// Made at the first request.
    memory: Option<Memory>,
    /// How the request goes out that is handed over now.
    way: Option<Way>,
}

/// What the host holds of a call's requests.
#[derive(Default)]
struct Memory {
    /// Bodies that were not sent yet, in bytes.
    unsent: Arc<AtomicUsize>,
    /// Answers that the guest has not dropped yet, in bytes.
    unread: Arc<AtomicUsize>,
}

/// How one request is answered.
enum Way {
    Out { client: EgressClient, record: Option<(Recorder, u32)> },
    Replay { player: Player, exchange: u32 },
}

/// Bytes that the host holds, and that count until this is dropped.
struct Held {
    size: usize,
    total: Arc<AtomicUsize>,
}

impl Held {
    fn nothing(total: &Arc<AtomicUsize>) -> Self {
        Self { size: 0, total: Arc::clone(total) }
    }

    /// Counts more, if there is room for it.
    fn add(&mut self, size: usize, most: usize) -> bool {
        let held = self.total.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        self.size = self.size.saturating_add(size);
        held <= most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    bindings::http::types::add_to_linker::<_, wasmtime_wasi_http::WasiHttp>(
        linker,
        &(&options).into(),
        CallState::http,
    )?;
    linker.instance(HANDLER)?.func_wrap("handle", handle)?;
    // The engine's own answer to this says nothing of what is recorded.
    linker.allow_shadowing(true);
    linker.instance(TYPES)?.func_wrap_async(
        "[method]future-incoming-response.get",
        |store, (future,): (Resource<HostFutureIncomingResponse>,)| Box::new(response(store, future)),
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Answers with this call's lines and counters.
pub(crate) fn bind(lines: &Arc<Lines>, counters: &Arc<GateCounters>) -> WasiHttp {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(FIELDS);
    let sender = Sender { lines: Arc::clone(lines), counters: Arc::clone(counters), memory: None, way: None };
    WasiHttp { context, sender }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.wasi_http.sender,
            table: &mut self.table,
            ctx: &mut self.wasi_http.context,
        }
    }
}

type Handled = Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

fn handle(
    mut store: StoreContextMut<'_, CallState>,
    (request, options): (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>),
) -> wasmtime::Result<(Handled,)> {
    let state = store.data_mut();
    let method = state.table.get(&request)?.method.clone();
    let tell = |asked: &mut Arguments| {
        if let Ok(request) = state.table.get(&request) {
            tell_request(asked, request);
        }
        let options = options.as_ref().and_then(|options| state.table.get(options).ok());
        asked.part(
            "options",
            &options.map(|options| {
                (options.connect_timeout, options.first_byte_timeout, options.between_bytes_timeout)
            }),
        );
    };
    let way = match state.gate.enter::<Result<(), Refused>>(Function::WasiHttpHandle, tell)? {
        Passage::Granted => {
            let client = exchange::method_of(&method)
                .and_then(|method| state.http.admit(method).map_err(Refused::from));
            state.gate.leave_opened(Function::WasiHttpHandle, client).map(|client| {
                let record = match state.gate.tape() {
                    Tape::Record(recorder) => Some((recorder.clone(), recorder.next_exchange())),
                    Tape::Off | Tape::Replay(_) => None,
                };
                Way::Out { client, record }
            })
        }
        Passage::Denied(sentence) => {
            state.gate.leave_opened(Function::WasiHttpHandle, Err(Refused::Denied(sentence)))
        }
        Passage::Replayed(answer) => answer.and_then(|()| match state.gate.tape() {
            Tape::Replay(player) => {
                Ok(Way::Replay { player: player.clone(), exchange: player.next_exchange() })
            }
            Tape::Off | Tape::Record(_) => Err(Refused::Internal("there is no recording".to_owned())),
        }),
    };
    match way {
        Ok(way) => state.wasi_http.sender.way = Some(way),
        Err(refused) => {
            // The request is the host's from here on, whatever became of it.
            state.table.delete(request)?;
            return Ok((Err(refused.code()),));
        }
    }
    let mut view = state.http();
    let handled = match view.handle(request, options) {
        Ok(future) => Ok(future),
        Err(error) => Err(view.convert_error_code(error)?),
    };
    state.wasi_http.sender.way = None;
    Ok((handled,))
}

fn tell_request(asked: &mut Arguments, request: &HostOutgoingRequest) {
    let authority = request.authority.as_deref().unwrap_or_default();
    let target = request.path_with_query.as_deref().unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let method = format!("{:?}", request.method);
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    asked
        .about(format!("{} {authority}{path}", method.trim_start_matches("Method::").to_uppercase()))
        .part("method", &method)
        .part("scheme", &format!("{:?}", request.scheme))
        .part("authority", authority)
        .part("path-with-query", target)
        .part("headers", &headers);
}

type Got = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

async fn response(
    mut store: StoreContextMut<'_, CallState>,
    future: Resource<HostFutureIncomingResponse>,
) -> wasmtime::Result<(Got,)> {
    let state = store.data_mut();
    // What is recorded is whether it was there yet.
    let replayed: Option<bool> = state.gate.recall(Function::WasiHttpResponse, crate::gate::nothing)?;
    match replayed {
        Some(false) => return Ok((None,)),
        Some(true) => state.table.get_mut(&future)?.ready().await,
        None => {}
    }
    let got = standard::HostFutureIncomingResponse::get(&mut state.http(), future)?;
    if replayed.is_none() {
        state.gate.leave_with(Function::WasiHttpResponse, got.is_some());
    }
    Ok((got,))
}
