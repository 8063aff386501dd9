//! CPU time of one call, summed over the polls of its future.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// A poll that took longer may have been interrupted by others for long.
const SHORT: Duration = Duration::from_micros(200);

/// How much CPU time one call has used. Shared by the call's future and its epoch callback, which run on one thread.
///
/// Reading the thread's own clock is a system call that costs as much as a tenth of a small call. So a poll is measured
/// by elapsed time, which is never less, until one was long or reached a tick: from then on it is the thread's clock.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    created: Instant,
    spent: AtomicU64,
    began: AtomicU64,
    exact: AtomicBool,
}

impl CpuMeter {
    /// A meter for a call that begins now.
    pub(crate) fn new() -> Self {
        Self {
            created: Instant::now(),
            spent: AtomicU64::new(0),
            began: AtomicU64::new(0),
            exact: AtomicBool::new(false),
        }
    }

    /// What was used so far, the poll in progress included. To be called within a poll.
    pub(crate) fn spent(&self) -> Duration {
        let spent = self.settle();
        if !self.exact.swap(true, Ordering::Relaxed) {
            self.began.store(thread_time(), Ordering::Relaxed);
        }
        Duration::from_nanos(spent)
    }

    /// Runs a future and counts what its polls use.
    pub(crate) async fn count<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            let began = self.now();
            self.began.store(began, Ordering::Relaxed);
            let poll = future.as_mut().poll(context);
            let before = self.spent.load(Ordering::Relaxed);
            if self.settle().saturating_sub(before) > nanoseconds(SHORT) {
                self.exact.store(true, Ordering::Relaxed);
            }
            poll
        })
        .await
    }

    /// Adds what the poll in progress used since it began or was last settled.
    fn settle(&self) -> u64 {
        let now = self.now();
        let used = now.saturating_sub(self.began.swap(now, Ordering::Relaxed));
        self.spent.fetch_add(used, Ordering::Relaxed).saturating_add(used)
    }

    fn now(&self) -> u64 {
        if self.exact.load(Ordering::Relaxed) { thread_time() } else { nanoseconds(self.created.elapsed()) }
    }
}

fn thread_time() -> u64 {
    // Linux has had this clock since 2.6.12. Without it a call would have its wall time only.
    ThreadTime::try_now().map_or(0, |time| nanoseconds(time.as_duration()))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn waiting_costs_no_cpu_time_and_computing_does() {
        let meter = CpuMeter::new();
        meter.count(pin!(tokio::time::sleep(Duration::from_millis(300)))).await;
        let waited = meter.spent.load(Ordering::Relaxed);
        assert!(waited < 200_000_000, "{waited}");
        let computing = pin!(async {
            while meter.spent() < Duration::from_nanos(waited) + Duration::from_millis(20) {
                std::hint::spin_loop();
            }
        });
        meter.count(computing).await;
        assert!(meter.spent.load(Ordering::Relaxed) >= waited + 20_000_000);
    }
}
