//! Access tokens: kept, refreshed in time, and asked for once however many requests wait.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mortise_model::clock::{Clock, Timestamp};
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::manifest::CredentialScheme;
use mortise_model::secret::SecretText;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use crate::recent::Recent;
use crate::token_endpoint::{IssuedToken, TokenRequest};
use crate::{Delivery, EgressError, EgressErrorKind, SecretSource};

/// Credentials with a token kept at the same time.
const MAX_TOKENS: usize = 10_000;

/// How long a token is used whose endpoint does not say, and the longest that any is.
const UNTOLD_LIFETIME: Duration = Duration::from_hours(1);
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// How long before its end a token is refreshed: a tenth of its life, no more than this.
const LONGEST_MARGIN: Duration = Duration::from_mins(1);

/// Attempts at storing a rotated refresh token: one that is lost locks the instance out.
const STORE_ATTEMPTS: u32 = 3;
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(crate) tenant: TenantId,
    pub(crate) instance: InstanceId,
    pub(crate) credential: String,
}

/// A token to send, and which one it is.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: Arc<SecretText>,
    pub(crate) generation: u64,
}

/// Sends token requests.
#[async_trait::async_trait]
pub(crate) trait TokenEndpoint: Send + 'static {
    async fn ask(&self, request: &TokenRequest) -> Result<IssuedToken, EgressError>;
}

/// The tokens of all instances.
pub(crate) struct Tokens {
    clock: Arc<dyn Clock>,
    slots: Mutex<Recent<TokenKey, Arc<Slot>>>,
}

/// The place of one credential's token. Who holds its lock for writing is the one who asks the endpoint.
#[derive(Default)]
struct Slot {
    state: Arc<RwLock<State>>,
    /// Attempts that ended. One who waited through the end of an attempt takes its outcome.
    ended: AtomicU64,
    /// When nothing of use is left, in milliseconds since 1970.
    stale_at: AtomicI64,
}

#[derive(Default)]
struct State {
    /// What the token or failure belongs to: scheme and secrets.
    fingerprint: [u8; 32],
    generation: u64,
    outcome: Option<Outcome>,
}

enum Outcome {
    Issued { value: Arc<SecretText>, refresh_at: Timestamp },
    Failed(EgressError),
}

impl Tokens {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: Mutex::new(Recent::new(MAX_TOKENS)) }
    }

    /// A token that is good for a while. `rejected` is the generation of one that the far side no longer takes.
    ///
    /// Answers None when the scheme takes no token.
    pub(crate) async fn obtain(
        &self,
        key: TokenKey,
        scheme: &CredentialScheme,
        secrets: &Arc<dyn SecretSource>,
        endpoint: impl TokenEndpoint,
        rejected: Option<u64>,
    ) -> Result<Option<Token>, EgressError> {
        let slot = self.slot(key);
        let seen = slot.ended.load(Ordering::Acquire);
        let state = slot.state.read().await;
        // Secrets are read under the lock, so that nobody sends a refresh token that is just being rotated.
        let Some(request) = TokenRequest::prepare(scheme, secrets.as_ref()).await? else { return Ok(None) };
        let wanted = Wanted { fingerprint: fingerprint(scheme, &request), rejected };
        if let Some(outcome) = state.outcome_for(&wanted, &slot, seen, self.clock.now()) {
            return outcome.map(Some);
        }
        drop((state, request));

        let state = Arc::clone(&slot.state).write_owned().await;
        let Some(request) = TokenRequest::prepare(scheme, secrets.as_ref()).await? else { return Ok(None) };
        let wanted = Wanted { fingerprint: fingerprint(scheme, &request), rejected };
        if let Some(outcome) = state.outcome_for(&wanted, &slot, seen, self.clock.now()) {
            return outcome.map(Some);
        }
        let attempt = Attempt {
            slot,
            scheme: scheme.clone(),
            secrets: Arc::clone(secrets),
            clock: Arc::clone(&self.clock),
        };
        // On its own, because a request that is cancelled must not take a rotated refresh token with it.
        tokio::spawn(attempt.run(state, request, endpoint))
            .await
            .unwrap_or_else(|_| {
                Err(other("the token could not be asked for: the host failed inside".to_owned()))
            })
            .map(Some)
    }

    fn slot(&self, key: TokenKey) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        let in_use = |slot: &Arc<Slot>| Arc::strong_count(slot) > 1;
        if slots.is_full() {
            let now = self.clock.now().as_millis();
            slots.retain(|slot| in_use(slot) || slot.stale_at.load(Ordering::Relaxed) > now);
        }
        let slot = Arc::new(Slot::default());
        slots.insert(key, Arc::clone(&slot), in_use);
        slot
    }
}

struct Wanted {
    fingerprint: [u8; 32],
    rejected: Option<u64>,
}

impl State {
    /// The outcome that answers a request for a token, if there is one.
    fn outcome_for(
        &self,
        wanted: &Wanted,
        slot: &Slot,
        seen: u64,
        now: Timestamp,
    ) -> Option<Result<Token, EgressError>> {
        if self.fingerprint != wanted.fingerprint {
            return None;
        }
        let waited_through_one = slot.ended.load(Ordering::Acquire) != seen;
        match self.outcome.as_ref()? {
            Outcome::Issued { value, refresh_at } => {
                let is_good = *refresh_at > now || waited_through_one;
                let is_rejected = wanted.rejected == Some(self.generation);
                (is_good && !is_rejected)
                    .then(|| Ok(Token { value: Arc::clone(value), generation: self.generation }))
            }
            Outcome::Failed(error) => waited_through_one.then(|| Err(error.clone())),
        }
    }
}

/// One time of asking an endpoint.
struct Attempt {
    slot: Arc<Slot>,
    scheme: CredentialScheme,
    secrets: Arc<dyn SecretSource>,
    clock: Arc<dyn Clock>,
}

impl Attempt {
    async fn run(
        self,
        mut state: OwnedRwLockWriteGuard<State>,
        mut request: TokenRequest,
        endpoint: impl TokenEndpoint,
    ) -> Result<Token, EgressError> {
        let asked_at = self.clock.now();
        let outcome = match endpoint.ask(&request).await {
            Ok(issued) => self.accept(issued, &mut request).await,
            Err(error) => Err(error),
        };
        state.fingerprint = fingerprint(&self.scheme, &request);
        state.generation += 1;
        let generation = state.generation;
        let (outcome, answer, stale_at) = match outcome {
            Ok((value, lifetime)) => {
                let margin = (lifetime / 10).min(LONGEST_MARGIN);
                let refresh_at = asked_at.plus(lifetime.saturating_sub(margin));
                let token = Token { value: Arc::clone(&value), generation };
                (Outcome::Issued { value, refresh_at }, Ok(token), refresh_at)
            }
            Err(error) => (Outcome::Failed(error.clone()), Err(error), asked_at),
        };
        state.outcome = Some(outcome);
        self.slot.stale_at.store(stale_at.as_millis(), Ordering::Relaxed);
        self.slot.ended.fetch_add(1, Ordering::AcqRel);
        answer
    }

    /// Stores a rotated refresh token, then answers the access token and how long it is good for.
    async fn accept(
        &self,
        issued: IssuedToken,
        request: &mut TokenRequest,
    ) -> Result<(Arc<SecretText>, Duration), EgressError> {
        let rotated = issued.refresh_token.filter(|new| request.secret_values().all(|old| old != new));
        if let (Some(new), Some(name)) = (rotated, request.refresh_token_secret()) {
            self.store(name, &new).await?;
            request.rotated(new);
        }
        let lifetime = issued.expires_in.unwrap_or(UNTOLD_LIFETIME).min(LONGEST_LIFETIME);
        Ok((Arc::new(issued.access_token), lifetime))
    }

    async fn store(&self, name: &str, value: &SecretText) -> Result<(), EgressError> {
        let mut attempt = 1;
        loop {
            match self.secrets.replace(name, value.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if attempt >= STORE_ATTEMPTS => {
                    tracing::error!(secret = name, %error, "a rotated refresh token could not be stored");
                    return Err(other(format!("the rotated refresh token could not be stored: {error}")));
                }
                Err(_) => tokio::time::sleep(STORE_PAUSE).await,
            }
            attempt += 1;
        }
    }
}

/// What a token belongs to: when scheme or secrets change, so does this.
fn fingerprint(scheme: &CredentialScheme, request: &TokenRequest) -> [u8; 32] {
    let mut hash = Sha256::new();
    let scheme = serde_json::to_vec(scheme).unwrap_or_default();
    let secrets = request.secret_values().map(|secret| secret.reveal().as_bytes());
    for part in [scheme.as_slice()].into_iter().chain(secrets) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn other(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Other, Delivery::NotSent, message)
}
