//! Waking those who wait for jobs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mortise_model::clock::Timestamp;
use tokio::sync::watch;

/// Counts the times at which jobs may have become due, and remembers the last look.
pub(super) struct Wake {
    news: watch::Sender<u64>,
    last_claim: Mutex<Option<LastClaim>>,
}

#[derive(Clone, Copy)]
struct LastClaim {
    /// The news that the claim knew of.
    news: u64,
    /// What time it was for who claimed.
    now: Timestamp,
    at: Instant,
}

impl Wake {
    pub(super) fn new() -> Self {
        Self { news: watch::Sender::new(0), last_claim: Mutex::new(None) }
    }

    /// Says that jobs may be due that were not before.
    pub(super) fn announce(&self) {
        self.news.send_modify(|news| *news += 1);
    }

    /// Notes that somebody looks for jobs. The store has no clock but theirs.
    pub(super) fn note_claim(&self, now: Timestamp) {
        let claim = LastClaim { news: *self.news.borrow(), now, at: Instant::now() };
        *self.last_claim.lock().unwrap_or_else(PoisonError::into_inner) = Some(claim);
    }

    /// Waits for news since the last claim, for the time that `next_time` answers for a present time, or for
    /// `timeout`.
    pub(super) async fn wait(&self, timeout: Duration, next_time: impl FnOnce(i64) -> Option<i64>) {
        let mut news = self.news.subscribe();
        let last_claim = *self.last_claim.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = timeout;
        if let Some(claim) = last_claim {
            if *news.borrow_and_update() != claim.news {
                return;
            }
            let claimed_at = claim.now.as_millis();
            if let Some(next) = next_time(claimed_at) {
                let until_next = Timestamp::from_millis(next).since(claim.now);
                wait = wait.min(until_next.saturating_sub(claim.at.elapsed()));
            }
        }
        // Both ends of the wait are the same to who waits: look again.
        let _ = tokio::time::timeout(wait, news.changed()).await;
    }
}
