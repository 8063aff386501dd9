//! Pools of connections, never shared between tenants or grants.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mortise_model::id::{PluginName, TenantId};
use mortise_model::plugin::Permissions;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::recent::Recent;
use crate::resolve::CheckedResolver;
use crate::tls::TlsSettings;
use crate::{Delivery, EgressError, EgressErrorKind, EgressScope, headers};

/// Pools kept at the same time.
const MAX_POOLS: usize = 1_000;

/// Idle connections kept per host of a pool, and for how long.
const IDLE_PER_HOST: usize = 4;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("mortise/", env!("CARGO_PKG_VERSION"));

/// Whose connections they are. A changed grant is another pool: a connection that is open passes no checks again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    tenant: TenantId,
    plugin: PluginName,
    grant: [u8; 32],
}

impl PoolKey {
    pub(crate) fn new(scope: &EgressScope) -> Self {
        Self { tenant: scope.tenant.clone(), plugin: scope.plugin.clone(), grant: digest(&scope.permissions) }
    }
}

fn digest(permissions: &Permissions) -> [u8; 32] {
    let mut hash = Sha256::new();
    let hosts = permissions.hosts.iter().map(ToString::to_string);
    for text in hosts.chain(["methods".to_owned()]).chain(permissions.methods.iter().cloned()) {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

/// The pools in use, and the settings of new ones.
pub(crate) struct Pools {
    resolver: CheckedResolver,
    tls: TlsSettings,
    connect_timeout: Duration,
    clients: Mutex<Recent<PoolKey, reqwest::Client>>,
    /// Room for the lookups of each tenant, whatever the pool.
    lookups: Mutex<Recent<TenantId, Arc<Semaphore>>>,
}

impl Pools {
    pub(crate) fn new(resolver: CheckedResolver, tls: TlsSettings, connect_timeout: Duration) -> Self {
        let (clients, lookups) = (Recent::new(MAX_POOLS), Recent::new(MAX_POOLS));
        Self { resolver, tls, connect_timeout, clients: Mutex::new(clients), lookups: Mutex::new(lookups) }
    }

    /// The pool of a key, made when it is the first use.
    pub(crate) fn client(&self, key: &PoolKey) -> Result<reqwest::Client, EgressError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(key) {
            return Ok(client.clone());
        }
        let client = self.build(&key.tenant).map_err(|error| {
            EgressError::new(
                EgressErrorKind::Other,
                Delivery::NotSent,
                format!("no HTTP client could be made: {error}"),
            )
        })?;
        // A client that is forgotten while requests use it lives on with them.
        clients.insert(key.clone(), client.clone(), |_| false);
        Ok(client)
    }

    fn lookups_of(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = lookups.get(tenant) {
            return Arc::clone(slots);
        }
        let slots = CheckedResolver::slots_of_a_tenant();
        // Pools hold on to their tenant's: two of one tenant would be more room for it.
        lookups.insert(tenant.clone(), Arc::clone(&slots), |slots| Arc::strong_count(slots) > 1);
        slots
    }

    fn build(&self, tenant: &TenantId) -> reqwest::Result<reqwest::Client> {
        let header_bytes = u32::try_from(headers::MAX_HEADER_BYTES).unwrap_or(u32::MAX);
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.for_a_pool())
            .dns_resolver(self.resolver.within(&self.lookups_of(tenant)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_max_header_list_size(header_bytes)
            .build()
    }
}
