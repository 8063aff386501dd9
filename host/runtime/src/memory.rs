//! Linear memory and tables: of one call, and of all calls together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use wasmtime::ResourceLimiter;

use crate::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLES};

/// What a table's element takes.
const ELEMENT: u64 = 16;

/// Memory that several calls have together.
#[derive(Debug)]
struct Total {
    most: u64,
    used: AtomicU64,
}

impl Total {
    fn take(&self, bytes: u64) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= self.most)
        });
        taken.is_ok()
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The memory of all calls together.
#[derive(Debug)]
pub(crate) struct HostMemory {
    total: Total,
    gauge: Gauge,
}

impl HostMemory {
    pub(crate) fn new(most: u64, gauge: Gauge) -> Self {
        Self { total: Total { most, used: AtomicU64::new(0) }, gauge }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self.total.take(bytes);
        if taken {
            self.gauge.inc_by(signed(bytes));
        }
        taken
    }

    fn give(&self, bytes: u64) {
        self.total.give(bytes);
        self.gauge.dec_by(signed(bytes));
    }
}

/// The memory of all calls of one tenant.
#[derive(Debug)]
pub(crate) struct TenantMemory(Total);

impl TenantMemory {
    pub(crate) fn new(most: u64) -> Self {
        Self(Total { most, used: AtomicU64::new(0) })
    }

    /// What the tenant's calls may have together.
    pub(crate) fn most(&self) -> u64 {
        self.0.most
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Whose memory was used up when more was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// The call's own.
    Call,
    /// That of the tenant's calls together, and how much it is.
    Tenant(u64),
    /// The host's.
    Host,
}

/// The memory of one call: every memory and table of its store. Given back when dropped.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    most: u64,
    used: u64,
    /// What was allowed last, in case that the growth itself fails.
    last: u64,
    tenant: Arc<TenantMemory>,
    host: Arc<HostMemory>,
    exhausted: Option<Exhausted>,
}

impl MemoryBudget {
    pub(crate) fn new(most: u64, tenant: Arc<TenantMemory>, host: Arc<HostMemory>) -> Self {
        Self { most, used: 0, last: 0, tenant, host, exhausted: None }
    }

    /// Why growing was refused, if it was.
    pub(crate) fn exhausted(&self) -> Option<Exhausted> {
        self.exhausted
    }

    fn grow(&mut self, bytes: u64) -> bool {
        self.last = 0;
        if self.used.saturating_add(bytes) > self.most {
            self.exhausted = Some(Exhausted::Call);
            return false;
        }
        if !self.tenant.0.take(bytes) {
            self.exhausted = Some(Exhausted::Tenant(self.tenant.most()));
            return false;
        }
        if !self.host.take(bytes) {
            self.tenant.0.give(bytes);
            self.exhausted = Some(Exhausted::Host);
            return false;
        }
        self.used += bytes;
        self.last = bytes;
        true
    }

    fn undo(&mut self) {
        let bytes = std::mem::take(&mut self.last);
        self.used = self.used.saturating_sub(bytes);
        self.tenant.0.give(bytes);
        self.host.give(bytes);
    }
}

impl Drop for MemoryBudget {
    fn drop(&mut self) {
        self.tenant.0.give(self.used);
        self.host.give(self.used);
    }
}

fn difference(current: usize, desired: usize) -> u64 {
    u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX)
}

// A guest that is refused is told so, as the specification has it, and most then abort by themselves. Trapping here
// would take the chance from those that cope.
impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(difference(current, desired)))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(difference(current, desired).saturating_mul(ELEMENT)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(most: u64) -> Arc<TenantMemory> {
        Arc::new(TenantMemory::new(most))
    }

    #[test]
    fn memories_and_tables_of_a_call_count_together() {
        let host = Arc::new(HostMemory::new(1 << 30, Gauge::default()));
        let mut call = MemoryBudget::new(200_000, tenant(1 << 30), Arc::clone(&host));
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        assert!(call.table_growing(0, 1_000, None).unwrap());
        assert!(!call.memory_growing(65_536, 131_072, None).unwrap());
        assert_eq!(call.exhausted(), Some(Exhausted::Call));
    }

    #[test]
    fn what_a_call_had_goes_back_to_the_host_when_it_ends() {
        let host = Arc::new(HostMemory::new(100_000, Gauge::default()));
        let mut first = MemoryBudget::new(1 << 20, tenant(1 << 30), Arc::clone(&host));
        let mut second = MemoryBudget::new(1 << 20, tenant(1 << 30), Arc::clone(&host));
        assert!(first.memory_growing(0, 65_536, None).unwrap());
        assert!(!second.memory_growing(0, 65_536, None).unwrap());
        assert_eq!(second.exhausted(), Some(Exhausted::Host));
        drop(first);
        assert!(second.memory_growing(0, 65_536, None).unwrap());
        assert_eq!(host.gauge.get(), 65_536);
    }

    #[test]
    fn a_growth_that_fails_is_not_counted() {
        let host = Arc::new(HostMemory::new(100_000, Gauge::default()));
        let mut call = MemoryBudget::new(1 << 20, tenant(1 << 30), Arc::clone(&host));
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        call.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert_eq!(host.total.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn calls_of_one_tenant_have_their_memory_together_and_leave_that_of_others_alone() {
        let host = Arc::new(HostMemory::new(1 << 30, Gauge::default()));
        let flood = tenant(100_000);
        let mut first = MemoryBudget::new(1 << 20, Arc::clone(&flood), Arc::clone(&host));
        let mut second = MemoryBudget::new(1 << 20, Arc::clone(&flood), Arc::clone(&host));
        let mut other = MemoryBudget::new(1 << 20, tenant(100_000), Arc::clone(&host));
        assert!(first.memory_growing(0, 65_536, None).unwrap());
        assert!(!second.memory_growing(0, 65_536, None).unwrap());
        assert_eq!(second.exhausted(), Some(Exhausted::Tenant(100_000)));
        assert!(other.memory_growing(0, 65_536, None).unwrap());
        drop(first);
        assert!(second.memory_growing(0, 65_536, None).unwrap());
    }

    #[test]
    fn what_the_host_refuses_is_not_counted_for_the_tenant() {
        let host = Arc::new(HostMemory::new(1, Gauge::default()));
        let own = tenant(100_000);
        let mut call = MemoryBudget::new(1 << 20, Arc::clone(&own), host);
        assert!(!call.memory_growing(0, 65_536, None).unwrap());
        assert_eq!(own.0.used.load(Ordering::Relaxed), 0);
    }
}
