//! Keeping the values of secrets out of what people read.

use std::borrow::Cow;

use mortise_egress::{SecretError, SecretSource};
use mortise_model::error::{FieldError, PluginError};
use mortise_model::secret::SecretText;

/// What stands in place of a secret.
const MASK: &str = "***";
/// Shorter values are not looked for: they stand in ordinary words.
const SHORTEST: usize = 4;

/// The secrets of an instance, to be replaced wherever they appear.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    /// The longest first: one may hold another.
    values: Vec<SecretText>,
}

impl Masks {
    /// Replaces these values.
    pub(crate) fn new(mut values: Vec<SecretText>) -> Self {
        values.retain(|value| value.reveal().chars().count() >= SHORTEST);
        values.sort_by_key(|value| std::cmp::Reverse(value.reveal().len()));
        Self { values }
    }

    /// Replaces the values of the secrets with these names.
    pub(crate) async fn load(source: &dyn SecretSource, names: &[String]) -> Result<Self, SecretError> {
        let mut values = Vec::with_capacity(names.len());
        for name in names {
            values.extend(source.secret(name).await?);
        }
        Ok(Self::new(values))
    }

    /// The text without secrets.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for value in &self.values {
            if masked.contains(value.reveal()) {
                masked = Cow::Owned(masked.replace(value.reveal(), MASK));
            }
        }
        masked
    }

    /// The text without secrets.
    pub(crate) fn apply_owned(&self, text: String) -> String {
        match self.apply(&text) {
            Cow::Owned(masked) => masked,
            Cow::Borrowed(_) => text,
        }
    }

    /// The error without secrets in any of its texts.
    pub(crate) fn apply_to_error(&self, error: PluginError) -> PluginError {
        let mask = |text: String| self.apply_owned(text);
        match error {
            PluginError::Retryable { after_ms, message } => {
                PluginError::Retryable { after_ms, message: mask(message) }
            }
            PluginError::Rejected { errors } => PluginError::Rejected {
                errors: errors
                    .into_iter()
                    .map(|error| FieldError {
                        pointer: mask(error.pointer),
                        code: mask(error.code),
                        message: mask(error.message),
                    })
                    .collect(),
            },
            PluginError::Unauthorized { message } => PluginError::Unauthorized { message: mask(message) },
            PluginError::NotFound { message } => PluginError::NotFound { message: mask(message) },
            PluginError::Conflict { message } => PluginError::Conflict { message: mask(message) },
            PluginError::Denied { message } => PluginError::Denied { message: mask(message) },
            PluginError::Quota { message } => PluginError::Quota { message: mask(message) },
            PluginError::Unsupported { message } => PluginError::Unsupported { message: mask(message) },
            PluginError::Failed { code, message, answer } => {
                PluginError::Failed { code: mask(code), message: mask(message), answer: answer.map(mask) }
            }
            PluginError::Other { message } => PluginError::Other { message: mask(message) },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masks(values: &[&str]) -> Masks {
        Masks::new(values.iter().map(|value| SecretText::new(*value)).collect())
    }

    #[test]
    fn a_secret_that_holds_another_is_replaced_whole() {
        let masks = masks(&["token", "token-of-token"]);
        assert_eq!(masks.apply("sent token-of-token, then token"), "sent ***, then ***");
    }

    #[test]
    fn a_value_of_three_characters_is_not_looked_for() {
        assert_eq!(masks(&["abc"]).apply("abcdef"), "abcdef");
        assert_eq!(masks(&["abcd"]).apply("abcdef"), "***ef");
    }

    #[test]
    fn no_text_of_an_error_keeps_a_secret() {
        let error = PluginError::Failed {
            code: "hush-hush".to_owned(),
            message: "sent hush-hush".to_owned(),
            answer: Some("got hush-hush".to_owned()),
        };
        let masked = masks(&["hush-hush"]).apply_to_error(error);
        assert_eq!(
            masked,
            PluginError::Failed {
                code: "***".to_owned(),
                message: "sent ***".to_owned(),
                answer: Some("got ***".to_owned())
            }
        );
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_any_text(secret in "[a-z]{4,8}", before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
            let text = format!("{before}{secret}{after}");
            prop_assert!(!masks(&[&secret]).apply(&text).contains(&secret));
        }
    }
}
