//! Secrets of instances, sealed at rest under a key of their tenant.
//!
//! A tenant's key is derived from the master key by HKDF-SHA256 (RFC 5869) with the tenant's id as info. A value is
//! sealed with `XChaCha20-Poly1305` under a random nonce. Tenant, instance and name are associated data: a sealed
//! value that is moved to another place does not open there.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::clock::{Clock, Timestamp};
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::secret::SecretText;
use mortise_store::collections::SECRETS;
use mortise_store::{
    Batch, Collection, DocumentId, Entity, Expect, Origin, Store, StoreError, StoreExt as _, Write,
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{IntegrationError, listing};

/// Longest value of a secret, in bytes.
pub(crate) const MAX_SECRET: usize = 16 * 1024;
/// Attempts at replacing a value that others write at the same time.
const MAX_ATTEMPTS: u32 = 5;
const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;
/// Keeps the vault's keys apart from whatever else is derived from the master key.
const SALT: &[u8] = b"mortise vault";
/// How values are sealed: the derivation, the cipher and the associated data of this version of the vault.
const KEY_VERSION: u32 = 1;

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    master: Arc<Zeroizing<[u8; KEY_LENGTH]>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SealedSecret {
    /// The instance.
    pub(crate) instance: InstanceId,
    /// The name.
    pub(crate) name: String,
    /// Nonce and ciphertext in base64.
    sealed: String,
    /// When the value was set.
    pub(crate) set_at: Timestamp,
    /// The version of the sealing.
    key_version: u32,
}

impl Entity for SealedSecret {
    const COLLECTION: &'static Collection = &SECRETS;

    fn document_id(&self) -> DocumentId {
        document_id(&self.instance, &self.name).into()
    }
}

fn document_id(instance: &InstanceId, name: &str) -> String {
    format!("{instance}/{name}")
}

impl Vault {
    /// A vault under a master key: 32 bytes as hexadecimal text.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when the key is something else.
    pub fn new(
        master_key: &SecretText,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, IntegrationError> {
        let mut master = Zeroizing::new([0; KEY_LENGTH]);
        hex::decode_to_slice(master_key.reveal().trim(), master.as_mut_slice()).map_err(|_| {
            IntegrationError::Conflict(
                "the master key is not usable: it must be 32 bytes as 64 hexadecimal digits".to_owned(),
            )
        })?;
        Ok(Self { master: Arc::new(master), store, clock })
    }

    /// The secrets of one instance, as a call needs them.
    pub fn of_instance(&self, tenant: &TenantId, instance: &InstanceId) -> Arc<dyn SecretSource> {
        Arc::new(InstanceSecrets { vault: self.clone(), tenant: tenant.clone(), instance: instance.clone() })
    }

    /// Seals a value and answers the write that stores it, in place of what there was or only as `expect` says.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] at `pointer` when the value is empty or has more than [`MAX_SECRET`] bytes.
    pub(crate) fn put(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        name: &str,
        value: &SecretText,
        expect: Expect,
        pointer: &str,
    ) -> Result<Write, IntegrationError> {
        if let Some(problem) = problem(value, pointer) {
            return Err(IntegrationError::Invalid(vec![problem]));
        }
        let secret = self.seal(tenant, instance, name, value)?;
        write_of(&secret, expect).map_err(IntegrationError::Store)
    }

    /// When the value of a secret was set. None when it is not set.
    pub(crate) async fn set_at(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        name: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found = self.store.load::<SealedSecret>(tenant, document_id(instance, name)).await?;
        Ok(found.map(|(secret, _)| secret.set_at))
    }

    /// The write that removes the value of a secret, whether it is set or not.
    pub(crate) fn remove(instance: &InstanceId, name: &str) -> Write {
        Write::Delete { collection: &SECRETS, id: document_id(instance, name).into(), expect: Expect::Any }
    }

    /// The names of all secrets of an instance that are set, whether the plugin still declares them or not.
    pub(crate) async fn names(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
    ) -> Result<Vec<String>, StoreError> {
        listing::with_prefix(self.store.as_ref(), tenant, &SECRETS, &document_id(instance, "")).await
    }

    fn cipher(&self, tenant: &TenantId) -> Option<XChaCha20Poly1305> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        Hkdf::<Sha256>::new(Some(SALT), self.master.as_slice())
            .expand(tenant.as_str().as_bytes(), key.as_mut_slice())
            .ok()?;
        XChaCha20Poly1305::new_from_slice(key.as_slice()).ok()
    }

    /// The bytes under the tenant's key, behind a nonce. They open with the same `associated` alone, which says what
    /// they are and where they belong.
    pub(crate) fn seal_bytes(&self, tenant: &TenantId, associated: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let payload = Payload { msg: bytes, aad: associated.as_bytes() };
        let ciphertext = self.cipher(tenant)?.encrypt(&XNonce::from(nonce), payload).ok()?;
        let mut sealed = nonce.to_vec();
        sealed.extend(ciphertext);
        Some(sealed)
    }

    /// What was sealed. None with another key, for another place, or when it was changed.
    pub(crate) fn open_bytes(&self, tenant: &TenantId, associated: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: ciphertext, aad: associated.as_bytes() };
        self.cipher(tenant)?.decrypt(&XNonce::from(*nonce), payload).ok()
    }

    fn seal(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        name: &str,
        value: &SecretText,
    ) -> Result<SealedSecret, StoreError> {
        let associated = associated_data(tenant, instance, name);
        let sealed = self
            .seal_bytes(tenant, &associated, value.reveal().as_bytes())
            .ok_or_else(|| StoreError::Invalid(format!("the secret `{name}` cannot be sealed")))?;
        Ok(SealedSecret {
            instance: instance.clone(),
            name: name.to_owned(),
            sealed: BASE64.encode(sealed),
            set_at: self.clock.now(),
            key_version: KEY_VERSION,
        })
    }

    fn open(&self, tenant: &TenantId, secret: &SealedSecret) -> Result<SecretText, SecretError> {
        let failed = |reason: String| SecretError { name: secret.name.clone(), reason };
        if secret.key_version != KEY_VERSION {
            return Err(failed(format!(
                "it was sealed by another version of Mortise (sealing {}, this version opens {KEY_VERSION}): set it again",
                secret.key_version
            )));
        }
        let wrong_key = || {
            failed(
                "it cannot be opened with this master key: start the host with the master key it was set under, \
                 or set it again"
                    .to_owned(),
            )
        };
        let sealed = BASE64.decode(&secret.sealed).map_err(|_| wrong_key())?;
        let associated = associated_data(tenant, &secret.instance, &secret.name);
        let opened = self.open_bytes(tenant, &associated, &sealed).ok_or_else(wrong_key)?;
        String::from_utf8(opened).map(SecretText::new).map_err(|_| failed("it is not text".to_owned()))
    }

    async fn replace(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        name: &str,
        value: &SecretText,
    ) -> Result<(), SecretError> {
        let failed = |reason: String| SecretError { name: name.to_owned(), reason };
        if let Some(problem) = problem(value, "") {
            return Err(failed(problem.message));
        }
        let mut attempt = 1;
        loop {
            let found = self.store.load::<SealedSecret>(tenant, document_id(instance, name)).await;
            let (_, version) = found
                .map_err(|error| failed(error.to_string()))?
                .ok_or_else(|| failed("it was removed meanwhile".to_owned()))?;
            let secret =
                self.seal(tenant, instance, name, value).map_err(|error| failed(error.to_string()))?;
            let mut batch = Batch::new(tenant.clone(), Origin::Instance(instance.clone()), self.clock.now());
            batch.put(&secret, Expect::At(version)).map_err(|error| failed(error.to_string()))?;
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(_)) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }
}

/// What is wrong with a value, if anything. Never repeats it.
fn problem(value: &SecretText, pointer: &str) -> Option<FieldError> {
    match value.reveal().len() {
        0 => Some(FieldError::new(pointer, "required", "a secret is not empty: remove it instead")),
        size if size > MAX_SECRET => {
            let message = format!("a secret has at most {MAX_SECRET} bytes, this one has {size}");
            Some(FieldError::new(pointer, "too-long", message))
        }
        _ => None,
    }
}

fn associated_data(tenant: &TenantId, instance: &InstanceId, name: &str) -> String {
    format!("mortise secret {KEY_VERSION}\0{tenant}\0{instance}\0{name}")
}

fn write_of(secret: &SealedSecret, expect: Expect) -> Result<Write, StoreError> {
    let body = serde_json::to_string(secret)
        .map_err(|error| StoreError::Corrupt(format!("a sealed secret does not serialise: {error}")))?;
    Ok(Write::Put { collection: &SECRETS, id: secret.document_id(), expect, body })
}

struct InstanceSecrets {
    vault: Vault,
    tenant: TenantId,
    instance: InstanceId,
}

#[async_trait]
impl SecretSource for InstanceSecrets {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        let id = document_id(&self.instance, name);
        let found = self
            .vault
            .store
            .load::<SealedSecret>(&self.tenant, id)
            .await
            .map_err(|error| SecretError { name: name.to_owned(), reason: error.to_string() })?;
        found.map(|(secret, _)| self.vault.open(&self.tenant, &secret)).transpose()
    }

    async fn replace(&self, name: &str, value: SecretText) -> Result<(), SecretError> {
        self.vault.replace(&self.tenant, &self.instance, name, &value).await
    }
}
