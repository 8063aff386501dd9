//! What went wrong, in a sentence.

use std::fmt;

/// What went wrong, in a sentence. Shows itself the same way to `unwrap` and to people.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

/// What came of something that may fail.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure of this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Puts what was tried before why it failed.
    pub fn of<E: fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
