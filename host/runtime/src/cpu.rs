//! Thread CPU time of one call, summed over the polls of its future.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How much CPU time one call has used. Shared by the call's future and its epoch callback, which run on one thread.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    spent: AtomicU64,
    began: AtomicU64,
}

impl CpuMeter {
    /// What was used so far, the poll in progress included. To be called within a poll.
    pub(crate) fn spent(&self) -> Duration {
        let poll = thread_time().saturating_sub(self.began.load(Ordering::Relaxed));
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(poll))
    }

    /// Runs a future and counts what its polls use.
    pub(crate) async fn count<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let began = thread_time();
            self.began.store(began, Ordering::Relaxed);
            let poll = future.as_mut().poll(context);
            self.spent.fetch_add(thread_time().saturating_sub(began), Ordering::Relaxed);
            poll
        })
        .await
    }
}

fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_costs_no_cpu_time_and_computing_does() {
        let meter = CpuMeter::default();
        meter.count(tokio::time::sleep(Duration::from_millis(300))).await;
        let waited = meter.spent.load(Ordering::Relaxed);
        assert!(waited < 200_000_000, "{waited}");
        meter
            .count(async {
                while meter.spent() < Duration::from_nanos(waited) + Duration::from_millis(20) {
                    std::hint::spin_loop();
                }
            })
            .await;
        assert!(meter.spent.load(Ordering::Relaxed) >= waited + 20_000_000);
    }
}
