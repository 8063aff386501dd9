//! The host's one way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mortise_model::clock::Clock;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::credential::{apply_fixed, apply_token, check_conflict, find_credential};
use crate::exchange::{Answer, AnswerLimits, Outgoing};
use crate::gate::GateKey;
use crate::headers::{answer_headers, read_headers};
use crate::pool::PoolKey;
use crate::resolve::{Resolve, SystemResolver};
use crate::spending::Spending;
use crate::target::Target;
use crate::token::{Token, TokenKey, Tokens};
use crate::token_endpoint::TokenRequest;
use crate::wire::{Wire, WireTokenEndpoint};
use crate::{
    BoundCredential, Delivery, EgressConfig, EgressError, EgressErrorKind, EgressScope, EgressSetupError,
    Request, Response,
};

/// Requests of one call that are on the wire at the same time; more wait.
const CONCURRENT_REQUESTS: usize = 32;

/// The longest that the operator's timeout can be.
const LONGEST_TIMEOUT: Duration = Duration::from_hours(24);

/// The host's one way out. Keeps connections, tokens, and how long each host wants to be left alone.
#[derive(Clone)]
pub struct Egress {
    wire: Arc<Wire>,
    tokens: Arc<Tokens>,
}

impl Egress {
    /// A way out under the operator's rules.
    pub fn new(config: EgressConfig, clock: Arc<dyn Clock>) -> Result<Self, EgressSetupError> {
        Self::with_resolver(config, clock, Arc::new(SystemResolver::default()))
    }

    /// A way out that asks another resolver than the machine's. What it answers is checked all the same.
    pub fn with_resolver(
        mut config: EgressConfig,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, EgressSetupError> {
        config.timeout = config.timeout.min(LONGEST_TIMEOUT);
        Ok(Self {
            wire: Arc::new(Wire::new(config, Arc::clone(&clock), resolver)?),
            tokens: Arc::new(Tokens::new(clock)),
        })
    }

    /// A client for one call of a plugin.
    pub fn client(&self, scope: EgressScope) -> EgressClient {
        EgressClient {
            call: Arc::new(Call {
                wire: Arc::clone(&self.wire),
                tokens: Arc::clone(&self.tokens),
                pool: PoolKey::new(&scope),
                spending: Spending::new(scope.budget),
                slots: Semaphore::new(CONCURRENT_REQUESTS),
                scope: Arc::new(scope),
            }),
        }
    }
}

/// Sends the requests of one call. Clones share the call's budget.
#[derive(Clone)]
pub struct EgressClient {
    call: Arc<Call>,
}

impl EgressClient {
    /// Sends a request and reads the whole answer. Any status is an answer.
    ///
    /// Dropping the future ends the request.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        let started = Instant::now();
        let call = &self.call;
        let timeout =
            request.timeout.map_or(call.wire.config.timeout, |own| own.min(call.wire.config.timeout));
        let target = Target::parse(&request.url, "the address", call.wire.config.plain_http)?;
        // The query stays out: it may hold keys.
        let span = tracing::debug_span!(
            "request",
            method = request.method.name(),
            host = target.host,
            port = target.port,
            status = tracing::field::Empty,
            failure = tracing::field::Empty,
            duration_ms = tracing::field::Empty,
        );
        let way = Way { deadline: started + timeout, has_left: AtomicBool::new(false) };
        let sent = call.send_within(target, request, timeout, &way).instrument(span.clone()).await;
        match &sent {
            Ok(response) => span.record("status", response.status),
            Err(error) => span.record("failure", tracing::field::debug(error.kind)),
        };
        span.record("duration_ms", u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        span.in_scope(|| tracing::debug!("request ended"));
        sent
    }
}

/// What the requests of one call share.
struct Call {
    wire: Arc<Wire>,
    tokens: Arc<Tokens>,
    scope: Arc<EgressScope>,
    pool: PoolKey,
    spending: Spending,
    slots: Semaphore,
}

/// How far one request may go, and has come.
struct Way {
    deadline: Instant,
    /// True from when the HTTP client has the request until its answer is there.
    has_left: AtomicBool,
}

impl Way {
    fn delivery(&self) -> Delivery {
        if self.has_left.load(Ordering::Relaxed) { Delivery::Unknown } else { Delivery::NotSent }
    }
}

impl Call {
    async fn send_within(
        &self,
        target: Target,
        request: Request,
        timeout: Duration,
        way: &Way,
    ) -> Result<Response, EgressError> {
        let host = target.host.clone();
        tokio::select! {
            biased;
            () = self.scope.cancelled.cancelled() => Err(EgressError::new(
                EgressErrorKind::Cancelled,
                way.delivery(),
                "the run was cancelled",
            )),
            sent = tokio::time::timeout_at(way.deadline, self.send_checked(target, request, way)) => {
                sent.unwrap_or_else(|_| Err(EgressError::new(
                    EgressErrorKind::Timeout,
                    way.delivery(),
                    format!(
                        "the exchange with `{host}` took longer than {} ms, waiting included: ask for less, or \
                         allow more time",
                        timeout.as_millis()
                    ),
                )))
            }
        }
    }

    async fn send_checked(
        &self,
        target: Target,
        request: Request,
        way: &Way,
    ) -> Result<Response, EgressError> {
        target.granted(request.method, &self.scope.permissions)?;
        target.check_literal(&self.wire.addresses)?;
        let max_body_bytes = self.wire.config.max_body_bytes;
        let max_body_bytes = request.max_body_bytes.map_or(max_body_bytes, |own| own.min(max_body_bytes));
        let headers = read_headers(&request.headers)?;
        let outgoing = Outgoing { method: request.method, target, headers, body: request.body };
        let credential = match &request.credential {
            Some(name) => Some(find_credential(&self.scope, name, &outgoing.target)?),
            None => None,
        };
        if let Some(credential) = credential {
            check_conflict(credential, &outgoing)?;
        }
        self.spending.take_request(body_length(&outgoing))?;

        let mut token = None;
        let mut ready = outgoing.clone();
        if let Some(credential) = credential {
            apply_fixed(&credential.scheme, self.scope.secrets.as_ref(), &mut ready).await?;
            token = self.token(credential, None).await?;
            if let Some(token) = &token {
                apply_token(&token.value, &credential.name, &mut ready)?;
            }
        }
        let mut answer = self.transmit(ready, max_body_bytes, way).await?;
        // A token that was taken back early: one more request with a new one, if the budget has it.
        if let (401, Some(credential), Some(used)) = (answer.status, credential, token)
            && self.spending.take_request(body_length(&outgoing)).is_ok()
            && let Some(token) = self.token(credential, Some(used.generation)).await?
        {
            let mut again = outgoing;
            apply_token(&token.value, &credential.name, &mut again)?;
            answer = self.transmit(again, max_body_bytes, way).await?;
        }
        Ok(Response { status: answer.status, headers: answer_headers(&answer.headers)?, body: answer.body })
    }

    /// The token of a credential; None when it takes none.
    async fn token(
        &self,
        credential: &BoundCredential,
        rejected: Option<u64>,
    ) -> Result<Option<Token>, EgressError> {
        if !TokenRequest::is_needed(&credential.scheme) {
            return Ok(None);
        }
        let key = TokenKey {
            tenant: self.scope.tenant.clone(),
            instance: self.scope.instance.clone(),
            credential: credential.name.clone(),
        };
        let endpoint = WireTokenEndpoint {
            wire: Arc::clone(&self.wire),
            scope: Arc::clone(&self.scope),
            pool: self.pool.clone(),
            credential: credential.name.clone(),
            hosts: credential.hosts.clone(),
        };
        self.tokens.obtain(key, &credential.scheme, &self.scope.secrets, endpoint, rejected).await
    }

    /// Waits for the host's gate and for a free place, then sends.
    async fn transmit(
        &self,
        outgoing: Outgoing,
        max_body_bytes: u32,
        way: &Way,
    ) -> Result<Answer, EgressError> {
        let gate = GateKey::new(&self.scope.tenant, &self.scope.plugin, &outgoing.target);
        // A request that waits at a gate takes no place, or one slow host would hold up the others.
        let _place = loop {
            let passed = self.wire.gates.pass(&gate, way.deadline).await?;
            let place = self.slots.acquire().await.map_err(|_| {
                EgressError::new(EgressErrorKind::Other, Delivery::NotSent, "the call has ended")
            })?;
            if self.wire.gates.is_still_open(&gate, &passed) {
                break place;
            }
        };
        way.has_left.store(true, Ordering::Relaxed);
        let limits = AnswerLimits { max_body_bytes, spending: Some(&self.spending) };
        let answer = self.wire.exchange(&self.pool, &gate, outgoing, limits).await;
        way.has_left.store(false, Ordering::Relaxed);
        answer.map(|(answer, _)| answer)
    }
}

fn body_length(outgoing: &Outgoing) -> usize {
    outgoing.body.as_ref().map_or(0, bytes::Bytes::len)
}
