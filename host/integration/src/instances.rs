//! Instances, their settings and secrets.

mod actions;
mod removal;
mod running;
mod secrets;

use std::collections::BTreeMap;
use std::sync::Arc;

use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, PluginName, TenantId};
use mortise_model::instance::{Instance, InstanceState, RecordingMode, SyncAction};
use mortise_model::log::LogLevel;
use mortise_model::plugin::Plugin;
use mortise_model::secret::SecretText;
use mortise_store::collections::{INSTANCES, PLUGINS};
use mortise_store::{Batch, Conflict, Expect, Origin, StoreError, StoreExt as _, Version, Write};
use serde_json::{Map, Value};

use self::secrets::{GivenSecrets, secret_pointer};
use crate::error::below;
use crate::integration::Inner;
use crate::{IntegrationError, binding, listing, settings};

pub use self::running::TestReport;
pub use self::secrets::SecretInfo;

/// Longest name of an instance, in characters.
const MAX_NAME: usize = 100;
/// Longest reason of a pause, in characters.
const MAX_REASON: usize = 500;

/// Instances of a tenant.
pub struct Instances<'a> {
    pub(crate) inner: &'a Inner,
}

/// An instance to be made.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// The name people read. 1 to 100 characters, unique in the tenant.
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
    /// Whether pulls are recorded.
    pub recording: Option<RecordingMode>,
}

impl Instances<'_> {
    /// Every instance of the tenant, by name.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<Instance>, IntegrationError> {
        let mut instances: Vec<Instance> = listing::all(self.inner.store.as_ref(), tenant, None).await?;
        instances.sort_by_cached_key(|instance| instance.name.to_lowercase());
        Ok(instances)
    }

    /// One instance, with its version.
    pub async fn get(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
    ) -> Result<(Instance, Version), IntegrationError> {
        self.load(tenant, id).await
    }

    /// Links an instance: settings are checked against the plugin's schema and filled with its defaults, secrets
    /// sealed, all in one batch. Secrets that the plugin needs may be set later, before the first run.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] with everything that is wrong; [`IntegrationError::Conflict`] when the plugin
    /// has no active release, or a setting leads to a host that is not granted; [`IntegrationError::Limit`].
    pub async fn create(
        &self,
        tenant: &TenantId,
        new: NewInstance,
    ) -> Result<(Instance, Version), IntegrationError> {
        let store = self.inner.store.as_ref();
        let plugin = store.load::<Plugin>(tenant, new.plugin.as_str()).await?;
        let Some((_, plugin_version)) = plugin else {
            let message = format!("there is no plugin `{}`: upload it first", new.plugin);
            return Err(IntegrationError::Invalid(vec![FieldError::new("/plugin", "not-found", message)]));
        };
        self.check_limit(tenant).await?;
        let manifest = binding::active_release(store, tenant, &new.plugin).await?.manifest;
        let now = self.inner.clock.now();
        let mut errors = name_problem(&new.name).into_iter().collect::<Vec<_>>();
        errors.extend(secrets::undeclared(&manifest, &new.secrets));
        let settings = settings::complete(&manifest.settings_schema, &new.settings).unwrap_or_else(|wrong| {
            errors.extend(below("/settings", wrong));
            Map::new()
        });
        if !errors.is_empty() {
            return Err(IntegrationError::Invalid(errors));
        }
        let mut instance = Instance {
            id: InstanceId::new(),
            name: new.name.trim().to_owned(),
            plugin: new.plugin,
            state: InstanceState::Active,
            settings,
            actions: Vec::new(),
            log_level: new.log_level,
            recording: RecordingMode::Off,
            created_at: now,
            updated_at: now,
        };
        let mut batch = self.batch(tenant);
        for (name, value) in &new.secrets {
            let pointer = secret_pointer(name);
            batch.push(self.inner.vault.put(tenant, &instance.id, name, value, Expect::Absent, &pointer)?);
        }
        let given = Arc::new(GivenSecrets(new.secrets));
        instance.actions = actions::choose(self.inner, tenant, &instance, given, new.actions).await?;
        batch.push(Write::Check {
            collection: &PLUGINS,
            id: instance.plugin.as_str().into(),
            expect: Expect::At(plugin_version),
        });
        batch.put(&instance, Expect::Absent)?;
        let version = self.commit(batch, &instance.id).await?;
        tracing::info!(%tenant, instance = %instance.id, plugin = %instance.plugin, "an instance was linked");
        Ok((instance, version))
    }

    /// Changes an instance that was read at `version`; any when None.
    ///
    /// How far its actions are is kept: [`Instances::forget_progress`] when new settings lead to another system.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        version: Option<Version>,
        changes: InstanceChanges,
    ) -> Result<(Instance, Version), IntegrationError> {
        let (mut instance, found) = self.load(tenant, id).await?;
        if version.is_some_and(|version| version != found) {
            return Err(changed(id));
        }
        let mut errors = Vec::new();
        if let Some(name) = changes.name {
            errors.extend(name_problem(&name));
            name.trim().clone_into(&mut instance.name);
        }
        if let Some(level) = changes.log_level {
            instance.log_level = level;
        }
        if let Some(recording) = changes.recording {
            instance.recording = recording;
        }
        let bound_differs = changes.settings.is_some() || changes.actions.is_some();
        if let Some(new) = changes.settings {
            let release =
                binding::active_release(self.inner.store.as_ref(), tenant, &instance.plugin).await?;
            match settings::complete(&release.manifest.settings_schema, &new) {
                Ok(settings) => instance.settings = settings,
                Err(wrong) => errors.extend(below("/settings", wrong)),
            }
        }
        if !errors.is_empty() {
            return Err(IntegrationError::Invalid(errors));
        }
        if bound_differs {
            let wanted = changes.actions.unwrap_or_else(|| instance.actions.clone());
            let secrets = self.inner.vault.of_instance(tenant, id);
            instance.actions = actions::choose(self.inner, tenant, &instance, secrets, Some(wanted)).await?;
        }
        self.write(tenant, instance, found).await
    }

    /// Keeps an instance from running. A run in progress goes on to its end.
    pub async fn pause(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        reason: String,
    ) -> Result<Instance, IntegrationError> {
        let length = reason.chars().count();
        if length > MAX_REASON {
            let message = format!("a reason has at most {MAX_REASON} characters, this one has {length}");
            return Err(IntegrationError::Invalid(vec![FieldError::new("/reason", "too-long", message)]));
        }
        let (mut instance, version) = self.load(tenant, id).await?;
        instance.state = InstanceState::Paused { reason };
        Ok(self.write(tenant, instance, version).await?.0)
    }

    /// Lets an instance run again.
    pub async fn resume(&self, tenant: &TenantId, id: &InstanceId) -> Result<Instance, IntegrationError> {
        let (mut instance, version) = self.load(tenant, id).await?;
        if instance.state == InstanceState::Active {
            return Ok(instance);
        }
        instance.state = InstanceState::Active;
        Ok(self.write(tenant, instance, version).await?.0)
    }

    async fn check_limit(&self, tenant: &TenantId) -> Result<(), IntegrationError> {
        let store = self.inner.store.as_ref();
        let limits = binding::limits_of(store, tenant).await?;
        let count = listing::count(store, tenant, &INSTANCES, None).await?;
        if count < u64::from(limits.instances) {
            return Ok(());
        }
        Err(IntegrationError::Limit(format!(
            "the tenant has {count} instances, as many as its limit `instances` allows: remove one, or have the \
             operator raise the limit"
        )))
    }

    /// Writes an instance over the one that was read.
    async fn write(
        &self,
        tenant: &TenantId,
        mut instance: Instance,
        version: Version,
    ) -> Result<(Instance, Version), IntegrationError> {
        instance.updated_at = self.inner.clock.now();
        let mut batch = self.batch(tenant);
        batch.put(&instance, Expect::At(version))?;
        let version = self.commit(batch, &instance.id).await?;
        Ok((instance, version))
    }

    async fn load(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
    ) -> Result<(Instance, Version), IntegrationError> {
        load(self.inner, tenant, id).await
    }

    fn batch(&self, tenant: &TenantId) -> Batch {
        Batch::new(tenant.clone(), Origin::Api, self.inner.clock.now())
    }

    async fn commit(&self, batch: Batch, id: &InstanceId) -> Result<Version, IntegrationError> {
        match self.inner.store.commit(batch).await {
            Ok(sequence) => Ok(Version(sequence.0)),
            Err(StoreError::Conflict(Conflict::NotUnique { index: "name", .. })) => {
                let message = "another instance has this name: choose a different one";
                Err(IntegrationError::Invalid(vec![FieldError::new("/name", "not-unique", message)]))
            }
            Err(StoreError::Conflict(_)) => Err(changed(id)),
            Err(error) => Err(error.into()),
        }
    }
}

/// An instance, with its version.
pub(crate) async fn load(
    inner: &Inner,
    tenant: &TenantId,
    id: &InstanceId,
) -> Result<(Instance, Version), IntegrationError> {
    inner
        .store
        .load::<Instance>(tenant, id.as_str())
        .await?
        .ok_or_else(|| IntegrationError::NotFound { what: "instance", id: id.to_string() })
}

fn changed(id: &InstanceId) -> IntegrationError {
    IntegrationError::Changed { what: "instance", id: id.to_string() }
}

fn name_problem(name: &str) -> Option<FieldError> {
    let length = name.trim().chars().count();
    let (code, message) = if length == 0 {
        ("required", "an instance needs a name".to_owned())
    } else if length > MAX_NAME {
        ("too-long", format!("a name has at most {MAX_NAME} characters, this one has {length}"))
    } else if name.chars().any(char::is_control) {
        ("invalid", "a name is one line of text".to_owned())
    } else {
        return None;
    };
    Some(FieldError::new("/name", code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_is_neither_empty_nor_long() {
        for (name, code) in [
            ("Staging", None),
            (" Staging ", None),
            ("", Some("required")),
            ("  ", Some("required")),
            ("a\nb", Some("invalid")),
            (&"é".repeat(MAX_NAME), None),
            (&"é".repeat(MAX_NAME + 1), Some("too-long")),
        ] {
            assert_eq!(name_problem(name).map(|error| error.code).as_deref(), code, "{name}");
        }
    }
}
