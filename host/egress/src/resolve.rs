//! From names to addresses that may be connected to.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::address::{AddressPolicy, ForbiddenAddress};

/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 32;

/// Names looked up at the same time, on the whole host: each takes a thread.
const CONCURRENT_LOOKUPS: usize = 64;

/// Turns names into addresses. What it answers is checked: it may answer anything.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a name. An empty list says that it has none.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    slots: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(CONCURRENT_LOOKUPS)) }
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(std::io::Error::other)?;
        let host = host.to_owned();
        // A lookup cannot be stopped, so its slot is free when its thread is, not when nobody waits any more.
        let lookup = tokio::task::spawn_blocking(move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            drop(slot);
            found.map(|addresses| addresses.map(|address| address.ip()).take(MAX_ADDRESSES).collect())
        });
        lookup.await.map_err(std::io::Error::other)?
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveFailure {
    #[error("every address it resolves to is forbidden, the first is {0}")]
    Forbidden(ForbiddenAddress),
    #[error("it has no address")]
    NoAddress,
    #[error("{0}")]
    Lookup(std::io::Error),
}

/// What the HTTP client resolves names with. It connects to what this answers and does not ask again, so a name that
/// changes its mind between check and connection gains nothing.
#[derive(Clone)]
pub(crate) struct CheckedResolver {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) addresses: AddressPolicy,
}

impl CheckedResolver {
    async fn checked(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveFailure> {
        let found = self.resolver.resolve(host).await.map_err(ResolveFailure::Lookup)?;
        let mut first_forbidden = None;
        let mut usable = Vec::new();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            match self.addresses.check(address) {
                Ok(()) => usable.push(SocketAddr::new(address, 0)),
                Err(forbidden) => {
                    // Only the operator's log learns the address: the answer must not map the inner network.
                    tracing::warn!(host, %address, what = forbidden.what, "a name resolves to a forbidden address");
                    first_forbidden.get_or_insert(forbidden);
                }
            }
        }
        match first_forbidden {
            _ if !usable.is_empty() => Ok(usable),
            Some(forbidden) => Err(ResolveFailure::Forbidden(forbidden)),
            None => Err(ResolveFailure::NoAddress),
        }
    }
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let this = self.clone();
        Box::pin(async move {
            let addresses = this.checked(name.as_str()).await?;
            let addresses: reqwest::dns::Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<&'static str>);

    #[async_trait]
    impl Resolve for Fixed {
        async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(self.0.iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    fn resolver(addresses: Vec<&'static str>) -> CheckedResolver {
        CheckedResolver { resolver: Arc::new(Fixed(addresses)), addresses: AddressPolicy::new(Vec::new()) }
    }

    #[tokio::test]
    async fn forbidden_addresses_of_a_name_are_left_out() {
        let usable = resolver(vec!["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1"]).checked("x").await.unwrap();
        assert_eq!(usable, ["8.8.8.8:0".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_name_with_nothing_but_forbidden_addresses_is_refused() {
        let failure = resolver(vec!["127.0.0.1", "10.0.0.1"]).checked("x").await.unwrap_err();
        assert!(matches!(failure, ResolveFailure::Forbidden(ForbiddenAddress { what: "loopback" })));
    }

    #[tokio::test]
    async fn a_name_without_addresses_says_so() {
        assert!(matches!(resolver(vec![]).checked("x").await, Err(ResolveFailure::NoAddress)));
    }

    #[tokio::test]
    async fn the_machine_knows_its_own_name() {
        let found = SystemResolver::default().resolve("localhost").await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    }
}
