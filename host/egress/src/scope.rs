//! What one call of a plugin may reach and spend.

use std::sync::Arc;

use mortise_model::host_pattern::HostPattern;
use mortise_model::id::{InstanceId, PluginName, TenantId};
use mortise_model::manifest::CredentialScheme;
use mortise_model::plugin::Permissions;
use tokio_util::sync::CancellationToken;

use crate::SecretSource;

/// What one call of a plugin may reach and spend.
#[derive(Clone)]
pub struct EgressScope {
    /// The tenant. Connections are never shared between tenants.
    pub tenant: TenantId,
    /// The instance. Tokens are kept per instance.
    pub instance: InstanceId,
    /// The plugin.
    pub plugin: PluginName,
    /// The granted hosts and methods.
    pub permissions: Arc<Permissions>,
    /// The credentials that a request may name.
    pub credentials: Arc<[BoundCredential]>,
    /// The values of secrets, as the credentials need them.
    pub secrets: Arc<dyn SecretSource>,
    /// What may be spent.
    pub budget: EgressBudget,
    /// Fires when the call is to stop: requests in flight end as cancelled.
    pub cancelled: CancellationToken,
}

/// A credential of an instance: templates are filled from its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundCredential {
    /// The name that requests use.
    pub name: String,
    /// How it is applied.
    pub scheme: CredentialScheme,
    /// Where it may go.
    pub hosts: Vec<HostPattern>,
}

/// What one call may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EgressBudget {
    /// Requests.
    pub requests: u32,
    /// Body bytes, both ways together.
    pub bytes: u64,
}
