//! How long to wait before trying again.

use std::time::Duration;

use rand::RngExt as _;

/// Exponential backoff with jitter and an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// By how much each wait is longer than the last.
    pub factor: f64,
    /// The longest wait.
    pub longest: Duration,
    /// Attempts in all. After the last there is no wait but an end.
    pub attempts: u32,
}

impl Backoff {
    /// The wait after attempt number `attempt` (from 1); None when it was the last.
    ///
    /// Between half and all of the exponential wait, at random, so that what failed together is not retried
    /// together.
    pub fn delay(&self, attempt: u32) -> Option<Duration> {
        self.ceiling(attempt).map(|ceiling| ceiling.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }

    /// The longest that [`Backoff::delay`] may answer.
    pub fn ceiling(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(self.longest).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), factor: 2.0, longest: Duration::from_secs(10), attempts: 6 };

    #[test]
    fn waits_double_up_to_the_longest_and_then_end() {
        let ceilings: Vec<_> =
            (1..=6).map(|attempt| BACKOFF.ceiling(attempt).map(|wait| wait.as_secs())).collect();
        assert_eq!(ceilings, [Some(1), Some(2), Some(4), Some(8), Some(10), None]);
    }

    #[test]
    fn a_wait_is_between_half_and_all_of_its_ceiling() {
        for _ in 0..200 {
            let delay = BACKOFF.delay(3).unwrap();
            assert!(delay >= Duration::from_secs(2) && delay <= Duration::from_secs(4), "{delay:?}");
        }
    }

    #[test]
    fn a_number_of_attempts_beyond_any_bound_does_not_overflow() {
        let endless = Backoff { attempts: u32::MAX, ..BACKOFF };
        assert_eq!(endless.ceiling(u32::MAX - 1), Some(Duration::from_secs(10)));
    }
}
