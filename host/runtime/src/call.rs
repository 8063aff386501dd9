//! For whom, and under which grant, a plugin is called.

use std::sync::Arc;

use mortise_egress::{BoundCredential, SecretSource};
use mortise_model::id::{Digest, InstanceId, PluginName, RunId, TenantId};
use mortise_model::plugin::Permissions;
use mortise_model::tenant::TenantLimits;
use mortise_store::Write;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{LogWriter, Tape};

/// One call: who, under which grant, within which limits.
#[derive(Clone)]
pub struct Call {
    /// The tenant.
    pub tenant: TenantId,
    /// The plugin.
    pub plugin: PluginName,
    /// The release to run.
    pub release: Digest,
    /// The instance.
    pub instance: InstanceId,
    /// The run that the call belongs to.
    pub run: RunId,
    /// 1 at the first attempt.
    pub attempt: u32,
    /// The same for every attempt at the same work.
    pub idempotency_key: String,
    /// Whether the far side may be changed.
    pub mode: CallMode,
    /// What is granted. Everything else is denied.
    pub permissions: Arc<Permissions>,
    /// The tenant's limits.
    pub limits: TenantLimits,
    /// The instance's settings, checked and with defaults.
    pub settings: Arc<Map<String, Value>>,
    /// The credentials that requests may name.
    pub credentials: Arc<[BoundCredential]>,
    /// The values of secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// Where log lines go.
    pub log: Arc<dyn LogWriter>,
    /// Fires when the call is to stop.
    pub cancelled: CancellationToken,
    /// Whether the host's answers are taken down, or come from a recording.
    pub tape: Tape,
}

/// Whether the far side may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMode {
    /// It may.
    Live,
    /// It may only be read. A request with another method than GET, HEAD and OPTIONS is denied.
    DryRun,
}

/// What a call that succeeded came to.
#[derive(Debug, Clone)]
pub struct Returned<T> {
    /// What the plugin returned.
    pub value: T,
    /// The plugin's own storage writes since its last commit. They belong into the batch that keeps the outcome.
    pub storage: Vec<Write>,
}
