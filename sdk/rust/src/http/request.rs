//! Building and sending a request.

use std::fmt::Display;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::bindings::mortise::plugin::http as contract;
use crate::bindings::mortise::plugin::http::{BodyForm, Delivery, HttpError, HttpErrorKind, Method};
use crate::bindings::mortise::plugin::types::NameValue;
use crate::content::Content;
use crate::error::milliseconds;
use crate::host;
use crate::http::{Error, Response};

/// What stands as it is in a path segment or query: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that is being built.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    contract: contract::Request,
    problem: Option<String>,
}

/// Reads.
pub fn get(url: impl Into<String>) -> Request {
    Request::new(Method::Get, url)
}

/// Reads the headers alone.
pub fn head(url: impl Into<String>) -> Request {
    Request::new(Method::Head, url)
}

/// Creates, or asks for work.
pub fn post(url: impl Into<String>) -> Request {
    Request::new(Method::Post, url)
}

/// Writes the whole state.
pub fn put(url: impl Into<String>) -> Request {
    Request::new(Method::Put, url)
}

/// Writes a part of the state.
pub fn patch(url: impl Into<String>) -> Request {
    Request::new(Method::Patch, url)
}

/// Removes.
pub fn delete(url: impl Into<String>) -> Request {
    Request::new(Method::Delete, url)
}

impl Request {
    /// A request of any method to an absolute `https:` address.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            contract: contract::Request {
                method,
                url: url.into(),
                headers: Vec::new(),
                body: None,
                credential: None,
                expect: BodyForm::Text,
                options: None,
            },
            problem: None,
        }
    }

    /// Adds one segment to the path, encoded. Before the first [`Request::query`].
    pub fn segment(mut self, segment: impl Display) -> Self {
        let url = &mut self.contract.url;
        if !url.ends_with('/') {
            url.push('/');
        }
        url.extend(utf8_percent_encode(&segment.to_string(), RESERVED));
        self
    }

    /// Adds a query parameter, encoded.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let url = &mut self.contract.url;
        url.push(if url.contains('?') { '&' } else { '?' });
        url.extend(utf8_percent_encode(name, RESERVED));
        url.push('=');
        url.extend(utf8_percent_encode(&value.to_string(), RESERVED));
        self
    }

    /// Adds a query parameter where there is a value.
    pub fn query_if_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.contract.headers.push(NameValue { name: name.into(), value: value.to_string() });
        self
    }

    /// Has the host apply a credential that the manifest declares.
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.contract.credential = Some(name.into());
        self
    }

    /// Sends a body as it is.
    pub fn body(mut self, content_type: &str, body: impl Into<Content>) -> Self {
        self.contract.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    /// Sends a body as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.problem = Some(format!("the body cannot be written as JSON: {error}"));
                self
            }
        }
    }

    /// Asks for the answer's body as bytes instead of text.
    pub fn expect_bytes(mut self) -> Self {
        self.contract.expect = BodyForm::Bytes;
        self
    }

    /// Limits the time of the whole exchange. The grant's limit holds as well.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout_ms = Some(milliseconds(timeout));
        self
    }

    /// Limits the answer's body, in bytes after decompression. The grant's limit holds as well.
    pub fn max_body(mut self, bytes: u32) -> Self {
        self.options().max_body_bytes = Some(bytes);
        self
    }

    /// Sends it and waits for the answer, whatever its status.
    pub fn send(self) -> Result<Response, Error> {
        let name = self.name();
        let request = self.checked()?;
        let answer =
            host::http::send(&request).map_err(|error| Error::Unanswered { request: name.clone(), error })?;
        Ok(Response::new(name, answer))
    }

    /// Sends it and returns at once.
    pub fn start(self) -> Result<Pending, Error> {
        let name = self.name();
        let request = self.checked()?;
        match host::http::start(&request) {
            Ok(pending) => Ok(Pending { name, pending }),
            Err(error) => Err(Error::Unanswered { request: name, error }),
        }
    }

    fn options(&mut self) -> &mut contract::RequestOptions {
        self.contract
            .options
            .get_or_insert(contract::RequestOptions { timeout_ms: None, max_body_bytes: None })
    }

    /// Method and address, without the query.
    fn name(&self) -> String {
        let url = self.contract.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {url}", self.contract.method.name())
    }

    fn checked(self) -> Result<contract::Request, Error> {
        match self.problem {
            None => Ok(self.contract),
            Some(ref message) => Err(Error::Unanswered {
                request: self.name(),
                error: HttpError {
                    kind: HttpErrorKind::Invalid,
                    delivery: Delivery::NotSent,
                    retry_after_ms: None,
                    message: message.clone(),
                },
            }),
        }
    }
}

impl Method {
    /// The method in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// A request in flight. Dropping it cancels it.
#[derive(Debug)]
pub struct Pending {
    name: String,
    pending: host::http::Pending,
}

impl Pending {
    /// True once the answer is there.
    pub fn is_ready(&self) -> bool {
        self.pending.is_ready()
    }

    /// Waits for the answer, whatever its status.
    pub fn wait(self) -> Result<Response, Error> {
        match self.pending.wait() {
            Ok(answer) => Ok(Response::new(self.name, answer)),
            Err(error) => Err(Error::Unanswered { request: self.name, error }),
        }
    }
}

/// Waits until at least one request is ready, and returns the positions of those that are, in rising order.
pub fn wait_any(requests: &[&Pending]) -> Vec<usize> {
    let pending: Vec<_> = requests.iter().map(|request| &request.pending).collect();
    host::http::wait_any(&pending).into_iter().filter_map(|position| usize::try_from(position).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_an_address_cannot_leave_its_place() {
        let request = get("https://erp.example/api/").segment("a/b?c").query("q", "x&y=z é").query("page", 2);
        assert_eq!(request.contract.url, "https://erp.example/api/a%2Fb%3Fc?q=x%26y%3Dz%20%C3%A9&page=2");
        assert_eq!(request.name(), "GET https://erp.example/api/a%2Fb%3Fc");
    }
}
