//! A request and its answer.

use std::time::Duration;

use bytes::Bytes;

/// The methods of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

impl Method {
    /// The name in capitals.
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

/// A request as a plugin asks for it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute address.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Bytes>,
    /// The credential to apply, by name.
    pub credential: Option<String>,
    /// Time for the whole exchange; None takes the operator's.
    pub timeout: Option<Duration>,
    /// Body bytes to accept; None takes the operator's.
    pub max_body_bytes: Option<u32>,
}

/// An answer with its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, in order; those that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Bytes,
}
