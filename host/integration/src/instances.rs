//! Instances, their settings and secrets.

use std::collections::BTreeMap;

use mortise_model::clock::Timestamp;
use mortise_model::connector::Check;
use mortise_model::error::PluginError;
use mortise_model::id::{InstanceId, JobId, PluginName, TenantId};
use mortise_model::instance::{Instance, SyncAction};
use mortise_model::log::{LogLevel, LogLine};
use mortise_model::secret::SecretText;
use mortise_store::Version;
use serde_json::{Map, Value};

use crate::IntegrationError;
use crate::integration::Inner;

/// Instances of a tenant.
pub struct Instances<'a> {
    pub(crate) inner: &'a Inner,
}

/// An instance to be made.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// The name people read.
    pub name: String,
    /// The plugin. It must have an active release.
    pub plugin: PluginName,
    /// The settings.
    pub settings: Map<String, Value>,
    /// Values of secrets, by name.
    pub secrets: BTreeMap<String, SecretText>,
    /// What a run does, in order. None takes everything that the plugin can pull.
    pub actions: Option<Vec<SyncAction>>,
    /// The least level of the plugin's log lines that are kept.
    pub log_level: LogLevel,
}

/// Changes to an instance. None leaves a part as it is.
#[derive(Debug, Clone, Default)]
pub struct InstanceChanges {
    /// The name.
    pub name: Option<String>,
    /// The settings, all of them.
    pub settings: Option<Map<String, Value>>,
    /// The actions, all of them.
    pub actions: Option<Vec<SyncAction>>,
    /// The log level.
    pub log_level: Option<LogLevel>,
}

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

/// What a connection test found.
#[derive(Debug, Clone, PartialEq)]
pub struct TestReport {
    /// What the plugin looked at.
    pub checks: Vec<Check>,
    /// Why it could not look at everything, if so.
    pub error: Option<PluginError>,
    /// What the plugin logged meanwhile, at any level.
    pub log: Vec<LogLine>,
}

impl TestReport {
    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.checks.iter().all(|check| check.passed)
    }
}

impl Instances<'_> {
    /// Every instance of the tenant, by name.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<Instance>, IntegrationError> {
        let _ = (self.inner, tenant);
        todo!()
    }

    /// One instance, with its version.
    pub async fn get(&self, tenant: &TenantId, id: &InstanceId) -> Result<(Instance, Version), IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Links an instance: settings are checked against the plugin's schema and filled with its defaults, secrets
    /// sealed, all in one batch.
    pub async fn create(&self, tenant: &TenantId, new: NewInstance) -> Result<(Instance, Version), IntegrationError> {
        let _ = (tenant, new);
        todo!()
    }

    /// Changes an instance that was read at `version`; any when None.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        version: Option<Version>,
        changes: InstanceChanges,
    ) -> Result<(Instance, Version), IntegrationError> {
        let _ = (tenant, id, version, changes);
        todo!()
    }

    /// Keeps an instance from running.
    pub async fn pause(&self, tenant: &TenantId, id: &InstanceId, reason: String) -> Result<Instance, IntegrationError> {
        let _ = (tenant, id, reason);
        todo!()
    }

    /// Lets an instance run again.
    pub async fn resume(&self, tenant: &TenantId, id: &InstanceId) -> Result<Instance, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Removes an instance with its secrets, schedules, sync states, failed items and the plugin's storage. The
    /// platform's records stay. Runs and their logs stay.
    pub async fn remove(&self, tenant: &TenantId, id: &InstanceId) -> Result<(), IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// The secrets that the plugin declares, without their values.
    pub async fn secrets(&self, tenant: &TenantId, id: &InstanceId) -> Result<Vec<SecretInfo>, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Sets the value of a secret that the plugin declares.
    pub async fn set_secret(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        name: &str,
        value: SecretText,
    ) -> Result<(), IntegrationError> {
        let _ = (tenant, id, name, value);
        todo!()
    }

    /// Removes the value of a secret.
    pub async fn remove_secret(&self, tenant: &TenantId, id: &InstanceId, name: &str) -> Result<(), IntegrationError> {
        let _ = (tenant, id, name);
        todo!()
    }

    /// Has the plugin look whether the instance works. Changes nothing on the far side.
    pub async fn test(&self, tenant: &TenantId, id: &InstanceId) -> Result<TestReport, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Puts a run into the queue, to begin as soon as a worker is free. At most one waits: its job is answered.
    pub async fn run_now(&self, tenant: &TenantId, id: &InstanceId) -> Result<JobId, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Has the next pull of an entity start from nothing: the bookmark and the cursor are forgotten.
    pub async fn forget_progress(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        action: SyncAction,
    ) -> Result<(), IntegrationError> {
        let _ = (tenant, id, action);
        todo!()
    }
}
