//! Signing and verifying with the instance's secrets, without holding them.
//!
//! To send a secret to the far side, name a credential in the request instead.

pub use crate::bindings::mortise::plugin::secrets::Hash;
use crate::content::Content;
use crate::error::Result;
use crate::host;

/// A handle to one secret.
#[derive(Debug)]
pub struct Secret {
    handle: host::secrets::Secret,
}

/// Opens a secret by the name the manifest declares.
///
/// Errors: `not-found` when no value is set, `denied` when it is not granted.
pub fn open(name: &str) -> Result<Secret> {
    host::secrets::open(name).map(|handle| Secret { handle })
}

impl Secret {
    /// The name it was opened by.
    pub fn name(&self) -> String {
        self.handle.name()
    }

    /// The HMAC of `data` under the secret, as raw bytes.
    pub fn sign(&self, hash: Hash, data: impl Into<Content>) -> Vec<u8> {
        self.handle.sign(hash, &data.into())
    }

    /// True when `signature` is the HMAC of `data`. Takes the same time for every answer.
    pub fn verify(&self, hash: Hash, data: impl Into<Content>, signature: &[u8]) -> bool {
        self.handle.verify(hash, &data.into(), signature)
    }

    /// The secret in clear. Never log or store it.
    #[cfg(feature = "secret-reveal")]
    pub fn reveal(&self) -> Result<Vec<u8>> {
        host::secret_reveal::reveal(&self.handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::testing::Host;

    /// RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const DATA: &str = "what do ya want for nothing?";
    const SHA256: [u8; 4] = [0x5b, 0xdc, 0xc1, 0x46];

    #[test]
    fn a_signature_is_the_hmac_and_only_it_verifies() {
        Host::new().secret("key", KEY).run(|| {
            let secret = open("key").unwrap();
            let signature = secret.sign(Hash::Sha256, DATA);
            assert_eq!(signature.get(..4), Some(SHA256.as_slice()));
            assert!(secret.verify(Hash::Sha256, DATA, &signature));
            assert!(!secret.verify(Hash::Sha512, DATA, &signature));
            assert!(!secret.verify(Hash::Sha256, "something else", &signature));
        });
    }

    #[test]
    fn a_secret_without_a_value_is_not_found() {
        Host::new().run(|| assert!(matches!(open("key"), Err(Error::NotFound(_)))));
    }
}
