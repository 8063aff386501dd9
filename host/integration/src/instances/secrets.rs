//! The secrets of an instance: set and removed, never shown.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::clock::Timestamp;
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::manifest::Manifest;
use mortise_model::secret::SecretText;
use mortise_store::collections::INSTANCES;
use mortise_store::{Expect, Write};

use crate::template::pointer;
use crate::{Instances, IntegrationError, Vault, binding};

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    /// The name.
    pub name: String,
    /// Whether the plugin's active release needs it.
    pub required: bool,
    /// When its value was last set. None when it is not set.
    pub set_at: Option<Timestamp>,
}

impl Instances<'_> {
    /// The secrets that the plugin declares, without their values.
    pub async fn secrets(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
    ) -> Result<Vec<SecretInfo>, IntegrationError> {
        let (instance, _) = self.load(tenant, id).await?;
        let release = binding::active_release(self.inner.store.as_ref(), tenant, &instance.plugin).await?;
        let mut secrets = Vec::new();
        for declared in &release.manifest.secrets {
            let set_at = self.inner.vault.set_at(tenant, id, &declared.name).await?;
            secrets.push(SecretInfo { name: declared.name.clone(), required: declared.required, set_at });
        }
        Ok(secrets)
    }

    /// Sets the value of a secret that the plugin declares.
    ///
    /// # Errors
    /// [`IntegrationError::NotFound`] when the plugin's active release does not declare it;
    /// [`IntegrationError::Invalid`] when the value is empty or too long.
    pub async fn set_secret(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        name: &str,
        value: SecretText,
    ) -> Result<(), IntegrationError> {
        let (instance, version) = self.load(tenant, id).await?;
        let release = binding::active_release(self.inner.store.as_ref(), tenant, &instance.plugin).await?;
        if !release.manifest.secrets.iter().any(|declared| declared.name == name) {
            return Err(not_declared(name));
        }
        let mut batch = self.batch(tenant);
        // A secret must not outlive an instance that is removed at the same moment.
        batch.push(Write::Check {
            collection: &INSTANCES,
            id: id.as_str().into(),
            expect: Expect::At(version),
        });
        batch.push(self.inner.vault.put(tenant, id, name, &value, Expect::Any, "/value")?);
        self.commit(batch, id).await?;
        tracing::info!(%tenant, instance = %id, secret = name, "a secret was set");
        Ok(())
    }

    /// Removes the value of a secret.
    ///
    /// # Errors
    /// [`IntegrationError::NotFound`] when it is not set.
    pub async fn remove_secret(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        name: &str,
    ) -> Result<(), IntegrationError> {
        self.load(tenant, id).await?;
        if self.inner.vault.set_at(tenant, id, name).await?.is_none() {
            return Err(not_declared(name));
        }
        let mut batch = self.batch(tenant);
        batch.push(Vault::remove(id, name));
        self.commit(batch, id).await?;
        tracing::info!(%tenant, instance = %id, secret = name, "a secret was removed");
        Ok(())
    }
}

fn not_declared(name: &str) -> IntegrationError {
    IntegrationError::NotFound { what: "secret", id: name.chars().take(80).collect() }
}

/// What is wrong with the names of secrets that come with a new instance.
pub(super) fn undeclared(manifest: &Manifest, given: &BTreeMap<String, SecretText>) -> Vec<FieldError> {
    let is_declared = |name: &String| manifest.secrets.iter().any(|declared| declared.name == *name);
    given
        .keys()
        .filter(|name| !is_declared(name))
        .take(20)
        .map(|name| {
            let message = format!(
                "the plugin has no secret `{}`: leave it out",
                name.chars().take(80).collect::<String>()
            );
            FieldError::new(secret_pointer(name), "unknown", message)
        })
        .collect()
}

/// Where the value of a secret is in a request that makes an instance.
pub(super) fn secret_pointer(name: &str) -> String {
    format!("/secrets{}", pointer(name))
}

/// The secrets of an instance that is not stored yet.
pub(super) struct GivenSecrets(pub(super) BTreeMap<String, SecretText>);

#[async_trait]
impl SecretSource for GivenSecrets {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(self.0.get(name).cloned())
    }

    async fn replace(&self, name: &str, _: SecretText) -> Result<(), SecretError> {
        let reason = "the instance is only being made: a new value cannot be kept".to_owned();
        Err(SecretError { name: name.to_owned(), reason })
    }
}
