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

/// Names looked up at the same time for one tenant. A tenant whose names take long to resolve, or never do, holds up
/// itself.
const TENANTS_LOOKUPS: usize = 8;

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
    resolver: Arc<dyn Resolve>,
    addresses: AddressPolicy,
    slots: Arc<Semaphore>,
}

impl CheckedResolver {
    pub(crate) fn new(resolver: Arc<dyn Resolve>, addresses: AddressPolicy) -> Self {
        Self { resolver, addresses, slots: Self::slots_of_a_tenant() }
    }

    /// The same with the lookups of a tenant.
    pub(crate) fn within(&self, slots: &Arc<Semaphore>) -> Self {
        Self { slots: Arc::clone(slots), ..self.clone() }
    }

    /// Room for the lookups of one tenant.
    pub(crate) fn slots_of_a_tenant() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(TENANTS_LOOKUPS))
    }

    async fn look_up(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(std::io::Error::other)?;
        let (resolver, host) = (Arc::clone(&self.resolver), host.to_owned());
        // A lookup goes on when nobody waits for it any more, and keeps its slot as long.
        let lookup = tokio::spawn(async move {
            let found = resolver.resolve(&host).await;
            drop(slot);
            found
        });
        lookup.await.map_err(std::io::Error::other)?
    }

    async fn checked(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveFailure> {
        let found = self.look_up(host).await.map_err(ResolveFailure::Lookup)?;
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
        CheckedResolver::new(Arc::new(Fixed(addresses)), AddressPolicy::new(Vec::new()))
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
    async fn lookups_that_never_end_hold_up_their_own_tenant_alone() {
        struct Stuck(Semaphore);

        #[async_trait]
        impl Resolve for Stuck {
            async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
                if host == "stuck.example" {
                    self.0.add_permits(1);
                    std::future::pending::<()>().await;
                }
                Ok(vec!["8.8.8.8".parse().unwrap()])
            }
        }

        let stuck = Arc::new(Stuck(Semaphore::new(0)));
        let own = CheckedResolver::new(stuck.clone(), AddressPolicy::new(Vec::new()));
        let other = own.within(&CheckedResolver::slots_of_a_tenant());
        for _ in 0..TENANTS_LOOKUPS {
            // Given up at once: whoever asked does not wait, the lookup goes on.
            let mut asked = Box::pin(own.checked("stuck.example"));
            tokio::select! {
                biased;
                _ = &mut asked => unreachable!("it never ends"),
                begun = stuck.0.acquire() => begun.unwrap().forget(),
            }
        }
        assert!(other.checked("good.example").await.is_ok());
        let mut waits = Box::pin(own.checked("good.example"));
        assert!(futures::poll!(&mut waits).is_pending());
        assert_eq!(own.slots.available_permits(), 0);
    }

    #[tokio::test]
    async fn the_machine_knows_its_own_name() {
        let found = SystemResolver::default().resolve("localhost").await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    }
}
