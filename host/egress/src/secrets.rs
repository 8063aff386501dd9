//! Where the values of secrets come from.

use async_trait::async_trait;
use mortise_model::secret::SecretText;

/// The secrets of one instance.
#[async_trait]
pub trait SecretSource: Send + Sync + 'static {
    /// The present value of a secret, after any `replace`. None when it is not set.
    ///
    /// It is asked for every request that needs it: a value remembered from before would send a spent refresh token.
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError>;

    /// Stores a new value in place of the present one, safely on disk, before it answers.
    async fn replace(&self, name: &str, value: SecretText) -> Result<(), SecretError>;
}

/// Why a secret was not read or replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret `{name}` is not available: {reason}")]
pub struct SecretError {
    /// The secret's name.
    pub name: String,
    /// Why, in words that hold no secret.
    pub reason: String,
}
