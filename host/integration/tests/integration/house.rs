//! A host in a temporary directory: embedded store, runtime, integration.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mortise_egress::{Egress, EgressConfig, PlainHttp};
use mortise_integration::{Integration, IntegrationConfig, NewInstance, Uploaded};
use mortise_model::clock::{Clock, ManualClock, Timestamp};
use mortise_model::id::{Digest, PluginName, TenantId};
use mortise_model::instance::{Direction, Instance, SyncAction};
use mortise_model::log::LogLevel;
use mortise_model::manifest::Manifest;
use mortise_model::plugin::{Grant, Permissions, Plugin, Release};
use mortise_model::secret::SecretText;
use mortise_model::tenant::{Tenant, TenantLimits};
use mortise_runtime::{Compiler, Runtime, RuntimeConfig};
use mortise_store::{
    Batch, Collection, DocumentId, Entity, Expect, Origin, SledOptions, SledStore, Store, Write,
};
use prometheus_client::registry::Registry;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A host. Its clock stands still until a test moves it.
pub(crate) struct House {
    pub(crate) integration: Integration,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    directory: TempDir,
    runtime: Runtime,
}

/// Pulls accounts.
pub(crate) const PULL_ACCOUNT: SyncAction =
    SyncAction { entity: mortise_model::entity::EntityKind::Account, direction: Direction::Pull };

impl House {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() };
        let store = SledStore::open(&directory.path().join("store"), &options).expect("the store opens");
        let store: Arc<dyn Store> = Arc::new(store);
        let start = "2026-03-01T09:30:00Z".parse().expect("a time");
        let clock = Arc::new(ManualClock::at(start));
        let as_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let mut metrics = Registry::default();
        let config = EgressConfig {
            allowed_networks: ["127.0.0.0/8".parse().expect("a network")].to_vec(),
            plain_http: PlainHttp::Allowed,
            ..EgressConfig::default()
        };
        let egress = Egress::new(config, Arc::clone(&as_clock)).expect("requests can be sent");
        let images = directory.path().join("images");
        let config = RuntimeConfig::new(images, SecretText::new("11".repeat(32)), Compiler::InProcess);
        let runtime =
            Runtime::new(config, Arc::clone(&store), egress, as_clock, &mut metrics).expect("a runtime");
        let integration = over(&store, &clock, &runtime, "22");
        let tenant = "acme".parse().expect("a tenant");
        Self { integration, store, clock, tenant, directory, runtime }
    }

    /// The same house under another master key: 32 times these two digits.
    pub(crate) fn under_another_key(&self) -> Integration {
        over(&self.store, &self.clock, &self.runtime, "33")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes a document as it is.
    pub(crate) async fn put<T: Entity>(&self, tenant: &TenantId, entity: &T) {
        let mut batch = Batch::new(tenant.clone(), Origin::Host, self.now());
        batch.put(entity, Expect::Any).expect("it serialises");
        self.store.commit(batch).await.expect("it is written");
    }

    /// Removes a document as it is.
    pub(crate) async fn delete(&self, collection: &'static Collection, id: impl Into<DocumentId>) {
        let mut batch = Batch::new(self.tenant.clone(), Origin::Host, self.now());
        batch.push(Write::Delete { collection, id: id.into(), expect: Expect::Any });
        self.store.commit(batch).await.expect("it is written");
    }

    /// Sets the tenant's limits.
    pub(crate) async fn limit(&self, limits: TenantLimits) {
        let tenant =
            Tenant { id: self.tenant.clone(), name: "Acme".to_owned(), limits, created_at: self.now() };
        self.put(&TenantId::system(), &tenant).await;
    }

    /// A release without a component behind it: enough for whatever does not call the plugin.
    pub(crate) async fn release(&self, manifest: Manifest) -> Release {
        let release = Release {
            digest: Digest::of(format!("{} {}", manifest.name, manifest.version).as_bytes()),
            plugin: manifest.name.clone(),
            version: manifest.version.clone(),
            size: 1,
            manifest,
            imports: Vec::new(),
            contract: "0.1.0".to_owned(),
            uploaded_at: self.now(),
        };
        self.put(&self.tenant, &release).await;
        release
    }

    /// A plugin with an active release and a grant, without a component behind it.
    pub(crate) async fn plugin(&self, manifest: Manifest, permissions: Permissions) -> Release {
        let release = self.release(manifest).await;
        let name = release.plugin.clone();
        let plugin = Plugin {
            name: name.clone(),
            active: Some(release.digest),
            previous: None,
            created_at: self.now(),
        };
        self.put(&self.tenant, &plugin).await;
        let grant = Grant { plugin: name, release: release.digest, permissions, granted_at: self.now() };
        self.put(&self.tenant, &grant).await;
        release
    }

    /// An ERP that calls the host of a setting with a secret, granted `erp.example.com`, and an instance of it.
    pub(crate) async fn instance(&self) -> Instance {
        self.plugin(erp("1.0.0"), erp_permissions()).await;
        let (instance, _) = self
            .integration
            .instances()
            .create(&self.tenant, new_instance("Staging"))
            .await
            .expect("it is linked");
        instance
    }

    /// Uploads a guest that `cargo xtask plugins` built, by its path below `target`.
    pub(crate) async fn upload(&self, guest: &str) -> Uploaded {
        self.integration.plugins().upload(&self.tenant, component(guest)).await.expect("it is admitted")
    }
}

fn over(store: &Arc<dyn Store>, clock: &Arc<ManualClock>, runtime: &Runtime, digits: &str) -> Integration {
    let config = IntegrationConfig::new(SecretText::new(digits.repeat(32)));
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Integration::new(config, Arc::clone(store), clock, runtime.clone(), &mut Registry::default())
        .expect("an integration")
}

/// The bytes of a guest, by its path below `target`: `plugins/hello.wasm`.
pub(crate) fn component(guest: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(guest);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("{}: {error}: build the guests with `cargo xtask plugins`", path.display()),
    }
}

/// A manifest with some members in place of the defaults.
pub(crate) fn manifest(parts: Value) -> Manifest {
    let mut manifest = json!({
        "name": "acme/erp", "version": "1.0.0", "kind": "connector", "title": "ERP", "description": "An ERP.",
        "settingsSchema": {}, "secrets": [], "credentials": [], "hosts": [], "capabilities": [],
    });
    if let (Some(manifest), Value::Object(parts)) = (manifest.as_object_mut(), parts) {
        manifest.extend(parts);
    }
    serde_json::from_value(manifest).expect("a manifest")
}

/// The manifest of an ERP that calls the host of a setting with a secret.
pub(crate) fn erp(version: &str) -> Manifest {
    manifest(json!({
        "version": version,
        "settingsSchema": {
            "type": "object",
            "properties": {
                "base-url": { "type": "string" },
                "page-size": { "type": "integer", "minimum": 1, "maximum": 500, "default": 200 },
            },
            "required": ["base-url"],
        },
        "capabilities": [
            { "name": "http", "reason": "It reads the ledger.", "required": true },
            { "name": "storage", "reason": "It remembers.", "required": false },
        ],
        "hosts": [{ "pattern": "{base-url}", "reason": "The ledger." }],
        "secrets": [
            { "name": "token", "title": "Token", "help": "In the ledger's settings.", "required": true },
            { "name": "spare", "title": "Spare", "help": "", "required": false },
        ],
    }))
}

/// What [`erp`] is granted.
pub(crate) fn erp_permissions() -> Permissions {
    permissions(json!({ "capabilities": ["http"], "hosts": ["erp.example.com"], "secrets": ["token"] }))
}

pub(crate) fn permissions(value: Value) -> Permissions {
    serde_json::from_value(value).expect("permissions")
}

pub(crate) fn settings(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(settings) => settings,
        other => panic!("settings are an object, not {other}"),
    }
}

pub(crate) fn plugin_name(text: &str) -> PluginName {
    text.parse().expect("a plugin's name")
}

/// An instance of [`erp`] to be made, with its secret.
pub(crate) fn new_instance(name: &str) -> NewInstance {
    NewInstance {
        name: name.to_owned(),
        plugin: plugin_name("acme/erp"),
        settings: settings(json!({ "base-url": "https://erp.example.com" })),
        secrets: BTreeMap::from([("token".to_owned(), SecretText::new("hush-hush"))]),
        actions: Some(vec![PULL_ACCOUNT]),
        log_level: LogLevel::Info,
    }
}
