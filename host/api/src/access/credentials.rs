//! Secrets, tokens and keys: 256 random bits behind a prefix, kept as SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mortise_model::id::Digest;
use mortise_model::secret::SecretText;
use subtle::ConstantTimeEq as _;

/// What an API key starts with, so that scanners find one that leaked.
pub(crate) const KEY_PREFIX: &str = "mk_";
/// What a client's secret starts with.
pub(crate) const SECRET_PREFIX: &str = "mcs_";
/// What an access token starts with.
pub(crate) const TOKEN_PREFIX: &str = "mat_";
/// Longest secret, token or key that is looked at, in bytes.
pub(crate) const MAX_LENGTH: usize = 1_024;

/// Makes a new one: the prefix and 256 random bits as base64url.
pub(crate) fn generate(prefix: &str) -> SecretText {
    let bytes: [u8; 32] = rand::random();
    SecretText::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The hash that is kept.
pub(crate) fn hash(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Whether `text` is what one of `hashes` was made of. Takes as long whatever it is.
pub(crate) fn is_one_of(text: &str, hashes: &[Digest]) -> bool {
    let found = hash(text);
    hashes
        .iter()
        .fold(subtle::Choice::from(0), |known, hash| known | found.as_bytes().ct_eq(hash.as_bytes()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_any_of_the_live_hashes() {
        let (first, second) = (generate(SECRET_PREFIX), generate(SECRET_PREFIX));
        let hashes = [hash(first.reveal()), hash(second.reveal())];
        assert!(is_one_of(first.reveal(), &hashes) && is_one_of(second.reveal(), &hashes));
        assert!(!is_one_of(generate(SECRET_PREFIX).reveal(), &hashes));
        assert!(!is_one_of(first.reveal(), &[]));
    }
}
