//! Turns at what all tenants share: one of each tenant at a time, in the order in which they came.
//!
//! A tenant that wants many turns waits behind itself before it waits behind others, so it never has more than one
//! place in the common queue, and whoever comes after it waits for one turn of it at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mortise_model::id::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::RuntimeError;

/// Turns of one tenant that are waited for, with the one that it has.
const MAX_OF_TENANT: usize = 16;

/// Turns at one thing.
pub(crate) struct Turns {
    /// What is done in a turn, as in "components compiled".
    what: &'static str,
    longest_wait: Duration,
    all: Semaphore,
    tenants: Mutex<HashMap<TenantId, Queue>>,
}

struct Queue {
    own: Arc<Semaphore>,
    places: usize,
}

/// A turn. It ends when this is dropped.
pub(crate) struct Turn<'a> {
    _all: SemaphorePermit<'a>,
    _own: OwnedSemaphorePermit,
    _place: Place<'a>,
}

/// A place in a tenant's queue.
struct Place<'a> {
    turns: &'a Turns,
    tenant: TenantId,
}

impl Turns {
    /// So many at the same time.
    pub(crate) fn new(what: &'static str, at_once: u32, longest_wait: Duration) -> Self {
        let all = Semaphore::new(usize::try_from(at_once.max(1)).unwrap_or(1));
        Self { what, longest_wait, all, tenants: Mutex::default() }
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, tenant: &TenantId) -> Result<Turn<'_>, RuntimeError> {
        let (own, place) = self.place(tenant)?;
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let all = self.all.acquire().await.ok()?;
            Some(Turn { _all: all, _own: own, _place: place })
        };
        let busy = || {
            RuntimeError::Busy(format!(
                "no turn to have {} came within {} s: try again later",
                self.what,
                self.longest_wait.as_secs()
            ))
        };
        tokio::time::timeout(self.longest_wait, turn).await.ok().flatten().ok_or_else(busy)
    }

    fn place(&self, tenant: &TenantId) -> Result<(Arc<Semaphore>, Place<'_>), RuntimeError> {
        let mut tenants = self.lock();
        let queue = tenants
            .entry(tenant.clone())
            .or_insert_with(|| Queue { own: Arc::new(Semaphore::new(1)), places: 0 });
        if queue.places >= MAX_OF_TENANT {
            return Err(RuntimeError::Busy(format!(
                "the tenant waits to have {MAX_OF_TENANT} {}, the most there may be: try again shortly",
                self.what
            )));
        }
        queue.places += 1;
        Ok((Arc::clone(&queue.own), Place { turns: self, tenant: tenant.clone() }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Queue>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut tenants = self.turns.lock();
        if let Some(queue) = tenants.get_mut(&self.tenant) {
            queue.places = queue.places.saturating_sub(1);
            if queue.places == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt as _;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn tenants() -> [TenantId; 3] {
        ["a", "b", "c"].map(|id| id.parse().unwrap())
    }

    #[tokio::test]
    async fn a_tenant_with_many_waits_behind_itself_and_others_get_their_turn() {
        let [a, b, c] = tenants();
        let turns = Turns::new("components compiled", 2, MINUTE);
        let first = turns.take(&a).await.unwrap();
        let mut second = pin!(turns.take(&a));
        assert!((&mut second).now_or_never().is_none(), "one tenant has both turns");
        let other = turns.take(&b).now_or_never().expect("the other turn is free").unwrap();
        let mut third = pin!(turns.take(&c));
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        // The first tenant waits from now on for a turn of all; the third has waited longer.
        assert!((&mut second).now_or_never().is_none());
        let third = (&mut third).now_or_never().expect("it waited longest").unwrap();
        drop((other, third));
        assert!((&mut second).now_or_never().expect("it is free").is_ok());
    }

    #[tokio::test]
    async fn more_turns_than_a_tenant_may_wait_for_are_refused_with_the_number() {
        let [a, b, _] = tenants();
        let turns = Turns::new("components compiled", 1, MINUTE);
        let first = turns.take(&a).await.unwrap();
        let mut waiting: Vec<_> = (1..MAX_OF_TENANT).map(|_| Box::pin(turns.take(&a))).collect();
        for turn in &mut waiting {
            assert!(turn.as_mut().now_or_never().is_none());
        }
        let error = turns.take(&a).await.map(drop).unwrap_err().to_string();
        assert!(error.contains("waits to have 16 components compiled"), "{error}");
        drop((first, waiting));
        turns.take(&b).await.unwrap();
        assert!(turns.lock().is_empty());
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_an_error_in_the_end() {
        let [a, b, _] = tenants();
        let turns = Turns::new("components compiled", 1, Duration::ZERO);
        let _first = turns.take(&a).await.unwrap();
        let error = turns.take(&b).await.map(drop).unwrap_err().to_string();
        assert!(error.contains("within 0 s"), "{error}");
    }
}
