//! Plugins, releases and grants.

mod asked;

use std::cmp::Reverse;

use bytes::Bytes;
use mortise_model::error::FieldError;
use mortise_model::id::{Digest, PluginName, TenantId};
use mortise_model::instance::Instance;
use mortise_model::plugin::{Grant, Permissions, Plugin, Release};
use mortise_model::tenant::TenantLimits;
use mortise_query::Filter;
use mortise_runtime::Admitted;
use mortise_store::collections::{GRANTS, PLUGINS};
use mortise_store::{Batch, Expect, Origin, StoreError, StoreExt as _, Version, Write};

use crate::integration::Inner;
use crate::{IntegrationError, binding, listing};

/// Attempts at a change that others make at the same time.
const MAX_ATTEMPTS: u32 = 5;

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
        Ok(listing::all(self.inner.store.as_ref(), tenant, None).await?)
    }

    /// One plugin.
    pub async fn get(&self, tenant: &TenantId, name: &PluginName) -> Result<Plugin, IntegrationError> {
        Ok(self.load(tenant, name).await?.0)
    }

    /// The releases of a plugin, the newest first.
    pub async fn releases(
        &self,
        tenant: &TenantId,
        name: &PluginName,
    ) -> Result<Vec<Release>, IntegrationError> {
        self.load(tenant, name).await?;
        let mut releases = self.releases_of(tenant, name).await?;
        releases.sort_by_key(|release| Reverse(release.uploaded_at));
        Ok(releases)
    }

    /// Takes a component in. The same bytes again are the same release. It becomes active when the grant covers
    /// what its manifest asks for; otherwise it waits for [`Plugins::grant`] or [`Plugins::activate`].
    ///
    /// A new plugin that asks for nothing is granted nothing, and so is active at once. When a plugin has as many
    /// releases as the tenant keeps, the oldest that is neither active nor next to roll back to is dropped.
    ///
    /// # Errors
    /// [`IntegrationError::Component`] when the component is refused; [`IntegrationError::Conflict`] when the plugin
    /// has a release of this version with other bytes; [`IntegrationError::Limit`] when there are too many plugins.
    pub async fn upload(&self, tenant: &TenantId, component: Bytes) -> Result<Uploaded, IntegrationError> {
        let admitted = self.inner.runtime.admit(tenant, component).await?;
        let limits = binding::limits_of(self.inner.store.as_ref(), tenant).await?;
        let mut attempt = 1;
        loop {
            match self.take_in(tenant, &admitted, &limits).await {
                Err(IntegrationError::Store(StoreError::Conflict(_))) if attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                }
                Err(IntegrationError::Store(StoreError::Conflict(_))) => {
                    return Err(changed(&admitted.manifest.name));
                }
                outcome => return outcome,
            }
        }
    }

    /// What is granted to a plugin. None when nothing is.
    pub async fn granted(
        &self,
        tenant: &TenantId,
        name: &PluginName,
    ) -> Result<Option<Grant>, IntegrationError> {
        self.load(tenant, name).await?;
        let found = self.inner.store.load::<Grant>(tenant, name.as_str()).await?;
        Ok(found.map(|(grant, _)| grant))
    }

    /// Grants permissions to a plugin in place of those before, having seen the manifest of `release`, and makes
    /// that release active.
    ///
    /// A host that the manifest takes from a setting is granted by its value: `{base-url}` by `erp.example.com`.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when less is granted than the manifest requires, or more than it asks for.
    /// Pointers start at the permissions.
    pub async fn grant(
        &self,
        tenant: &TenantId,
        name: &PluginName,
        release: &Digest,
        permissions: Permissions,
    ) -> Result<(Plugin, Grant), IntegrationError> {
        let (mut plugin, version) = self.load(tenant, name).await?;
        let release = self.release(tenant, name, release).await?;
        let limits = binding::limits_of(self.inner.store.as_ref(), tenant).await?;
        let problems = asked::problems(&release.manifest, &permissions, limits.storage_bytes);
        if !problems.is_empty() {
            return Err(IntegrationError::Invalid(problems));
        }
        let granted_at = self.inner.clock.now();
        let grant = Grant { plugin: name.clone(), release: release.digest, permissions, granted_at };
        point(&mut plugin, release.digest);
        let mut batch = self.batch(tenant);
        batch.put(&grant, Expect::Any)?;
        batch.put(&plugin, Expect::At(version))?;
        self.commit(batch, name).await?;
        tracing::info!(%tenant, plugin = %name, release = %release.version, "a plugin was granted permissions");
        Ok((plugin, grant))
    }

    /// Takes back what was granted. New calls of the plugin are denied everything.
    pub async fn revoke(&self, tenant: &TenantId, name: &PluginName) -> Result<(), IntegrationError> {
        let (_, version) = self.load(tenant, name).await?;
        let mut batch = self.batch(tenant);
        batch.delete::<Grant>(name.as_str(), Expect::Any);
        batch.push(check(name, version));
        self.commit(batch, name).await?;
        tracing::info!(%tenant, plugin = %name, "a plugin's permissions were taken back");
        Ok(())
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
        let (mut plugin, version) = self.load(tenant, name).await?;
        let release = self.release(tenant, name, release).await?;
        let grant = self.inner.store.load::<Grant>(tenant, name.as_str()).await?;
        let missing = self.missing(tenant, &release, grant.as_ref().map(|(grant, _)| grant)).await?;
        if !missing.is_empty() {
            return Err(IntegrationError::Conflict(format!(
                "release {} of `{name}` asks for more than is granted, grant it first: {}",
                release.version,
                missing.join("; ")
            )));
        }
        point(&mut plugin, release.digest);
        let mut batch = self.batch(tenant);
        batch.put(&plugin, Expect::At(version))?;
        self.commit(batch, name).await?;
        tracing::info!(%tenant, plugin = %name, release = %release.version, "a release was made active");
        Ok(plugin)
    }

    /// Makes the release that was active before active again, at once.
    ///
    /// What it asks for is not compared with the grant: whatever is not granted is denied when it is called.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when none was active before.
    pub async fn roll_back(&self, tenant: &TenantId, name: &PluginName) -> Result<Plugin, IntegrationError> {
        let (mut plugin, version) = self.load(tenant, name).await?;
        let previous = plugin.previous.ok_or_else(|| {
            IntegrationError::Conflict(format!(
                "no release of `{name}` was active before: activate the release you want"
            ))
        })?;
        let release = self.release(tenant, name, &previous).await?;
        point(&mut plugin, previous);
        let mut batch = self.batch(tenant);
        batch.put(&plugin, Expect::At(version))?;
        self.commit(batch, name).await?;
        tracing::info!(%tenant, plugin = %name, release = %release.version, "a plugin was rolled back");
        Ok(plugin)
    }

    /// Removes a plugin with its releases and its grant.
    ///
    /// The components' bytes stay in the store: they are kept by digest, and the same bytes may be a release of
    /// another tenant.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] while instances use it.
    pub async fn remove(&self, tenant: &TenantId, name: &PluginName) -> Result<(), IntegrationError> {
        let (_, version) = self.load(tenant, name).await?;
        let store = self.inner.store.as_ref();
        let users: Vec<Instance> =
            listing::all(store, tenant, Some(Filter::eq("plugin", name.as_str()))).await?;
        if !users.is_empty() {
            let names: Vec<_> = users.iter().take(5).map(|instance| format!("`{}`", instance.name)).collect();
            return Err(IntegrationError::Conflict(format!(
                "{} instances use the plugin `{name}`, remove them first: {}{}",
                users.len(),
                names.join(", "),
                if users.len() > names.len() { " and others" } else { "" }
            )));
        }
        let mut batch = self.batch(tenant);
        for release in self.releases_of(tenant, name).await? {
            batch.delete::<Release>(release.digest.to_string(), Expect::Any);
        }
        batch.delete::<Grant>(name.as_str(), Expect::Any);
        batch.delete::<Plugin>(name.as_str(), Expect::At(version));
        self.commit(batch, name).await?;
        tracing::info!(%tenant, plugin = %name, "a plugin was removed");
        Ok(())
    }

    /// One attempt at an upload, after the component was admitted.
    async fn take_in(
        &self,
        tenant: &TenantId,
        admitted: &Admitted,
        limits: &TenantLimits,
    ) -> Result<Uploaded, IntegrationError> {
        let store = self.inner.store.as_ref();
        let name = &admitted.manifest.name;
        let plugin = store.load::<Plugin>(tenant, name.as_str()).await?;
        let grant = store.load::<Grant>(tenant, name.as_str()).await?;
        let releases = self.releases_of(tenant, name).await?;
        if let (Some((plugin, _)), Some(release)) =
            (&plugin, releases.iter().find(|release| release.digest == admitted.digest))
        {
            let missing = if plugin.active == Some(release.digest) {
                Vec::new()
            } else {
                self.missing(tenant, release, grant.as_ref().map(|(grant, _)| grant)).await?
            };
            return Ok(Uploaded { plugin: plugin.clone(), release: release.clone(), missing });
        }
        // A manifest is what the guest says: one that says another name each time must not change what was granted.
        let id = admitted.digest.to_string();
        let same = store.load::<Release>(tenant, id).await?;
        if let Some((other, _)) = same.filter(|(other, _)| other.plugin != *name) {
            return Err(IntegrationError::Conflict(format!(
                "these bytes were uploaded as `{}` and now say that they are `{name}`: a component gives the same \
                 manifest every time",
                other.plugin
            )));
        }
        if releases.iter().any(|release| release.version == admitted.manifest.version) {
            return Err(IntegrationError::Conflict(format!(
                "`{name}` has a release {} with other bytes: raise the version of the plugin and upload it again",
                admitted.manifest.version
            )));
        }
        let now = self.inner.clock.now();
        let release = Release {
            digest: admitted.digest,
            plugin: name.clone(),
            version: admitted.manifest.version.clone(),
            size: admitted.size,
            manifest: admitted.manifest.clone(),
            imports: admitted.imports.clone(),
            contract: admitted.contract.clone(),
            uploaded_at: now,
        };
        let mut batch = self.batch(tenant);
        let (mut plugin, expect) = if let Some((plugin, version)) = plugin {
            (plugin, Expect::At(version))
        } else {
            self.check_plugins(tenant, limits).await?;
            (Plugin { name: name.clone(), active: None, previous: None, created_at: now }, Expect::Absent)
        };
        let missing = if expect == Expect::Absent && asked::asks_for_nothing(&release.manifest) {
            let permissions = Permissions::default();
            let grant = Grant { plugin: name.clone(), release: release.digest, permissions, granted_at: now };
            batch.put(&grant, Expect::Any)?;
            Vec::new()
        } else {
            if let Some((_, version)) = &grant {
                let id = name.as_str().into();
                batch.push(Write::Check { collection: &GRANTS, id, expect: Expect::At(*version) });
            }
            self.missing(tenant, &release, grant.as_ref().map(|(grant, _)| grant)).await?
        };
        if missing.is_empty() {
            point(&mut plugin, release.digest);
        }
        let seen = grant.as_ref().map(|(grant, _)| grant.release);
        drop_oldest(&mut batch, &plugin, seen, releases, limits)?;
        batch.put(&release, Expect::Absent)?;
        batch.put(&plugin, expect)?;
        store.commit(batch).await?;
        tracing::info!(
            %tenant, plugin = %name, release = %release.version, active = missing.is_empty(), "a release was uploaded"
        );
        Ok(Uploaded { plugin, release, missing })
    }

    async fn check_plugins(&self, tenant: &TenantId, limits: &TenantLimits) -> Result<(), IntegrationError> {
        let count = listing::count(self.inner.store.as_ref(), tenant, &PLUGINS, None).await?;
        if count < u64::from(limits.plugins) {
            return Ok(());
        }
        Err(IntegrationError::Limit(format!(
            "the tenant has {count} plugins, as many as its limit `plugins` allows: remove one, or have the operator \
             raise the limit"
        )))
    }

    /// What a release asks for and is not granted, in sentences.
    async fn missing(
        &self,
        tenant: &TenantId,
        release: &Release,
        grant: Option<&Grant>,
    ) -> Result<Vec<String>, IntegrationError> {
        let Some(grant) = grant else {
            let mut missing = sentences(&asked::lacking(&release.manifest, &Permissions::default()));
            if missing.is_empty() {
                missing.push("nothing is granted to the plugin yet: grant it what it may do".to_owned());
            }
            return Ok(missing);
        };
        let mut missing = asked::lacking(&release.manifest, &grant.permissions);
        if grant.release != release.digest {
            let seen = self.inner.store.load::<Release>(tenant, grant.release.to_string()).await?;
            if let Some((seen, _)) = seen {
                missing.extend(asked::unseen(&release.manifest, &seen.manifest));
            }
        }
        Ok(sentences(&missing))
    }

    async fn load(
        &self,
        tenant: &TenantId,
        name: &PluginName,
    ) -> Result<(Plugin, Version), IntegrationError> {
        self.inner
            .store
            .load::<Plugin>(tenant, name.as_str())
            .await?
            .ok_or_else(|| IntegrationError::NotFound { what: "plugin", id: name.to_string() })
    }

    /// A release of this plugin.
    async fn release(
        &self,
        tenant: &TenantId,
        name: &PluginName,
        digest: &Digest,
    ) -> Result<Release, IntegrationError> {
        match self.inner.store.load::<Release>(tenant, digest.to_string()).await? {
            Some((release, _)) if release.plugin == *name => Ok(release),
            _ => Err(IntegrationError::NotFound { what: "release", id: digest.to_string() }),
        }
    }

    async fn releases_of(
        &self,
        tenant: &TenantId,
        name: &PluginName,
    ) -> Result<Vec<Release>, IntegrationError> {
        let filter = Filter::eq("plugin", name.as_str());
        Ok(listing::all(self.inner.store.as_ref(), tenant, Some(filter)).await?)
    }

    fn batch(&self, tenant: &TenantId) -> Batch {
        Batch::new(tenant.clone(), Origin::Api, self.inner.clock.now())
    }

    async fn commit(&self, batch: Batch, name: &PluginName) -> Result<(), IntegrationError> {
        match self.inner.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict(_)) => Err(changed(name)),
            Err(error) => Err(error.into()),
        }
    }
}

fn changed(name: &PluginName) -> IntegrationError {
    IntegrationError::Changed { what: "plugin", id: name.to_string() }
}

fn check(name: &PluginName, version: Version) -> Write {
    Write::Check { collection: &PLUGINS, id: name.as_str().into(), expect: Expect::At(version) }
}

/// Moves the pointer to a release. The one it pointed to is what a roll-back returns to.
fn point(plugin: &mut Plugin, release: Digest) {
    if plugin.active != Some(release) {
        plugin.previous = plugin.active.or(plugin.previous);
        plugin.active = Some(release);
    }
}

fn sentences(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(|error| error.message.clone()).collect()
}

/// Makes room for one more release. What is active, what a roll-back returns to and what the grant was made for stay.
fn drop_oldest(
    batch: &mut Batch,
    plugin: &Plugin,
    seen: Option<Digest>,
    mut releases: Vec<Release>,
    limits: &TenantLimits,
) -> Result<(), IntegrationError> {
    let most = usize::try_from(limits.releases_per_plugin).unwrap_or(usize::MAX);
    let mut surplus = (releases.len() + 1).saturating_sub(most);
    releases.sort_by_key(|release| release.uploaded_at);
    let kept = [plugin.active, plugin.previous, seen];
    for release in releases.iter().filter(|release| !kept.contains(&Some(release.digest))).take(surplus) {
        batch.delete::<Release>(release.digest.to_string(), Expect::Any);
        surplus -= 1;
    }
    if surplus == 0 {
        return Ok(());
    }
    Err(IntegrationError::Limit(format!(
        "the tenant keeps {most} releases of a plugin and all of `{}` are in use: have the operator raise the limit \
         `releasesPerPlugin`",
        plugin.name
    )))
}
