//! What a call of an instance needs: its plugin's active release, the grant, settings, credentials, secrets, limits.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use mortise_egress::{BoundCredential, SecretError, SecretSource};
use mortise_model::error::FieldError;
use mortise_model::id::{PluginName, RunId, TenantId};
use mortise_model::instance::Instance;
use mortise_model::manifest::{Capability, CredentialScheme, Manifest};
use mortise_model::plugin::{Grant, Permissions, Plugin, Release};
use mortise_model::secret::SecretText;
use mortise_model::tenant::{Tenant, TenantLimits};
use mortise_runtime::{Call, CallMode, LogWriter, Tape};
use mortise_store::{Store, StoreError, StoreExt as _};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::integration::Inner;
use crate::settings;
use crate::template::{self, TemplateError};

/// Everything that calls of an instance have in common. It is a snapshot: a run that began goes on with it.
#[derive(Clone)]
pub(crate) struct Binding {
    /// The tenant.
    pub(crate) tenant: TenantId,
    /// The instance, as it was read.
    pub(crate) instance: Instance,
    /// The release that is active.
    pub(crate) release: Arc<Release>,
    /// What is granted.
    pub(crate) permissions: Arc<Permissions>,
    /// The tenant's limits.
    pub(crate) limits: TenantLimits,
    /// The settings, checked and with defaults.
    pub(crate) settings: Arc<Map<String, Value>>,
    /// The credentials whose settings are set and whose secrets are granted. The plugin may do without the others.
    pub(crate) credentials: Arc<[BoundCredential]>,
    /// The granted secrets.
    pub(crate) secrets: Arc<dyn SecretSource>,
}

/// Why an instance cannot be called as things stand. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindingProblem {
    /// No release is active.
    #[error("the plugin `{0}` has no active release: grant it what it asks for, or activate a release")]
    NoActiveRelease(PluginName),
    /// Nothing is granted.
    #[error("nothing is granted to the plugin `{0}`: grant it what it asks for")]
    NoGrant(PluginName),
    /// Secrets that the plugin needs have no value.
    #[error("the instance `{instance}` has no value for {}: set it", quoted(.names))]
    MissingSecrets {
        /// The instance's name.
        instance: String,
        /// The secrets.
        names: Vec<String>,
    },
    /// The settings do not fit the active release. Pointers start at the settings.
    #[error("the settings of the instance `{instance}` do not fit its plugin: {}", joined(.errors))]
    Settings {
        /// The instance's name.
        instance: String,
        /// What is wrong.
        errors: Vec<FieldError>,
    },
    /// A setting names a host that the grant does not cover.
    #[error(
        "the setting `{setting}` leads to a host that is not granted: grant the host `{host}` to the plugin `{plugin}`"
    )]
    HostNotGranted {
        /// The plugin.
        plugin: PluginName,
        /// The host to grant.
        host: String,
        /// The setting it comes from.
        setting: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts together what calls of an instance need.
///
/// # Errors
/// [`BindingProblem`], naming everything that is missing of the first kind that is.
pub(crate) async fn bind(
    inner: &Inner,
    tenant: &TenantId,
    instance: &Instance,
) -> Result<Binding, BindingProblem> {
    let secrets = inner.vault.of_instance(tenant, &instance.id);
    let binding = resolve(inner, tenant, instance, secrets).await?;
    let mut names = Vec::new();
    for secret in binding.release.manifest.secrets.iter().filter(|secret| secret.required) {
        if inner.vault.set_at(tenant, &instance.id, &secret.name).await?.is_none() {
            names.push(secret.name.clone());
        }
    }
    if names.is_empty() {
        Ok(binding)
    } else {
        Err(BindingProblem::MissingSecrets { instance: instance.name.clone(), names })
    }
}

/// [`bind`] with secrets from elsewhere, whether the required ones are set or not: for an instance that is being made.
pub(crate) async fn resolve(
    inner: &Inner,
    tenant: &TenantId,
    instance: &Instance,
    secrets: Arc<dyn SecretSource>,
) -> Result<Binding, BindingProblem> {
    let store = inner.store.as_ref();
    let release = active_release(store, tenant, &instance.plugin).await?;
    let (grant, _) = store
        .load::<Grant>(tenant, instance.plugin.as_str())
        .await?
        .ok_or_else(|| BindingProblem::NoGrant(instance.plugin.clone()))?;
    let permissions = grant.permissions;
    let manifest = &release.manifest;
    let in_settings = |errors| BindingProblem::Settings { instance: instance.name.clone(), errors };
    let settings = settings::complete(&manifest.settings_schema, &instance.settings).map_err(in_settings)?;
    check_hosts(manifest, &permissions, &settings, instance)?;
    let credentials = credentials(manifest, &settings, &permissions.secrets)
        .map_err(|error| in_settings(vec![error.at_setting()]))?;
    let secrets = Arc::new(GrantedSecrets {
        plugin: instance.plugin.clone(),
        granted: permissions.secrets.clone(),
        source: secrets,
    });
    Ok(Binding {
        tenant: tenant.clone(),
        instance: instance.clone(),
        release: Arc::new(release),
        permissions: Arc::new(permissions),
        limits: limits_of(store, tenant).await?,
        settings: Arc::new(settings),
        credentials: credentials.into(),
        secrets,
    })
}

/// The release of a plugin that new runs use.
pub(crate) async fn active_release(
    store: &dyn Store,
    tenant: &TenantId,
    plugin: &PluginName,
) -> Result<Release, BindingProblem> {
    let none = || BindingProblem::NoActiveRelease(plugin.clone());
    let (found, _) = store.load::<Plugin>(tenant, plugin.as_str()).await?.ok_or_else(none)?;
    let digest = found.active.ok_or_else(none)?;
    let (release, _) = store.load::<Release>(tenant, digest.to_string()).await?.ok_or_else(none)?;
    Ok(release)
}

/// What a tenant may use; the defaults for one that the operator has not registered.
pub(crate) async fn limits_of(store: &dyn Store, tenant: &TenantId) -> Result<TenantLimits, StoreError> {
    let found = store.load::<Tenant>(&TenantId::system(), tenant.as_str()).await?;
    Ok(found.map(|(tenant, _)| tenant.limits).unwrap_or_default())
}

impl Binding {
    /// One call.
    pub(crate) fn call(
        &self,
        run: RunId,
        attempt: u32,
        idempotency_key: String,
        mode: CallMode,
        log: Arc<dyn LogWriter>,
        cancelled: CancellationToken,
    ) -> Call {
        Call {
            tenant: self.tenant.clone(),
            plugin: self.instance.plugin.clone(),
            release: self.release.digest,
            instance: self.instance.id.clone(),
            run,
            attempt,
            idempotency_key,
            mode,
            permissions: Arc::clone(&self.permissions),
            limits: self.limits,
            settings: Arc::clone(&self.settings),
            credentials: Arc::clone(&self.credentials),
            secrets: Arc::clone(&self.secrets),
            log,
            cancelled,
            tape: Tape::Off,
        }
    }
}

/// Sees to it that the hosts which settings lead to are granted. A setting without a value leads nowhere.
fn check_hosts(
    manifest: &Manifest,
    permissions: &Permissions,
    settings: &Map<String, Value>,
    instance: &Instance,
) -> Result<(), BindingProblem> {
    if !permissions.capabilities.contains(&Capability::Http) {
        return Ok(());
    }
    for declared in manifest.hosts.iter().filter(|declared| template::is_template(&declared.pattern)) {
        match template::fill_host(&declared.pattern, settings) {
            Ok(host) if host.is_covered_by(permissions.hosts.iter()) => {}
            Ok(host) => {
                return Err(BindingProblem::HostNotGranted {
                    plugin: instance.plugin.clone(),
                    host: host.to_grant(),
                    setting: host.setting.unwrap_or_default(),
                });
            }
            Err(TemplateError::Unset { .. }) => {}
            Err(error) => {
                return Err(BindingProblem::Settings {
                    instance: instance.name.clone(),
                    errors: vec![error.at_setting()],
                });
            }
        }
    }
    Ok(())
}

/// The manifest's credentials with their templates filled. One whose settings have no value, or one of whose secrets
/// is not granted, is left out.
fn credentials(
    manifest: &Manifest,
    settings: &Map<String, Value>,
    granted: &BTreeSet<String>,
) -> Result<Vec<BoundCredential>, TemplateError> {
    let mut bound = Vec::new();
    for declared in &manifest.credentials {
        if !declared.scheme.secrets().into_iter().all(|secret| granted.contains(secret)) {
            continue;
        }
        let filled = fill_scheme(&declared.scheme, settings).and_then(|scheme| {
            let hosts = declared.hosts.iter().map(|host| Ok(template::fill_host(host, settings)?.pattern));
            Ok((scheme, hosts.collect::<Result<_, TemplateError>>()?))
        });
        match filled {
            Ok((scheme, hosts)) => bound.push(BoundCredential { name: declared.name.clone(), scheme, hosts }),
            Err(TemplateError::Unset { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bound)
}

fn fill_scheme(
    scheme: &CredentialScheme,
    settings: &Map<String, Value>,
) -> Result<CredentialScheme, TemplateError> {
    let fill = |text: &mut String| -> Result<(), TemplateError> {
        *text = template::fill(text, settings)?;
        Ok(())
    };
    let mut filled = scheme.clone();
    match &mut filled {
        CredentialScheme::Basic { user, .. } => fill(user)?,
        CredentialScheme::ClientCredentials { token_url, client_id, .. }
        | CredentialScheme::RefreshToken { token_url, client_id, .. } => {
            fill(token_url)?;
            fill(client_id)?;
        }
        CredentialScheme::Bearer { .. }
        | CredentialScheme::ApiKey { .. }
        | CredentialScheme::Signature { .. } => {}
    }
    Ok(filled)
}

/// Secrets by the grant: what is not granted is not there, whoever asks.
struct GrantedSecrets {
    plugin: PluginName,
    granted: BTreeSet<String>,
    source: Arc<dyn SecretSource>,
}

impl GrantedSecrets {
    fn check(&self, name: &str) -> Result<(), SecretError> {
        if self.granted.contains(name) {
            return Ok(());
        }
        let reason = format!("it is not granted: grant the secret `{name}` to the plugin `{}`", self.plugin);
        Err(SecretError { name: name.to_owned(), reason })
    }
}

#[async_trait]
impl SecretSource for GrantedSecrets {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        self.check(name)?;
        self.source.secret(name).await
    }

    async fn replace(&self, name: &str, value: SecretText) -> Result<(), SecretError> {
        self.check(name)?;
        self.source.replace(name, value).await
    }
}

fn quoted(names: &[String]) -> String {
    let kind = if names.len() == 1 { "the secret" } else { "the secrets" };
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("{kind} {}", names.join(", "))
}

fn joined(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use mortise_model::manifest::CredentialDeclaration;
    use serde_json::json;

    use super::*;

    fn manifest(credentials: &Value) -> Manifest {
        serde_json::from_value(json!({
            "name": "acme/erp", "version": "1.0.0", "kind": "connector", "title": "ERP", "description": "",
            "settingsSchema": {}, "secrets": [], "credentials": credentials, "hosts": [], "capabilities": [],
        }))
        .unwrap()
    }

    fn settings(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn every_secret() -> BTreeSet<String> {
        ["client-secret", "password"].map(str::to_owned).into()
    }

    fn oauth() -> Value {
        json!({
            "name": "erp",
            "scheme": {
                "type": "client-credentials", "tokenUrl": "{base-url}/oauth/token", "clientId": "{client-id}",
                "clientSecret": "client-secret", "scope": null, "authentication": "basic",
            },
            "hosts": ["{base-url}"],
        })
    }

    fn basic() -> Value {
        let scheme = json!({ "type": "basic", "user": "{user}", "passwordSecret": "password" });
        json!({ "name": "old", "scheme": scheme, "hosts": ["api.example.com"] })
    }

    #[test]
    fn a_credential_takes_its_addresses_and_names_from_settings() {
        let set = settings(json!({ "base-url": "https://erp.example.com/", "client-id": "mortise" }));
        let bound = credentials(&manifest(&json!([oauth()])), &set, &every_secret()).unwrap();
        let declared: CredentialDeclaration = serde_json::from_value(oauth()).unwrap();
        let mut expected = declared.scheme;
        if let CredentialScheme::ClientCredentials { token_url, client_id, .. } = &mut expected {
            "https://erp.example.com/oauth/token".clone_into(token_url);
            "mortise".clone_into(client_id);
        }
        let hosts = vec!["erp.example.com:443".parse().unwrap()];
        assert_eq!(bound, [BoundCredential { name: "erp".to_owned(), scheme: expected, hosts }]);
    }

    #[test]
    fn a_credential_whose_settings_are_not_set_is_left_out() {
        let set = settings(json!({ "user": "mortise" }));
        let bound = credentials(&manifest(&json!([oauth(), basic()])), &set, &every_secret()).unwrap();
        assert_eq!(bound.iter().map(|credential| credential.name.as_str()).collect::<Vec<_>>(), ["old"]);
    }

    #[test]
    fn a_credential_whose_secrets_are_not_granted_is_left_out() {
        let set =
            settings(json!({ "base-url": "ftp://nobody.looks", "client-id": "mortise", "user": "mortise" }));
        let granted = ["password".to_owned()].into();
        let bound = credentials(&manifest(&json!([oauth(), basic()])), &set, &granted).unwrap();
        assert_eq!(bound.iter().map(|credential| credential.name.as_str()).collect::<Vec<_>>(), ["old"]);
    }

    #[test]
    fn a_setting_that_is_no_host_is_an_error_at_the_setting() {
        let set = settings(json!({ "base-url": "ftp://erp.example.com", "client-id": "mortise" }));
        let error =
            credentials(&manifest(&json!([oauth()])), &set, &every_secret()).unwrap_err().at_setting();
        assert_eq!((error.pointer.as_str(), error.code.as_str()), ("/base-url", "not-a-host"));
    }

    #[tokio::test]
    async fn a_secret_that_is_not_granted_is_not_read() {
        struct Full;

        #[async_trait]
        impl SecretSource for Full {
            async fn secret(&self, _: &str) -> Result<Option<SecretText>, SecretError> {
                Ok(Some(SecretText::new("hush-hush")))
            }

            async fn replace(&self, _: &str, _: SecretText) -> Result<(), SecretError> {
                Ok(())
            }
        }

        let plugin = "acme/erp".parse().unwrap();
        let granted = ["token".to_owned()].into();
        let secrets = GrantedSecrets { plugin, granted, source: Arc::new(Full) };
        assert!(secrets.secret("token").await.unwrap().is_some());
        let message = secrets.secret("spare").await.unwrap_err().to_string();
        assert!(message.contains("grant the secret `spare` to the plugin `acme/erp`"), "{message}");
        assert!(secrets.replace("spare", SecretText::new("x")).await.is_err());
    }
}
