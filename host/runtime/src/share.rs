//! Room for calls: of all tenants together, and of each.
//!
//! A slot that becomes free goes to the waiting tenant with the fewest calls in progress, so a tenant that floods the
//! host waits for itself, and another's call waits for one slot at most.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mortise_model::id::TenantId;
use tokio::sync::oneshot;

use crate::memory::TenantMemory;

/// Room for calls.
pub(crate) struct Shares {
    most: u32,
    most_of_tenant: u32,
    memory_of_tenant: u64,
    room: Mutex<Room>,
}

#[derive(Default)]
struct Room {
    running: u32,
    /// Places in the queues, of those who left as well.
    waiting: usize,
    /// Those that have calls in progress or waiting.
    tenants: HashMap<TenantId, Share>,
}

struct Share {
    running: u32,
    waiting: VecDeque<oneshot::Sender<Slot>>,
    memory: Arc<TenantMemory>,
}

/// Room for one call. Given back when dropped.
pub(crate) struct Slot {
    shares: Arc<Shares>,
    tenant: TenantId,
    /// The memory of the tenant's calls.
    pub(crate) memory: Arc<TenantMemory>,
}

impl Shares {
    /// Room for `most` calls, of one tenant for `most_of_tenant` with `memory_of_tenant` bytes together.
    pub(crate) fn new(most: u32, most_of_tenant: u32, memory_of_tenant: u64) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            most_of_tenant: most_of_tenant.max(1),
            memory_of_tenant,
            room: Mutex::default(),
        })
    }

    /// Waits for room. Who stops waiting leaves the queue.
    pub(crate) async fn acquire(self: &Arc<Self>, tenant: &TenantId) -> Slot {
        loop {
            let waiting = {
                let mut room = self.room();
                let running = room.running;
                let share = room.share(tenant, self.memory_of_tenant);
                // Whoever waits already has its turn first.
                if share.waiting.is_empty() && share.running < self.most_of_tenant && running < self.most {
                    return self.occupy(&mut room, tenant);
                }
                let (sender, receiver) = oneshot::channel();
                share.waiting.push_back(sender);
                room.waiting += 1;
                receiver
            };
            if let Ok(slot) = waiting.await {
                return slot;
            }
        }
    }

    /// Why a tenant's call finds no room.
    pub(crate) fn explain(&self, tenant: &TenantId) -> String {
        let room = self.room();
        match room.tenants.get(tenant) {
            Some(share) if share.running >= self.most_of_tenant => format!(
                "the tenant has {} calls into plugins in progress, as many as one tenant may have: the operator's \
                 `runtime.calls_per_tenant` can be raised",
                share.running
            ),
            _ => "no slot for plugins was free: the operator's `runtime.calls` can be raised".to_owned(),
        }
    }

    fn occupy(self: &Arc<Self>, room: &mut Room, tenant: &TenantId) -> Slot {
        room.running += 1;
        let share = room.share(tenant, self.memory_of_tenant);
        share.running += 1;
        Slot { shares: Arc::clone(self), tenant: tenant.clone(), memory: Arc::clone(&share.memory) }
    }

    /// Hands free slots to those who wait.
    fn serve(self: &Arc<Self>) {
        loop {
            let mut room = self.room();
            if room.running >= self.most {
                return;
            }
            let Some((sender, tenant)) = room.next(self.most_of_tenant) else { return };
            let slot = self.occupy(&mut room, &tenant);
            drop(room);
            // Who has left in the meantime hands the slot back by dropping it, which serves the next.
            if sender.send(slot).is_ok() {
                return;
            }
        }
    }

    fn release(self: &Arc<Self>, tenant: &TenantId) {
        {
            let mut room = self.room();
            room.running = room.running.saturating_sub(1);
            if let Some(share) = room.tenants.get_mut(tenant) {
                share.running = share.running.saturating_sub(1);
                if share.running == 0 && share.waiting.is_empty() {
                    room.tenants.remove(tenant);
                }
            }
        }
        self.serve();
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn share(&mut self, tenant: &TenantId, memory: u64) -> &mut Share {
        self.tenants.entry(tenant.clone()).or_insert_with(|| Share {
            running: 0,
            waiting: VecDeque::new(),
            memory: Arc::new(TenantMemory::new(memory)),
        })
    }

    /// Who waits longest of the tenant with the fewest calls in progress.
    fn next(&mut self, most_of_tenant: u32) -> Option<(oneshot::Sender<Slot>, TenantId)> {
        if self.waiting == 0 {
            return None;
        }
        self.tenants.retain(|_, share| {
            share.waiting.retain(|waiting| !waiting.is_closed());
            share.running > 0 || !share.waiting.is_empty()
        });
        self.waiting = self.tenants.values().map(|share| share.waiting.len()).sum();
        let (tenant, share) = self
            .tenants
            .iter_mut()
            .filter(|(_, share)| !share.waiting.is_empty() && share.running < most_of_tenant)
            .min_by_key(|(_, share)| share.running)?;
        let sender = share.waiting.pop_front()?;
        self.waiting -= 1;
        Some((sender, tenant.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shares.release(&self.tenant);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use tokio::time::timeout;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn now(shares: &Arc<Shares>, name: &str) -> Option<Slot> {
        shares.acquire(&tenant(name)).now_or_never()
    }

    #[tokio::test]
    async fn a_tenant_has_its_share_and_the_rest_is_for_others() {
        let shares = Shares::new(3, 2, 1);
        let (first, second) = (now(&shares, "flood"), now(&shares, "flood"));
        assert!(first.is_some() && second.is_some());
        assert!(now(&shares, "flood").is_none());
        assert!(shares.explain(&tenant("flood")).contains("`runtime.calls_per_tenant`"));
        let other = now(&shares, "other");
        assert!(other.is_some());
        assert!(now(&shares, "third").is_none());
        assert!(shares.explain(&tenant("third")).contains("`runtime.calls`"));
        drop(first);
        assert!(now(&shares, "third").is_some());
    }

    #[tokio::test]
    async fn a_free_slot_goes_to_the_tenant_with_the_fewest_calls_however_long_others_wait() {
        let shares = Shares::new(2, 2, 1);
        let (first, _second) = (now(&shares, "flood").unwrap(), now(&shares, "flood").unwrap());
        let flood: Vec<_> = (0..50)
            .map(|_| {
                let shares = Arc::clone(&shares);
                tokio::spawn(async move { shares.acquire(&tenant("flood")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let quiet = Arc::clone(&shares);
        let quiet = tokio::spawn(async move { quiet.acquire(&tenant("quiet")).await });
        tokio::task::yield_now().await;
        drop(first);
        let _slot = timeout(Duration::from_secs(10), quiet).await.unwrap().unwrap();
        assert!(flood.iter().all(|waiting| !waiting.is_finished()));
    }

    #[tokio::test]
    async fn whoever_stops_waiting_leaves_its_place_to_the_next() {
        let shares = Shares::new(1, 1, 1);
        let (slot, two) = (now(&shares, "one").unwrap(), tenant("two"));
        let mut leaves = Box::pin(shares.acquire(&two));
        assert!(leaves.as_mut().now_or_never().is_none());
        let mut served = Box::pin(shares.acquire(&two));
        assert!(served.as_mut().now_or_never().is_none());
        drop(leaves);
        drop(slot);
        drop(served.as_mut().now_or_never().unwrap());
        let room = shares.room();
        assert!(room.tenants.is_empty());
        assert_eq!((room.running, room.waiting), (0, 0));
    }

    #[tokio::test]
    async fn a_slot_that_nobody_takes_any_more_comes_back() {
        let shares = Shares::new(1, 1, 1);
        let (slot, two) = (now(&shares, "one").unwrap(), tenant("two"));
        let mut leaves = Box::pin(shares.acquire(&two));
        assert!(leaves.as_mut().now_or_never().is_none());
        // The slot is handed over, and its new owner goes without looking.
        drop(slot);
        drop(leaves);
        assert!(now(&shares, "three").is_some());
    }
}
