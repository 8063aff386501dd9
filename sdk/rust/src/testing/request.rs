//! What a plugin sent.

use serde::de::DeserializeOwned;
use url::Url;

use crate::bindings::mortise::plugin::http as contract;
use crate::bindings::mortise::plugin::http::Method;
use crate::bindings::mortise::plugin::types::Content;

/// A request that a plugin sent.
#[derive(Debug, Clone)]
pub struct Request {
    url: Url,
    contract: contract::Request,
}

impl Request {
    /// None when the address is not one.
    pub(crate) fn new(contract: contract::Request) -> Option<Self> {
        let url = Url::parse(&contract.url).ok().filter(Url::has_host)?;
        Some(Self { url, contract })
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.contract.method
    }

    /// The whole address.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Host and port, the port where it is not the scheme's own.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path, as it was encoded.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The first query parameter of this name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.contract.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(&header.value)
    }

    /// The credential it names.
    pub fn credential(&self) -> Option<&str> {
        self.contract.credential.as_deref()
    }

    /// The body.
    pub fn body(&self) -> Option<&Content> {
        self.contract.body.as_ref()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When there is none, or it is not what `T` expects.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        let body = self.contract.body.as_ref().map(Content::as_bytes).unwrap_or_default();
        match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => panic!("the body of {} is not the JSON that was expected: {error}", self.url),
        }
    }
}
