//! How long each host wants to be left alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, RETRY_AFTER};
use mortise_model::clock::{Clock, Timestamp};
use mortise_model::id::{PluginName, TenantId};
use tokio::time::Instant;

use crate::recent::Recent;
use crate::target::Target;
use crate::{Delivery, EgressError, EgressErrorKind};

/// The longest that an answer can hold requests back.
const LONGEST: Duration = Duration::from_hours(1);

/// Hosts remembered at the same time.
const MAX_GATES: usize = 10_000;

/// Which host is left alone by whom: what one plugin of one tenant is told holds back no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct GateKey {
    tenant: TenantId,
    plugin: PluginName,
    host: String,
    port: u16,
}

impl GateKey {
    pub(crate) fn new(tenant: &TenantId, plugin: &PluginName, target: &Target) -> Self {
        Self { tenant: tenant.clone(), plugin: plugin.clone(), host: target.host.clone(), port: target.port }
    }
}

/// The gates in front of hosts that sent `Retry-After` (RFC 9110, 10.2.3) with a 429 or 503.
pub(crate) struct Gates {
    clock: Arc<dyn Clock>,
    opens: Mutex<Recent<GateKey, Timestamp>>,
}

impl Gates {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, opens: Mutex::new(Recent::new(MAX_GATES)) }
    }

    /// Closes the gate when the answer asks for it. Answers for how long.
    pub(crate) fn note(&self, key: &GateKey, status: u16, headers: &HeaderMap) -> Option<Duration> {
        if !matches!(status, 429 | 503) {
            return None;
        }
        let now = self.clock.now();
        let wait = retry_after(headers, now)?;
        let mut opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        let until = opens.get(key).map_or(now.plus(wait), |until| (*until).max(now.plus(wait)));
        if opens.is_full() {
            opens.retain(|until| *until > now);
        }
        opens.insert(key.clone(), until, |_| false);
        Some(wait)
    }

    /// When the gate opens. None when it is open.
    fn closed_until(&self, key: &GateKey) -> Option<Timestamp> {
        let mut opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        opens.get(key).copied().filter(|until| *until > self.clock.now())
    }

    /// Whether no answer closed the gate since it was passed.
    pub(crate) fn is_still_open(&self, key: &GateKey, passed: &Passed) -> bool {
        let until = self.closed_until(key);
        until.is_none() || until == passed.until
    }

    /// Waits until the gate opens, or says at once that this is after `deadline`.
    pub(crate) async fn pass(&self, key: &GateKey, deadline: Instant) -> Result<Passed, EgressError> {
        while let Some(until) = self.closed_until(key) {
            let wait = until.since(self.clock.now());
            if Instant::now() + wait >= deadline {
                return Err(retry_later(&key.host, wait));
            }
            tokio::time::sleep(wait).await;
            // The wait itself opened the gate, whatever the clock says; only an answer that came meanwhile closes it.
            let passed = Passed { until: Some(until) };
            if self.is_still_open(key, &passed) {
                return Ok(passed);
            }
        }
        Ok(Passed { until: None })
    }
}

/// A gate that was passed: the closing time that was waited for.
#[derive(Debug)]
pub(crate) struct Passed {
    until: Option<Timestamp>,
}

/// The error of a request that would have to wait too long.
pub(crate) fn retry_later(host: &str, wait: Duration) -> EgressError {
    EgressError {
        kind: EgressErrorKind::RetryLater,
        delivery: Delivery::NotSent,
        retry_after: Some(wait),
        message: format!(
            "`{host}` asked to be left alone for another {} s, which is longer than this request may wait: try again \
             after that",
            wait.as_secs_f64().ceil()
        ),
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        let since_1970 = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Timestamp::from_millis(0).plus(since_1970).since(now)
    };
    Some(wait.min(LONGEST)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use mortise_model::clock::ManualClock;

    use super::*;

    const NOW: &str = "2026-03-01T09:30:00Z";

    fn key() -> GateKey {
        let (tenant, plugin) = ("acme".parse().unwrap(), "a/b".parse().unwrap());
        GateKey { tenant, plugin, host: "h".to_owned(), port: 443 }
    }

    fn wait(value: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, NOW.parse().unwrap())
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_bounded() {
        for (value, seconds) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("0", None),
            ("86400", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sun, 01 Mar 2026 09:31:00 GMT", Some(60)),
            ("Sun, 01 Mar 2026 09:29:00 GMT", None),
            ("Mon, 02 Mar 2026 09:30:00 GMT", Some(3600)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait(value), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[tokio::test]
    async fn a_gate_opens_when_its_time_has_come() {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let gates = Gates::new(clock.clone());
        let key = key();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "30".parse().unwrap())]);
        assert_eq!(gates.note(&key, 200, &headers), None);
        assert!(gates.closed_until(&key).is_none());
        assert_eq!(gates.note(&key, 503, &headers), Some(Duration::from_secs(30)));
        let deadline = Instant::now() + Duration::from_secs(10);
        let error = gates.pass(&key, deadline).await.unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::RetryLater, Delivery::NotSent));
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
        clock.advance(Duration::from_secs(25));
        assert_eq!(
            gates.pass(&key, Instant::now()).await.unwrap_err().retry_after,
            Some(Duration::from_secs(5))
        );
        clock.advance(Duration::from_secs(5));
        assert!(gates.pass(&key, Instant::now()).await.is_ok());
    }

    #[tokio::test]
    async fn a_request_that_waited_passes_although_the_clock_stands_still() {
        let gates = Gates::new(Arc::new(ManualClock::at(NOW.parse().unwrap())));
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "1".parse().unwrap())]);
        gates.note(&key(), 429, &headers);
        let start = Instant::now();
        let passed = gates.pass(&key(), start + Duration::from_mins(1)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert!(gates.is_still_open(&key(), &passed));
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "2".parse().unwrap())]);
        gates.note(&key(), 429, &headers);
        assert!(!gates.is_still_open(&key(), &passed), "another answer closed it again");
    }
}
