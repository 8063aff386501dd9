//! Slows down whoever tries secrets: after some failures a client's id is refused for the rest of a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mortise_model::clock::Timestamp;

/// Failures within a window before a client's id is refused.
const MOST: u32 = 10;
/// How long a window lasts from its first failure.
const WINDOW: Duration = Duration::from_mins(1);
/// Most ids that are watched. Beyond, the windows that are over are forgotten, and new ids wait for room.
const MAX_WATCHED: usize = 10_000;
/// Longest part of an id that is remembered, in characters.
const MAX_ID: usize = 80;

/// The failures of this process, by client id.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<String, Window>>);

#[derive(Debug)]
struct Window {
    since: Timestamp,
    count: u32,
}

impl Window {
    fn ends(&self) -> Timestamp {
        self.since.plus(WINDOW)
    }
}

impl Failures {
    /// How many seconds a client's id is refused for. None when it may try.
    pub(crate) fn refused_for(&self, client: &str, now: Timestamp) -> Option<u64> {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = watched.get(&shortened(client))?;
        (window.count >= MOST && now < window.ends()).then(|| window.ends().since(now).as_secs().max(1))
    }

    /// Notes a failure.
    pub(crate) fn note(&self, client: &str, now: Timestamp) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.len() >= MAX_WATCHED {
            watched.retain(|_, window| now < window.ends());
        }
        let client = shortened(client);
        if watched.len() >= MAX_WATCHED && !watched.contains_key(&client) {
            return;
        }
        let window = watched.entry(client).or_insert(Window { since: now, count: 0 });
        if now >= window.ends() {
            *window = Window { since: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
    }
}

fn shortened(client: &str) -> String {
    client.chars().take(MAX_ID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_a_minute_close_the_door_until_the_minute_is_over() {
        let failures = Failures::default();
        let start = Timestamp::from_millis(0);
        for _ in 0..MOST {
            assert_eq!(failures.refused_for("a", start), None);
            failures.note("a", start);
        }
        assert_eq!(failures.refused_for("a", start), Some(60));
        assert_eq!(failures.refused_for("b", start), None);
        assert_eq!(failures.refused_for("a", start.plus(WINDOW)), None);
        failures.note("a", start.plus(WINDOW));
        assert_eq!(failures.refused_for("a", start.plus(WINDOW)), None);
    }

    #[test]
    fn no_more_ids_than_the_most_are_remembered() {
        let failures = Failures::default();
        for number in 0..=MAX_WATCHED {
            failures.note(&number.to_string(), Timestamp::from_millis(0));
        }
        assert_eq!(failures.0.lock().unwrap().len(), MAX_WATCHED);
        failures.note("late", Timestamp::from_millis(0).plus(WINDOW));
        assert_eq!(failures.0.lock().unwrap().len(), 1);
    }
}
