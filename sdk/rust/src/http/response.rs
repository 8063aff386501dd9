//! Reading an answer.

use std::time::Duration;

use chrono::DateTime;
use serde::de::DeserializeOwned;

use crate::bindings::mortise::plugin::http as contract;
use crate::content::Content;
use crate::context;
use crate::http::Error;

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    request: String,
    contract: contract::Response,
}

impl Response {
    pub(crate) fn new(request: String, contract: contract::Response) -> Self {
        Self { request, contract }
    }

    /// The status, 100 to 599.
    pub fn status(&self) -> u16 {
        self.contract.status
    }

    /// Whether the status is one of success: 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every header, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.contract.headers.iter().map(|header| (header.name.as_str(), header.value.as_str()))
    }

    /// The body, in the form that was asked for.
    pub fn body(&self) -> &Content {
        &self.contract.body
    }

    /// What was asked: method and address.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// Goes on with an answer of success (2xx); anything else is [`Error::Refused`].
    pub fn ok(self) -> Result<Self, Error> {
        if self.is_success() { Ok(self) } else { Err(Error::Refused(Box::new(self))) }
    }

    /// Goes on like [`Response::ok`], where "there is no such thing" (404, 410) is an answer too.
    pub fn found(self) -> Result<Option<Self>, Error> {
        if matches!(self.status(), 404 | 410) { Ok(None) } else { self.ok().map(Some) }
    }

    /// Reads the JSON of a success; anything else is [`Error::Refused`] or [`Error::Unexpected`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if !self.is_success() {
            return Err(Error::Refused(Box::new(self.clone())));
        }
        serde_json::from_slice(self.body().as_bytes())
            .map_err(|error| self.unexpected(format!("is not the JSON that was expected: {error}")))
    }

    /// An error for an answer that is not what the far side documents. `message` goes on after "the answer ...".
    pub fn unexpected(&self, message: impl Into<String>) -> Error {
        Error::Unexpected { response: Box::new(self.clone()), message: message.into() }
    }

    /// How long the far side wants to be left alone, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("Retry-After")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = DateTime::parse_from_rfc2822(value).ok()?;
        Some((until.to_utc() - context::now()).to_std().unwrap_or_default())
    }
}
