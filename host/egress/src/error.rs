//! Why there is no answer.

use std::time::Duration;

/// Why there is no answer. As the contract's `http-error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EgressError {
    /// The kind.
    pub kind: EgressErrorKind,
    /// Whether the request may have arrived.
    pub delivery: Delivery,
    /// How long the far side wants to be left alone, where it said so.
    pub retry_after: Option<Duration>,
    /// One sentence for a person. Names the grant or limit to change. Never holds a secret.
    pub message: String,
}

impl EgressError {
    pub(crate) fn new(kind: EgressErrorKind, delivery: Delivery, message: impl Into<String>) -> Self {
        Self { kind, delivery, retry_after: None, message: message.into() }
    }
}

/// What went wrong below HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EgressErrorKind {
    /// The grant does not allow the host, method or credential.
    Denied,
    /// The host is, or leads to, an address that requests may not reach.
    ForbiddenAddress,
    /// The request is malformed.
    Invalid,
    /// The name does not resolve.
    Dns,
    /// No connection, or it broke.
    Connection,
    /// The TLS handshake failed.
    Tls,
    /// Time ran out.
    Timeout,
    /// The answer is larger than allowed.
    TooLarge,
    /// The call's requests or bytes are used up.
    Quota,
    /// The far side asked to be left alone for longer than the request may wait.
    RetryLater,
    /// The token endpoint refused the credential.
    Unauthorized,
    /// The run was cancelled.
    Cancelled,
    /// The answer is not HTTP.
    Protocol,
    /// Anything else.
    Other,
}

/// Whether the far side may have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No byte left the host.
    NotSent,
    /// The request left and no whole answer came.
    Unknown,
}

/// Why the host cannot send requests at all.
#[derive(Debug, thiserror::Error)]
#[error("requests cannot be sent: {message}")]
pub struct EgressSetupError {
    pub(crate) message: String,
}
