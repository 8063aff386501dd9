//! The contract's error, and how to make one.

use std::time::Duration;

pub use crate::bindings::mortise::plugin::types::Error;
use crate::bindings::mortise::plugin::types::{Fault, FieldError, Retry};

/// What a plugin's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Most bytes of a far side's answer that an error carries. The host keeps no more.
const MAX_ANSWER: usize = 16 * 1024;

impl Error {
    /// A failure that may pass. The host chooses when to try again.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable(Retry { after_ms: None, message: message.into() })
    }

    /// A failure that may pass, not before `delay` is over. At most 24 days are told.
    pub fn retryable_after(delay: Duration, message: impl Into<String>) -> Self {
        Self::Retryable(Retry { after_ms: Some(milliseconds(delay)), message: message.into() })
    }

    /// A definite failure. `code` is a stable word in kebab case.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed(Fault { code: code.into(), message: message.into(), answer: None })
    }

    /// A definite failure with what the far side answered, of which the first 16 KiB are kept.
    pub fn failed_with_answer(
        code: impl Into<String>,
        message: impl Into<String>,
        answer: impl Into<String>,
    ) -> Self {
        let mut answer = answer.into();
        answer.truncate(answer.floor_char_boundary(MAX_ANSWER));
        Self::Failed(Fault { code: code.into(), message: message.into(), answer: Some(answer) })
    }

    /// An input whose one field is wrong. `pointer` is a JSON Pointer: `/lines/0/quantity`.
    pub fn rejected(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Rejected(vec![FieldError {
            pointer: pointer.into(),
            code: code.into(),
            message: message.into(),
        }])
    }

    /// The sentence for a person. Of several wrong fields, those of all, each with its pointer.
    pub fn message(&self) -> String {
        match self {
            Self::Retryable(retry) => retry.message.clone(),
            Self::Failed(fault) => fault.message.clone(),
            Self::Rejected(fields) => {
                let lines: Vec<_> =
                    fields.iter().map(|field| format!("{}: {}", field.pointer, field.message)).collect();
                lines.join("; ")
            }
            Self::Unauthorized(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::Denied(message)
            | Self::Quota(message)
            | Self::Unsupported(message)
            | Self::Other(message) => message.clone(),
        }
    }

    /// The plugin does not offer this.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// Whole milliseconds, at most the largest number the contract carries.
pub(crate) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_at_the_limit_between_two_characters() {
        let answer = format!("{}é", "x".repeat(MAX_ANSWER - 1));
        let Error::Failed(fault) = Error::failed_with_answer("bad", "bad", answer) else { panic!() };
        assert_eq!(fault.answer.unwrap().len(), MAX_ANSWER - 1);
    }

    #[test]
    fn no_delay_is_larger_than_the_contract_carries() {
        let Error::Retryable(retry) = Error::retryable_after(Duration::MAX, "later") else { panic!() };
        assert_eq!(retry.after_ms, Some(2_147_483_647));
    }
}
