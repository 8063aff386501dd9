//! The way onto the wire that requests of plugins and token requests share.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mortise_model::clock::Clock;
use mortise_model::host_pattern::HostPattern;
use tokio::time::Instant;

use crate::address::AddressPolicy;
use crate::exchange::{Answer, AnswerLimits, Outgoing, exchange};
use crate::gate::{GateKey, Gates, retry_later};
use crate::pool::{PoolKey, Pools};
use crate::resolve::{CheckedResolver, Resolve};
use crate::target::Target;
use crate::tls::TlsSettings;
use crate::token::TokenEndpoint;
use crate::token_endpoint::{IssuedToken, MAX_TOKEN_ANSWER, TokenRequest, read_answer};
use crate::{Delivery, EgressConfig, EgressError, EgressErrorKind, EgressScope, EgressSetupError};

/// The operator's rules, the connections and the gates.
pub(crate) struct Wire {
    pub(crate) config: EgressConfig,
    pub(crate) addresses: AddressPolicy,
    pub(crate) gates: Gates,
    pools: Pools,
}

impl Wire {
    pub(crate) fn new(
        config: EgressConfig,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, EgressSetupError> {
        let addresses = AddressPolicy::new(config.allowed_networks.clone());
        let resolver = CheckedResolver::new(resolver, addresses.clone());
        let pools = Pools::new(resolver, TlsSettings::of_the_machine()?, config.connect_timeout);
        Ok(Self { config, addresses, gates: Gates::new(clock), pools })
    }

    /// Sends a request whose gate was passed, and closes the gate when the answer asks for it. Answers for how long.
    pub(crate) async fn exchange(
        &self,
        pool: &PoolKey,
        gate: &GateKey,
        outgoing: Outgoing,
        limits: AnswerLimits<'_>,
    ) -> Result<(Answer, Option<Duration>), EgressError> {
        let answer = exchange(&self.pools.client(pool)?, outgoing, limits).await?;
        let closed_for = self.gates.note(gate, answer.status, &answer.headers);
        Ok((answer, closed_for))
    }
}

/// Sends the token requests of one credential over the connections of its plugin.
pub(crate) struct WireTokenEndpoint {
    pub(crate) wire: Arc<Wire>,
    pub(crate) scope: Arc<EgressScope>,
    pub(crate) pool: PoolKey,
    pub(crate) credential: String,
    pub(crate) hosts: Vec<HostPattern>,
}

impl WireTokenEndpoint {
    fn target(&self, request: &TokenRequest) -> Result<Target, EgressError> {
        let what = format!("the token address of the credential `{}`", self.credential);
        let target = Target::parse(&request.token_url, &what, self.wire.config.plain_http)?;
        if !target.is_covered(&self.hosts) {
            let message = format!(
                "the credential `{}` may not go to its own token endpoint: add `{}` to the credential's hosts in the \
                 manifest",
                self.credential,
                target.authority()
            );
            return Err(EgressError::new(EgressErrorKind::Denied, Delivery::NotSent, message));
        }
        // The method is the host's own and needs no grant; where the secret goes does.
        target.granted_host(&self.scope.permissions).map_err(|error| EgressError {
            message: format!("{}, which {what} leads to", error.message),
            ..error
        })?;
        target.check_literal(&self.wire.addresses)?;
        Ok(target)
    }
}

#[async_trait]
impl TokenEndpoint for WireTokenEndpoint {
    async fn ask(&self, request: &TokenRequest) -> Result<IssuedToken, EgressError> {
        let target = self.target(request)?;
        let host = target.host.clone();
        let gate = GateKey::new(&self.scope.tenant, &self.scope.plugin, &target);
        let deadline = Instant::now() + self.wire.config.timeout;
        let limits = AnswerLimits { max_body_bytes: MAX_TOKEN_ANSWER, spending: None };
        let asked = async {
            self.wire.gates.pass(&gate, deadline).await?;
            self.wire.exchange(&self.pool, &gate, request.to_outgoing(target)?, limits).await
        };
        let answer = tokio::time::timeout_at(deadline, asked).await.unwrap_or_else(|_| {
            let message = format!("the token endpoint at `{host}` did not answer in time");
            Err(EgressError::new(EgressErrorKind::Timeout, Delivery::NotSent, message))
        });
        // Whatever became of the token request, the plugin's own was not sent.
        let (answer, closed_for) =
            answer.map_err(|error| EgressError { delivery: Delivery::NotSent, ..error })?;
        tracing::debug!(host, credential = self.credential, status = answer.status, "asked for a token");
        match closed_for {
            Some(wait) => Err(retry_later(&host, wait)),
            None => read_answer(answer, &host),
        }
    }
}
