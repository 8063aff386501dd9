//! Errors as problem documents (RFC 9457).
//!
//! A handler answers a [`Problem`]; the outermost layer writes it down, because only that knows the request's id.
//! An error that some other piece made without a document gets one there too.

mod conversion;
mod kinds;
mod render;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use mortise_model::error::FieldError;
use serde_json::{Map, Value};

pub(crate) use self::kinds::{ProblemKind, kind, kind_by_code};
pub(crate) use self::render::{Rendered, render};

/// Why a request was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: &'static ProblemKind,
    detail: String,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of a kind. `detail` says what was wrong, where, and what to do.
    pub(crate) fn new(kind: &'static ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// The host's own failure. The cause goes into the log, never into the answer.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "the host failed");
        Self::new(&kind::INTERNAL, "")
    }

    /// What a request sent breaks rules: every broken rule, each with the place of the member.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [error] => error.to_string(),
            errors => format!("{} members are not valid: see `errors`", errors.len()),
        };
        Self::new(&kind::VALIDATION, detail).with_errors(errors)
    }

    /// One member of what a request sent breaks a rule.
    pub(crate) fn invalid_member(pointer: &str, code: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, message)])
    }

    /// The tenant has no such thing. What another tenant has is answered the same.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(80).collect();
        Self::new(&kind::NOT_FOUND, format!("there is no {what} `{id}`"))
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The same with a further member in the document.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(member.to_owned(), value.into());
        self
    }

    /// The same with a header on the answer. A value that is not one is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// The same, with when to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(http::header::RETRY_AFTER, &seconds.to_string())
    }

    /// The same text, but as a problem of another kind.
    pub(crate) fn into_kind(mut self, kind: &'static ProblemKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> &'static ProblemKind {
        self.0.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}
