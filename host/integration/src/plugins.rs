//! Plugins, releases and grants.

use bytes::Bytes;
use mortise_model::id::{Digest, PluginName, TenantId};
use mortise_model::plugin::{Grant, Permissions, Plugin, Release};

use crate::IntegrationError;
use crate::integration::Inner;

/// Plugins of a tenant.
pub struct Plugins<'a> {
    pub(crate) inner: &'a Inner,
}

/// What an upload came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploaded {
    /// The plugin. Its active release is the new one only when the grant covers it.
    pub plugin: Plugin,
    /// The release.
    pub release: Release,
    /// What the manifest asks for and the grant does not give, in sentences. Empty when the release is active.
    pub missing: Vec<String>,
}

impl Plugins<'_> {
    /// Every plugin of the tenant, by name.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<Plugin>, IntegrationError> {
        let _ = (self.inner, tenant);
        todo!()
    }

    /// One plugin.
    pub async fn get(&self, tenant: &TenantId, name: &PluginName) -> Result<Plugin, IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }

    /// The releases of a plugin, the newest first.
    pub async fn releases(&self, tenant: &TenantId, name: &PluginName) -> Result<Vec<Release>, IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }

    /// Takes a component in. The same bytes again are the same release. It becomes active when the grant covers
    /// what its manifest asks for; otherwise it waits for [`Plugins::grant`] or [`Plugins::activate`].
    pub async fn upload(&self, tenant: &TenantId, component: Bytes) -> Result<Uploaded, IntegrationError> {
        let _ = (tenant, component);
        todo!()
    }

    /// What is granted to a plugin. None when nothing is.
    pub async fn granted(&self, tenant: &TenantId, name: &PluginName) -> Result<Option<Grant>, IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }

    /// Grants permissions to a plugin in place of those before, having seen the manifest of `release`, and makes
    /// that release active.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when less is granted than the manifest requires, or more than it asks for.
    pub async fn grant(
        &self,
        tenant: &TenantId,
        name: &PluginName,
        release: &Digest,
        permissions: Permissions,
    ) -> Result<(Plugin, Grant), IntegrationError> {
        let _ = (tenant, name, release, permissions);
        todo!()
    }

    /// Takes back what was granted. New calls of the plugin are denied everything.
    pub async fn revoke(&self, tenant: &TenantId, name: &PluginName) -> Result<(), IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }

    /// Makes a release active.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] naming what the grant does not cover.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        name: &PluginName,
        release: &Digest,
    ) -> Result<Plugin, IntegrationError> {
        let _ = (tenant, name, release);
        todo!()
    }

    /// Makes the release that was active before active again, at once.
    pub async fn roll_back(&self, tenant: &TenantId, name: &PluginName) -> Result<Plugin, IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }

    /// Removes a plugin with its releases and its grant.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] while instances use it.
    pub async fn remove(&self, tenant: &TenantId, name: &PluginName) -> Result<(), IntegrationError> {
        let _ = (tenant, name);
        todo!()
    }
}
