//! `http`: requests to the far side. What may be reached and spent is decided in `mortise_egress`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use mortise_egress::{Egress, EgressBudget, EgressClient, EgressError, EgressScope, Method, Request};
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceTableError};

use super::Host;
use crate::bindings::contract::http as contract;
use crate::bindings::contract::types::{Content, NameValue};
use crate::bounds::{PENDING_REQUESTS, UNREAD_ANSWERS};
use crate::gate::{Function, Passage, Refusal, gated};
use crate::recording::Arguments;
use crate::state::CallState;
use crate::{Call, CallMode};

mod body;

use contract::{BodyForm, Delivery, HttpError, HttpErrorKind, Response};

/// The way out of one call.
pub(crate) struct Http {
    egress: Egress,
    call: Arc<Call>,
    client: Option<EgressClient>,
    pending: usize,
    started: u32,
    unread: Option<Arc<AtomicUsize>>,
}

type Answer = Result<Response, HttpError>;

/// An answer that the guest has not read yet. The host's memory holds it until then.
struct Unread {
    answer: Answer,
    size: usize,
    total: Arc<AtomicUsize>,
}

/// A request in flight. Dropping it cancels it.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Pending {
    /// Counts the requests that a call started, from 1.
    number: u32,
    state: State,
}

enum State {
    InFlight(AbortOnDropHandle<Unread>),
    Arrived(Box<Unread>),
    Read,
    /// Whatever is asked of it is in the recording.
    Replayed,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

/// Sends for one call's tenant, instance and grant.
pub(crate) fn bind(call: &Arc<Call>, egress: &Egress) -> Http {
    Http {
        egress: egress.clone(),
        call: Arc::clone(call),
        client: None,
        pending: 0,
        started: 0,
        unread: None,
    }
}

fn scope(call: &Call) -> EgressScope {
    EgressScope {
        tenant: call.tenant.clone(),
        instance: call.instance.clone(),
        plugin: call.plugin.clone(),
        permissions: Arc::clone(&call.permissions),
        credentials: Arc::clone(&call.credentials),
        secrets: Arc::clone(&call.secrets),
        budget: EgressBudget { requests: call.limits.call_http_requests, bytes: call.limits.call_http_bytes },
        cancelled: call.cancelled.clone(),
    }
}

impl Unread {
    /// Keeps an answer until it is read, if there is room for it.
    fn keep(answer: Answer, total: Arc<AtomicUsize>) -> Self {
        let size = answer.as_ref().map_or(0, |response| length_of(&response.body));
        let held = total.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        if held <= UNREAD_ANSWERS {
            return Self { answer, size, total };
        }
        total.fetch_sub(size, Ordering::Relaxed);
        let mut refused = failure(
            HttpErrorKind::Quota,
            format!(
                "a call has at most {UNREAD_ANSWERS} bytes of answers that it has not read: read them as they come"
            ),
        );
        refused.delivery = Delivery::Unknown;
        Self { answer: Err(refused), size: 0, total }
    }

    fn read(mut self) -> Answer {
        std::mem::replace(&mut self.answer, Err(failure(HttpErrorKind::Invalid, String::new())))
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Http {
    /// The call's client, made at the first request.
    fn open(&mut self) -> EgressClient {
        self.client.get_or_insert_with(|| self.egress.client(scope(&self.call))).clone()
    }

    /// The call's client, unless a dry run does not send what has this method.
    pub(super) fn admit(&mut self, method: Method) -> Result<EgressClient, HttpError> {
        if self.call.mode == CallMode::DryRun
            && !matches!(method, Method::Get | Method::Head | Method::Options)
        {
            let name = method.name();
            return Err(failure(
                HttpErrorKind::Denied,
                format!("this is a dry run: only GET, HEAD and OPTIONS are sent, not {name}"),
            ));
        }
        Ok(self.open())
    }

    /// Makes the future of one exchange, unless the request is refused before.
    fn exchange(
        &mut self,
        request: contract::Request,
    ) -> Result<impl Future<Output = Answer> + Send + 'static, HttpError> {
        let method = method_of(request.method);
        let client = self.admit(method)?;
        let form = request.expect;
        let options = request.options;
        let request = Request {
            method,
            url: request.url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: request.body.map(|body| match body {
                Content::Text(text) => text.into(),
                Content::Bytes(bytes) => bytes.into(),
            }),
            credential: request.credential,
            timeout: options
                .as_ref()
                .and_then(|options| options.timeout_ms)
                .map(|timeout| Duration::from_millis(timeout.into())),
            max_body_bytes: options.and_then(|options| options.max_body_bytes),
        };
        Ok(async move {
            let answer = client.send(request).await.map_err(error_of)?;
            answer_of(answer, form)
        })
    }
}

impl Pending {
    fn poll_arrival(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::InFlight(task) = &mut self.state else { return Poll::Ready(()) };
        Pin::new(task).poll(context).map(|joined| {
            let unread = joined.unwrap_or_else(|error| {
                tracing::error!(%error, "a request's task ended without an answer");
                let mut failure =
                    failure(HttpErrorKind::Other, "the host failed to send the request".to_owned());
                failure.delivery = Delivery::Unknown;
                Unread::keep(Err(failure), Arc::default())
            });
            self.state = State::Arrived(Box::new(unread));
        })
    }

    fn is_ready(&self) -> bool {
        match &self.state {
            State::InFlight(task) => task.is_finished(),
            State::Arrived(_) | State::Read | State::Replayed => true,
        }
    }

    fn read(&mut self) -> Option<Answer> {
        match std::mem::replace(&mut self.state, State::Read) {
            State::Arrived(unread) => Some(unread.read()),
            State::InFlight(_) | State::Read | State::Replayed => None,
        }
    }
}

impl CallState {
    fn start_request(&mut self, request: contract::Request) -> Result<Resource<Pending>, HttpError> {
        let full = || {
            failure(
                HttpErrorKind::Quota,
                format!(
                    "a call has at most {PENDING_REQUESTS} requests in flight: read or drop some of them"
                ),
            )
        };
        if self.http.pending >= PENDING_REQUESTS {
            return Err(full());
        }
        let exchange = self.http.exchange(request)?;
        let unread = Arc::clone(self.http.unread.get_or_insert_default());
        let task = AbortOnDropHandle::new(tokio::spawn(async move { Unread::keep(exchange.await, unread) }));
        self.keep_pending(State::InFlight(task)).map_err(|_| full())
    }

    fn keep_pending(&mut self, state: State) -> Result<Resource<Pending>, ResourceTableError> {
        let number = self.http.started.saturating_add(1);
        let handle = self.table.push(Pending { number, state })?;
        self.http.started = number;
        self.http.pending += 1;
        Ok(handle)
    }

    async fn wait_for(&mut self, pending: &Resource<Pending>) -> wasmtime::Result<Answer> {
        let pending = self.table.get_mut(pending)?;
        poll_fn(|context| pending.poll_arrival(context)).await;
        Ok(pending.read().unwrap_or_else(|| {
            Err(failure(
                HttpErrorKind::Invalid,
                "the answer was read already: `wait` is called once".to_owned(),
            ))
        }))
    }

    /// Waits until one of them is there, and answers the positions of all that are.
    async fn wait_for_any(&mut self, requests: &[Resource<Pending>]) -> wasmtime::Result<Vec<u32>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        poll_fn(|context| {
            let mut ready = Vec::new();
            for (position, request) in (0_u32..).zip(requests) {
                match self.table.get_mut(request) {
                    Ok(pending) => {
                        if pending.poll_arrival(context).is_ready() {
                            ready.push(position);
                        }
                    }
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            if ready.is_empty() { Poll::Pending } else { Poll::Ready(Ok(ready)) }
        })
        .await
    }
}

impl contract::Host for CallState {
    async fn send(&mut self, request: contract::Request) -> wasmtime::Result<Answer> {
        let tell = |asked: &mut Arguments| tell_request(asked, &request);
        let answer = match self.gate.enter(Function::HttpSend, tell)? {
            Passage::Granted => match self.http.exchange(request) {
                Ok(exchange) => exchange.await,
                Err(refused) => Err(refused),
            },
            Passage::Denied(sentence) => Err(failure(HttpErrorKind::Denied, sentence)),
            Passage::Replayed(answer) => return Ok(answer),
        };
        Ok(self.gate.leave(Function::HttpSend, answer))
    }

    async fn start(
        &mut self,
        request: contract::Request,
    ) -> wasmtime::Result<Result<Resource<Pending>, HttpError>> {
        let tell = |asked: &mut Arguments| tell_request(asked, &request);
        let started = match self.gate.enter(Function::HttpStart, tell)? {
            Passage::Granted => self.start_request(request),
            Passage::Denied(sentence) => Err(failure(HttpErrorKind::Denied, sentence)),
            Passage::Replayed(Ok(())) => return Ok(Ok(self.keep_pending(State::Replayed)?)),
            Passage::Replayed(Err(error)) => return Ok(Err(error)),
        };
        Ok(self.gate.leave_opened(Function::HttpStart, started))
    }

    async fn wait_any(&mut self, requests: Vec<Resource<Pending>>) -> wasmtime::Result<Vec<u32>> {
        let tell = |asked: &mut Arguments| {
            let number = |request| self.table.get(request).map_or(0, |pending: &Pending| pending.number);
            let numbers: Vec<u32> = requests.iter().map(number).collect();
            asked.about(format!("{} requests", numbers.len())).part("requests", &numbers);
        };
        gated!(self, HttpWaitAny, tell, self.wait_for_any(&requests).await?)
    }
}

impl contract::HostPending for CallState {
    async fn is_ready(&mut self, pending: Resource<Pending>) -> wasmtime::Result<bool> {
        let tell = |asked: &mut Arguments| tell_pending(asked, &self.table, &pending);
        gated!(self, PendingIsReady, tell, self.table.get(&pending)?.is_ready())
    }

    async fn wait(&mut self, pending: Resource<Pending>) -> wasmtime::Result<Answer> {
        let tell = |asked: &mut Arguments| tell_pending(asked, &self.table, &pending);
        if let Some(answer) = self.gate.recall(Function::PendingWait, tell)? {
            return Ok(answer);
        }
        let answer = self.wait_for(&pending).await?;
        Ok(self.gate.leave(Function::PendingWait, answer))
    }

    async fn drop(&mut self, pending: Resource<Pending>) -> wasmtime::Result<()> {
        self.table.delete(pending)?;
        self.http.pending = self.http.pending.saturating_sub(1);
        Ok(())
    }
}

impl Refusal for HttpError {
    fn denial(&self) -> Option<&str> {
        (self.kind == HttpErrorKind::Denied).then_some(self.message.as_str())
    }
}

/// The address without its query, which may hold keys.
fn tell_request(asked: &mut Arguments, request: &contract::Request) {
    let contract::Request { method, url, headers, body, credential, expect, options } = request;
    let place = url.split(['?', '#']).next().unwrap_or_default();
    asked
        .about(format!("{} {place}", method_of(*method).name()))
        .part("method", method)
        .part("url", url)
        .part("headers", headers)
        .part("body", body)
        .part("credential", credential)
        .part("expect", expect)
        .part("options", options);
}

fn tell_pending(asked: &mut Arguments, table: &ResourceTable, pending: &Resource<Pending>) {
    if let Ok(pending) = table.get(pending) {
        asked.about(format!("request {}", pending.number)).part("request", &pending.number);
    }
}

/// An error that is known before anything is sent.
fn failure(kind: HttpErrorKind, message: String) -> HttpError {
    HttpError { kind, delivery: Delivery::NotSent, retry_after_ms: None, message }
}

fn length_of(body: &Content) -> usize {
    match body {
        Content::Text(text) => text.len(),
        Content::Bytes(bytes) => bytes.len(),
    }
}

fn method_of(method: contract::Method) -> Method {
    match method {
        contract::Method::Get => Method::Get,
        contract::Method::Head => Method::Head,
        contract::Method::Post => Method::Post,
        contract::Method::Put => Method::Put,
        contract::Method::Patch => Method::Patch,
        contract::Method::Delete => Method::Delete,
        contract::Method::Options => Method::Options,
    }
}

fn answer_of(answer: mortise_egress::Response, form: BodyForm) -> Answer {
    let body = match form {
        BodyForm::Bytes => Content::Bytes(answer.body.into()),
        BodyForm::Text => {
            let content_type = answer
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                .map(|(_, value)| value.as_str());
            let text = body::text(answer.body, content_type).map_err(|message| HttpError {
                kind: HttpErrorKind::Protocol,
                delivery: Delivery::Unknown,
                retry_after_ms: None,
                message,
            })?;
            Content::Text(text)
        }
    };
    let headers = answer.headers.into_iter().map(|(name, value)| NameValue { name, value }).collect();
    Ok(Response { status: answer.status, headers, body })
}

fn error_of(error: EgressError) -> HttpError {
    use mortise_egress::EgressErrorKind as Kind;
    HttpError {
        kind: match error.kind {
            Kind::Denied | Kind::ForbiddenAddress => HttpErrorKind::Denied,
            Kind::Invalid => HttpErrorKind::Invalid,
            Kind::Dns => HttpErrorKind::Dns,
            Kind::Connection => HttpErrorKind::Connection,
            Kind::Tls => HttpErrorKind::Tls,
            Kind::Timeout => HttpErrorKind::Timeout,
            Kind::TooLarge => HttpErrorKind::TooLarge,
            Kind::Quota => HttpErrorKind::Quota,
            Kind::RetryLater => HttpErrorKind::RetryLater,
            Kind::Unauthorized => HttpErrorKind::Unauthorized,
            Kind::Cancelled => HttpErrorKind::Cancelled,
            Kind::Protocol => HttpErrorKind::Protocol,
            Kind::Other => HttpErrorKind::Other,
        },
        delivery: match error.delivery {
            mortise_egress::Delivery::NotSent => Delivery::NotSent,
            mortise_egress::Delivery::Unknown => Delivery::Unknown,
        },
        // The contract has no number above 2^31 - 1.
        retry_after_ms: error
            .retry_after
            .map(|after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())),
        message: error.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(size: usize) -> Response {
        Response { status: 200, headers: Vec::new(), body: Content::Bytes(vec![0; size]) }
    }

    #[test]
    fn answers_that_nobody_reads_are_held_up_to_a_bound_and_reading_makes_room() {
        let total = Arc::new(AtomicUsize::new(0));
        let first = Unread::keep(Ok(response(UNREAD_ANSWERS - 1)), Arc::clone(&total));
        let refused = Unread::keep(Ok(response(2)), Arc::clone(&total)).read().unwrap_err();
        assert_eq!((refused.kind, refused.delivery), (HttpErrorKind::Quota, Delivery::Unknown));
        assert!(first.read().is_ok());
        assert_eq!(total.load(Ordering::Relaxed), 0);
        assert!(Unread::keep(Ok(response(2)), total).read().is_ok());
    }
}
