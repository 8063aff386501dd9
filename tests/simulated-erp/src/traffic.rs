//! What was asked of the ledger, counted.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// What was asked of the ledger since the start or the last reset; requests to `/_control` are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Answers by request and status: `"GET /api/v2/customers/{no}"` to `"404"` to 3; unknown paths are one entry.
    pub requests: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Access tokens handed out.
    pub tokens_issued: u64,
    /// Records that `POST` made, by kind: `customer`, `invoice`.
    pub creates: BTreeMap<String, u64>,
    /// `POST` requests that were answered with an earlier record because of their `Idempotency-Key`.
    pub idempotent_replays: u64,
    /// Injected faults that met a request, by kind.
    pub faults: BTreeMap<String, u64>,
    /// The most requests in progress at one time.
    pub peak_in_flight: u64,
}

/// How many requests are remembered one by one, the latest.
const REMEMBERED: usize = 10_000;

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When it came.
    pub at: Instant,
    /// Method, path and query.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
}

/// Counts requests.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    in_flight: u64,
    counters: Counters,
    asked: VecDeque<Asked>,
}

/// A request in progress.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Traffic);

impl Counters {
    /// How many requests were answered with that status, by request as in [`Counters::requests`].
    pub fn answered(&self, request: &str, status: u16) -> u64 {
        self.requests.get(request).and_then(|by_status| by_status.get(&status)).copied().unwrap_or_default()
    }
}

impl Traffic {
    pub(crate) fn enter(&self) -> InFlight<'_> {
        let mut tally = self.tally();
        tally.in_flight += 1;
        tally.counters.peak_in_flight = tally.counters.peak_in_flight.max(tally.in_flight);
        InFlight(self)
    }

    pub(crate) fn answered(&self, request: String, status: u16) {
        let mut tally = self.tally();
        *tally.counters.requests.entry(request).or_default().entry(status).or_default() += 1;
    }

    pub(crate) fn remember(&self, asked: Asked) {
        let mut tally = self.tally();
        if REMEMBERED <= tally.asked.len() {
            tally.asked.pop_front();
        }
        tally.asked.push_back(asked);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.tally().asked.iter().cloned().collect()
    }

    pub(crate) fn token_issued(&self) {
        self.tally().counters.tokens_issued += 1;
    }

    pub(crate) fn created(&self, kind: &str) {
        *self.tally().counters.creates.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn replayed(&self) {
        self.tally().counters.idempotent_replays += 1;
    }

    pub(crate) fn fault_met(&self, kind: &str) {
        *self.tally().counters.faults.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally().counters.clone()
    }

    pub(crate) fn reset(&self) {
        let mut tally = self.tally();
        tally.counters = Counters::default();
        tally.asked.clear();
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.tally().in_flight -= 1;
    }
}
