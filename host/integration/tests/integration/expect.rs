//! What an error must be, or the test says what it was.

use std::fmt::Debug;

use mortise_integration::IntegrationError;

/// Pointers and codes of a request that was refused.
pub(crate) fn invalid<T: Debug>(result: Result<T, IntegrationError>) -> Vec<(String, String)> {
    match result {
        Err(IntegrationError::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.pointer, error.code)).collect()
        }
        other => panic!("expected a refusal with pointers, got {other:?}"),
    }
}

/// The one place and code of a request that was refused.
pub(crate) fn invalid_at<T: Debug>(result: Result<T, IntegrationError>, pointer: &str, code: &str) {
    assert_eq!(invalid(result), [(pointer.to_owned(), code.to_owned())]);
}

/// The message of a conflict.
pub(crate) fn conflict<T: Debug>(result: Result<T, IntegrationError>) -> String {
    match result {
        Err(IntegrationError::Conflict(message)) => message,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// The message of a limit.
pub(crate) fn limit<T: Debug>(result: Result<T, IntegrationError>) -> String {
    match result {
        Err(IntegrationError::Limit(message)) => message,
        other => panic!("expected a limit, got {other:?}"),
    }
}

/// That there is no such thing.
pub(crate) fn not_found<T: Debug>(result: Result<T, IntegrationError>, expected: &str) {
    match result {
        Err(IntegrationError::NotFound { what, .. }) => assert_eq!(what, expected),
        other => panic!("expected that there is no {expected}, got {other:?}"),
    }
}

/// That it changed meanwhile.
pub(crate) fn changed<T: Debug>(result: Result<T, IntegrationError>) {
    match result {
        Err(IntegrationError::Changed { .. }) => {}
        other => panic!("expected that it changed meanwhile, got {other:?}"),
    }
}
