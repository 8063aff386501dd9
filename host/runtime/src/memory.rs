//! Linear memory and tables: of one call, and of all calls together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use wasmtime::ResourceLimiter;

use crate::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLES};

/// What a table's element takes.
const ELEMENT: u64 = 16;

/// The memory of all calls together.
#[derive(Debug)]
pub(crate) struct HostMemory {
    most: u64,
    used: AtomicU64,
    gauge: Gauge,
}

impl HostMemory {
    pub(crate) fn new(most: u64, gauge: Gauge) -> Self {
        Self { most, used: AtomicU64::new(0), gauge }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= self.most)
        });
        if taken.is_ok() {
            self.gauge.inc_by(signed(bytes));
        }
        taken.is_ok()
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.gauge.dec_by(signed(bytes));
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
    host: Arc<HostMemory>,
    exhausted: Option<Exhausted>,
}

impl MemoryBudget {
    pub(crate) fn new(most: u64, host: Arc<HostMemory>) -> Self {
        Self { most, used: 0, last: 0, host, exhausted: None }
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
        if !self.host.take(bytes) {
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
        self.host.give(bytes);
    }
}

impl Drop for MemoryBudget {
    fn drop(&mut self) {
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

    #[test]
    fn memories_and_tables_of_a_call_count_together() {
        let host = Arc::new(HostMemory::new(1 << 30, Gauge::default()));
        let mut call = MemoryBudget::new(200_000, Arc::clone(&host));
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        assert!(call.table_growing(0, 1_000, None).unwrap());
        assert!(!call.memory_growing(65_536, 131_072, None).unwrap());
        assert_eq!(call.exhausted(), Some(Exhausted::Call));
    }

    #[test]
    fn what_a_call_had_goes_back_to_the_host_when_it_ends() {
        let host = Arc::new(HostMemory::new(100_000, Gauge::default()));
        let mut first = MemoryBudget::new(1 << 20, Arc::clone(&host));
        let mut second = MemoryBudget::new(1 << 20, Arc::clone(&host));
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
        let mut call = MemoryBudget::new(1 << 20, Arc::clone(&host));
        assert!(call.memory_growing(0, 65_536, None).unwrap());
        call.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert_eq!(host.used.load(Ordering::Relaxed), 0);
    }
}
