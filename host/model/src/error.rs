//! The contract's error variant as the host holds it, and what is wrong with one field.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field: `/items/0/quantity`. Empty means the whole document.
    pub pointer: String,
    /// A stable word in kebab case: `required`, `too-long`, `not-unique`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

impl FieldError {
    /// What is wrong at `pointer`.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{pointer}: {}", self.message)
    }
}

/// Why a call into a plugin, or one item of it, did not succeed: the contract's `error` variant.
///
/// The host acts on the case; people read the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PluginError {
    /// Try again later, never before `after_ms` milliseconds have passed.
    #[error("{message}")]
    Retryable {
        /// How long to wait. None lets the host choose.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        after_ms: Option<u32>,
        /// One sentence for a person.
        message: String,
    },
    /// The input was refused. A retry would not help.
    #[error("the input was refused: {}", join(.errors))]
    Rejected {
        /// Every field that is wrong.
        errors: Vec<FieldError>,
    },
    /// The far side does not accept the credentials.
    #[error("the far side does not accept the credentials: {message}")]
    Unauthorized {
        /// One sentence for a person.
        message: String,
    },
    /// The named thing does not exist.
    #[error("not found: {message}")]
    NotFound {
        /// One sentence for a person.
        message: String,
    },
    /// The thing changed since it was read, or exists already.
    #[error("conflict: {message}")]
    Conflict {
        /// One sentence for a person.
        message: String,
    },
    /// The grant does not allow this.
    #[error("denied: {message}")]
    Denied {
        /// What to grant.
        message: String,
    },
    /// A budget is used up.
    #[error("a limit was reached: {message}")]
    Quota {
        /// Which limit.
        message: String,
    },
    /// The plugin does not implement this function.
    #[error("not supported by the plugin: {message}")]
    Unsupported {
        /// What was asked for.
        message: String,
    },
    /// A definite failure that a person has to look at.
    #[error("{message} ({code})")]
    Failed {
        /// A stable word in kebab case, the plugin's own or the far side's.
        code: String,
        /// One sentence for a person.
        message: String,
        /// What the far side answered, with secrets left out, at most 16 KiB.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        answer: Option<String>,
    },
    /// None of the others. Treated as failed.
    #[error("{message}")]
    Other {
        /// One sentence for a person.
        message: String,
    },
}

impl PluginError {
    /// A failure that may pass, with the host choosing when to try again.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable { after_ms: None, message: message.into() }
    }

    /// A definite failure.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed { code: code.into(), message: message.into(), answer: None }
    }

    /// Whether the same work may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable { .. })
    }
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
