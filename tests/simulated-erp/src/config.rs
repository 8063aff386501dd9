//! What a ledger is started with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use crate::shelf::MAX_RECORDS;

/// The largest page size that may be configured; a page is one body in memory.
const MAX_PAGE_SIZE: u32 = 10_000;

/// The longest life of a token that may be configured.
const MAX_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

/// The longest delay of every answer that may be configured.
const MAX_LATENCY: Duration = Duration::from_mins(1);

/// The most changes a second that may be configured.
const MAX_CHURN: u32 = 1_000;

/// What a ledger is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The name that `GET /api/v2/ping` answers.
    pub account_name: String,
    /// The OAuth client's id: letters, digits, `-`, `_` and `.`.
    pub client_id: String,
    /// The OAuth client's secret: letters, digits, `-`, `_` and `.`.
    pub client_secret: String,
    /// How long a token lives, at most a day; zero makes tokens that are expired when they arrive.
    pub token_lifetime: Duration,
    /// How many requests a token lives for, if that is bounded too: an expiry in mid-run that no clock decides.
    pub token_uses: Option<u32>,
    /// How many customers there are at the start, at most 999,999; at least 1 if there are invoices.
    pub customers: u32,
    /// How many invoices there are at the start, at most 999,999.
    pub invoices: u32,
    /// What the records are made of: the same seed makes the same records, last changed before 2025-06-20T08:00Z.
    pub seed: u64,
    /// The largest `pageSize` that a list grants, 1 to 10,000.
    pub max_page_size: u32,
    /// How long every answer outside `/_control` is held back, at most a minute.
    pub latency: Duration,
    /// How many changes the ledger makes by itself every second, at most 1,000.
    pub churn_per_second: u32,
}

/// A value that a ledger cannot be started with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {allowed}")]
pub struct ConfigError {
    /// The setting, as its field is named.
    pub setting: &'static str,
    /// What may be set, in words.
    pub allowed: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account_name: "Brindle & Daughters Joinery".to_owned(),
            client_id: "brindle-demo".to_owned(),
            client_secret: "brindle-demo-secret".to_owned(),
            token_lifetime: Duration::from_mins(1),
            token_uses: None,
            customers: 2_000,
            invoices: 5_000,
            seed: 1,
            max_page_size: 500,
            latency: Duration::ZERO,
            churn_per_second: 0,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        within("customers", self.customers, 0..=MAX_RECORDS)?;
        within("invoices", self.invoices, 0..=MAX_RECORDS)?;
        within("max_page_size", self.max_page_size, 1..=MAX_PAGE_SIZE)?;
        within("churn_per_second", self.churn_per_second, 0..=MAX_CHURN)?;
        at_most("token_lifetime", self.token_lifetime, MAX_TOKEN_LIFETIME)?;
        at_most("latency", self.latency, MAX_LATENCY)?;
        plain("client_id", &self.client_id)?;
        plain("client_secret", &self.client_secret)?;
        if self.customers == 0 && 0 < self.invoices {
            return Err(ConfigError {
                setting: "customers",
                allowed: "at least 1 is needed for invoices".to_owned(),
            });
        }
        Ok(())
    }
}

fn within(setting: &'static str, given: u32, allowed: RangeInclusive<u32>) -> Result<(), ConfigError> {
    if allowed.contains(&given) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    Err(ConfigError { setting, allowed: format!("{least} to {most} are allowed, not {given}") })
}

fn at_most(setting: &'static str, given: Duration, most: Duration) -> Result<(), ConfigError> {
    if given <= most {
        return Ok(());
    }
    Err(ConfigError { setting, allowed: format!("at most {most:?} is allowed, not {given:?}") })
}

/// RFC 6749 form-encodes credentials before they become Basic; these characters are the same either way.
fn plain(setting: &'static str, given: &str) -> Result<(), ConfigError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !given.is_empty() && given.bytes().all(is_plain) {
        return Ok(());
    }
    Err(ConfigError {
        setting,
        allowed: "letters, digits, `-`, `_` and `.` are allowed, at least one".to_owned(),
    })
}
