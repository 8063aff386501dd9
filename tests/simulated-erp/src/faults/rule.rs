//! What a test asks for.

use axum::http::{Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};

/// The longest time that one fault holds an answer back.
const MAX_DELAY_MS: u64 = 600_000;

/// Lets the requests that match misbehave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// `GET`, `POST` and so on; any if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// What the path must start with, such as `/api/v2/invoices` or `/oauth`.
    #[serde(default = "any_path")]
    pub path_prefix: String,
    /// What the query must hold, such as `page=3`; any if absent.
    #[serde(default)]
    pub query_contains: Option<String>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching requests are met after those; at least 1.
    #[serde(default = "one_time")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

/// A way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Fault {
    /// Answers this status with an error body and does nothing else.
    Status {
        /// 400 to 599.
        status: u16,
    },
    /// Answers 429 and does nothing else.
    TooManyRequests {
        /// What `Retry-After` says; absent without it.
        retry_after: Option<RetryAfter>,
    },
    /// Answers 401 as for an expired token and does nothing else.
    Unauthorized,
    /// Answers 307 to another address and does nothing else.
    Redirect {
        /// Where to.
        location: String,
    },
    /// Never answers and does nothing.
    Hang,
    /// Does what was asked, and never answers.
    HangAfterwards,
    /// Does what was asked, sends the head and half of the body, and closes the connection.
    DropMidBody,
    /// The same without a `Content-Length`: the body is chunked, and its last chunk never comes.
    DropMidChunks,
    /// Ends the life of every token, and answers this request 401.
    RevokeTokens,
    /// Answers 200 with a body that goes on for so many bytes, without saying how many.
    LongBody {
        /// How many, at most 4 GiB.
        bytes: u32,
    },
    /// Does what was asked, and sends half of the JSON as if it were all.
    TruncatedJson,
    /// Answers 200 with a page for people, as a proxy or a log-in page does.
    HtmlPage,
    /// Answers 200 with an error body.
    ErrorObject,
    /// Lists nothing on a page that has records; the rest of the list is right.
    EmptyPage,
    /// Lists the records of the page before as if they were this page's.
    RepeatLastPage,
    /// Lists with a total that is off.
    WrongTotal {
        /// By how many; below zero for too few.
        by: i64,
    },
    /// Does what was asked, and sends the body in small pieces.
    Trickle {
        /// Size of one piece, at least 1.
        chunk_bytes: usize,
        /// Pause before each piece, at most ten minutes.
        pause_ms: u64,
    },
    /// Waits before doing what was asked.
    Slow {
        /// How long, at most ten minutes.
        ms: u64,
    },
    /// Lists, but spoils one record.
    MalformedRecord {
        /// Which of the page, from 0; the last if there are fewer.
        index: usize,
        /// How.
        #[serde(default)]
        damage: Damage,
    },
}

/// What `Retry-After` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u32),
    /// The HTTP date so many seconds from the answer.
    DateInSeconds(u32),
}

/// How a record is spoiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The currency is a number, and the amounts are words; the record's number stays.
    #[default]
    WrongTypes,
    /// The record's number is missing.
    MissingKey,
    /// Instead of the record there is a string.
    NotAnObject,
}

/// A rule that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultRuleError {
    /// `method` is not a method.
    #[error("`{0}` is not an HTTP method; write it like GET")]
    Method(String),
    /// `times` is 0.
    #[error("times is 0; a rule must meet at least one request")]
    NoTimes,
    /// `status` is no error.
    #[error("status is {0}; 400 to 599 are errors")]
    Status(u16),
    /// `location` cannot be sent.
    #[error("location holds a character that a header cannot carry")]
    Location,
    /// A pause that no test waits for.
    #[error("a pause of {0} ms is too long; at most {MAX_DELAY_MS} ms")]
    Delay(u64),
    /// `chunkBytes` is 0.
    #[error("chunkBytes is 0; send at least 1 byte at a time")]
    NoChunk,
    /// Too many rules wait.
    #[error("{limit} rules wait already; clear them with DELETE /_control/faults")]
    TooMany {
        /// How many may wait.
        limit: usize,
    },
}

impl FaultRule {
    /// Meets the next request, whatever it asks.
    pub fn once(fault: Fault) -> Self {
        Self { method: None, path_prefix: any_path(), query_contains: None, skip: 0, times: 1, fault }
    }

    /// Meets the next request of that method whose path starts like that.
    pub fn once_for(method: &str, path_prefix: &str, fault: Fault) -> Self {
        Self { method: Some(method.to_owned()), path_prefix: path_prefix.to_owned(), ..Self::once(fault) }
    }

    pub(super) fn check(&self) -> Result<(), FaultRuleError> {
        if let Some(method) = &self.method
            && (Method::from_bytes(method.as_bytes()).is_err() || *method != method.to_ascii_uppercase())
        {
            return Err(FaultRuleError::Method(method.clone()));
        }
        if self.times == 0 {
            return Err(FaultRuleError::NoTimes);
        }
        match &self.fault {
            Fault::Status { status } if !(400..=599).contains(status) => Err(FaultRuleError::Status(*status)),
            Fault::Redirect { location } if axum::http::HeaderValue::from_str(location).is_err() => {
                Err(FaultRuleError::Location)
            }
            Fault::Slow { ms } | Fault::Trickle { pause_ms: ms, .. } if MAX_DELAY_MS < *ms => {
                Err(FaultRuleError::Delay(*ms))
            }
            Fault::Trickle { chunk_bytes: 0, .. } => Err(FaultRuleError::NoChunk),
            _ => Ok(()),
        }
    }

    pub(super) fn matches(&self, method: &Method, uri: &Uri) -> bool {
        self.method.as_ref().is_none_or(|wanted| method == wanted.as_str())
            && uri.path().starts_with(&self.path_prefix)
            && self
                .query_contains
                .as_ref()
                .is_none_or(|wanted| uri.query().is_some_and(|query| query.contains(wanted)))
    }
}

impl Fault {
    /// The kind, as JSON names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::Unauthorized => "unauthorized",
            Self::Redirect { .. } => "redirect",
            Self::Hang => "hang",
            Self::HangAfterwards => "hang-afterwards",
            Self::DropMidBody => "drop-mid-body",
            Self::DropMidChunks => "drop-mid-chunks",
            Self::RevokeTokens => "revoke-tokens",
            Self::LongBody { .. } => "long-body",
            Self::TruncatedJson => "truncated-json",
            Self::HtmlPage => "html-page",
            Self::ErrorObject => "error-object",
            Self::EmptyPage => "empty-page",
            Self::RepeatLastPage => "repeat-last-page",
            Self::WrongTotal { .. } => "wrong-total",
            Self::Trickle { .. } => "trickle",
            Self::Slow { .. } => "slow",
            Self::MalformedRecord { .. } => "malformed-record",
        }
    }

    /// The status that [`Fault::Status`] answers.
    pub(super) fn status_code(status: u16) -> StatusCode {
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn any_path() -> String {
    "/".to_owned()
}

fn one_time() -> u32 {
    1
}
