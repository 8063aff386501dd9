//! What the engine needs of plugins. The real ones are behind the runtime; tests script theirs.

use std::sync::Arc;

use async_trait::async_trait;
use mortise_egress::{BoundCredential, SecretSource};
use mortise_model::connector::{PullEnd, PullRequest, PulledRecord, PushItem, PushResult};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, TenantId};
use mortise_model::instance::Instance;
use mortise_model::plugin::Permissions;
use mortise_model::tenant::TenantLimits;
use mortise_runtime::{Call, CallError, Returned, Sink};
use serde_json::{Map, Value};

use crate::binding::{self, BindingProblem};
use crate::integration::Inner;

/// What the calls of one run have in common: the release, the grant, settings and secrets.
#[derive(Clone)]
pub(crate) struct Bound {
    /// The release.
    pub(crate) release: Digest,
    /// What is granted.
    pub(crate) permissions: Arc<Permissions>,
    /// The tenant's limits.
    pub(crate) limits: TenantLimits,
    /// The settings, with defaults.
    pub(crate) settings: Arc<Map<String, Value>>,
    /// The credentials that requests may name.
    pub(crate) credentials: Arc<[BoundCredential]>,
    /// The values of secrets.
    pub(crate) secrets: Arc<dyn SecretSource>,
    /// The names of the secrets that the manifest declares.
    pub(crate) secret_names: Vec<String>,
}

/// Why an instance cannot be bound to its plugin.
#[derive(Debug)]
pub(crate) enum BindError {
    /// A person has to change something.
    Configuration {
        /// The release that would run, where there is one.
        release: Option<Digest>,
        /// What, and how.
        error: PluginError,
    },
    /// The store failed.
    Unavailable(String),
}

/// Binds instances to their plugins and calls them.
#[async_trait]
pub(crate) trait Connectors: Send + Sync + 'static {
    /// What the calls of a run need.
    async fn bind(&self, tenant: &TenantId, instance: &Instance) -> Result<Bound, BindError>;

    /// As [`mortise_runtime::Runtime::pull`].
    async fn pull(
        &self,
        call: Call,
        request: PullRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<Returned<PullEnd>, CallError>;

    /// As [`mortise_runtime::Runtime::pull_one`].
    async fn pull_one(
        &self,
        call: Call,
        entity: EntityKind,
        external_id: &str,
    ) -> Result<Returned<Option<PulledRecord>>, CallError>;

    /// As [`mortise_runtime::Runtime::push`].
    async fn push(
        &self,
        call: Call,
        entity: EntityKind,
        items: Vec<PushItem>,
    ) -> Result<Returned<Vec<PushResult>>, CallError>;
}

#[async_trait]
impl Connectors for Inner {
    async fn bind(&self, tenant: &TenantId, instance: &Instance) -> Result<Bound, BindError> {
        match binding::bind(self, tenant, instance).await {
            Ok(binding) => Ok(Bound {
                release: binding.release.digest,
                secret_names: readable_secrets(&binding),
                permissions: binding.permissions,
                limits: binding.limits,
                settings: binding.settings,
                credentials: binding.credentials,
                secrets: binding.secrets,
            }),
            Err(BindingProblem::Store(error)) => Err(BindError::Unavailable(error.to_string())),
            Err(problem) => {
                let release = binding::active_release(self.store.as_ref(), tenant, &instance.plugin).await;
                let error = PluginError::failed("configuration", problem.to_string());
                Err(BindError::Configuration { release: release.ok().map(|release| release.digest), error })
            }
        }
    }

    async fn pull(
        &self,
        call: Call,
        request: PullRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<Returned<PullEnd>, CallError> {
        self.pull_recorded(call, request, sink).await
    }

    async fn pull_one(
        &self,
        call: Call,
        entity: EntityKind,
        external_id: &str,
    ) -> Result<Returned<Option<PulledRecord>>, CallError> {
        self.runtime.pull_one(call, entity, external_id).await
    }

    async fn push(
        &self,
        call: Call,
        entity: EntityKind,
        items: Vec<PushItem>,
    ) -> Result<Returned<Vec<PushResult>>, CallError> {
        self.runtime.push(call, entity, items).await
    }
}

/// The secrets that a call can get at. The others cannot appear anywhere.
fn readable_secrets(binding: &binding::Binding) -> Vec<String> {
    let declared = binding.release.manifest.secrets.iter().map(|secret| &secret.name);
    declared.filter(|name| binding.permissions.secrets.contains(*name)).cloned().collect()
}
