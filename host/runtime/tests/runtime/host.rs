//! A host for tests: a store on disk, an egress that may call this machine, and a runtime.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use mortise_egress::{BoundCredential, Egress, EgressConfig, PlainHttp, SecretError, SecretSource};
use mortise_model::clock::{Clock, SystemClock};
use mortise_model::connector::{Check, Page, PullRequest, Receipt};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, InstanceId, RunId, TenantId};
use mortise_model::log::LogLine;
use mortise_model::manifest::{Capability, CredentialScheme, Manifest};
use mortise_model::plugin::Permissions;
use mortise_model::secret::SecretText;
use mortise_model::tenant::TenantLimits;
use mortise_runtime::{
    Admitted, Call, CallError, CallMode, Compiler, LogWriter, Refused, Returned, Runtime, RuntimeConfig,
    Sink, Tape,
};
use mortise_store::{Batch, Origin, SledOptions, SledStore, Store, Write};
use prometheus_client::registry::Registry;
use serde_json::{Map, Value, json};
use simulated_erp::SimulatedErp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A runtime with a store of its own.
pub(crate) struct Host {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Registry,
    directory: TempDir,
}

impl Host {
    /// A host with the defaults, but for a few calls at a time.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A host whose egress is as it is installed: nothing of this machine may be called.
    pub(crate) fn guarded() -> Self {
        Self::build(|_| {}, EgressConfig { plain_http: PlainHttp::Allowed, ..EgressConfig::default() })
    }

    /// A host whose operator changed the configuration.
    pub(crate) fn with(change: impl FnOnce(&mut RuntimeConfig)) -> Self {
        let allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        Self::build(
            change,
            EgressConfig { allowed_networks, plain_http: PlainHttp::Allowed, ..EgressConfig::default() },
        )
    }

    fn build(change: impl FnOnce(&mut RuntimeConfig), egress: EgressConfig) -> Self {
        let directory = TempDir::new().unwrap();
        // All tests share the images, so that each guest is compiled once.
        let images = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtime-images");
        let compiler = Compiler::Program(env!("CARGO_BIN_EXE_mortise-compile").into());
        let mut config = RuntimeConfig::new(images, SecretText::new("the key of the tests"), compiler);
        config.calls = 4;
        change(&mut config);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let egress = Egress::new(egress, Arc::clone(&clock)).unwrap();
        let store = SledStore::open(&directory.path().join("store"), &SledOptions::default()).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let mut metrics = Registry::default();
        let runtime = Runtime::new(config, Arc::clone(&store), egress, clock, &mut metrics).unwrap();
        Self { runtime, store, metrics, directory }
    }

    /// Where its store is.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Admits a component of the tests' tenant.
    pub(crate) async fn admit(&self, component: Bytes) -> Result<Admitted, Refused> {
        self.runtime.admit(&"acme".parse().unwrap(), component).await
    }

    /// Admits a guest and makes a call of it, with everything granted that its manifest asks for.
    pub(crate) async fn call(&self, guest: &str) -> (Call, Arc<Lines>) {
        let admitted = self.admit(component(guest)).await.unwrap();
        call_of(&admitted)
    }

    /// Keeps what a call left to be written, as whoever called it does.
    pub(crate) async fn keep(&self, call: &Call, storage: Vec<Write>) {
        if storage.is_empty() {
            return;
        }
        let origin = Origin::Instance(call.instance.clone());
        let mut batch = Batch::new(call.tenant.clone(), origin, SystemClock.now());
        batch.writes = storage;
        self.store.commit(batch).await.unwrap();
    }

    /// What is counted, as operators see it.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        text
    }

    /// Runs `test` with one behaviour of the guest `misbehaving`.
    pub(crate) async fn misbehave(&self, behaviour: &str) -> (Result<Vec<Check>, CallError>, Arc<Lines>) {
        let (mut call, lines) = self.call("misbehaving").await;
        set(&mut call, "behaviour", behaviour);
        (self.runtime.test(call).await.map(|returned| returned.value), lines)
    }
}

/// Everything granted that the manifest asks for.
pub(crate) fn call_of(admitted: &Admitted) -> (Call, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let manifest = &admitted.manifest;
    let permissions = Permissions {
        capabilities: Capability::ALL.into_iter().collect(),
        hosts: ["127.0.0.1:1".parse().unwrap()].into(),
        methods: [].into(),
        storage_bytes: 1 << 20,
        secrets: manifest.secrets.iter().map(|secret| secret.name.clone()).collect(),
    };
    let call = Call {
        tenant: "acme".parse().unwrap(),
        plugin: manifest.name.clone(),
        release: admitted.digest,
        instance: InstanceId::new(),
        run: RunId::new(),
        attempt: 1,
        idempotency_key: "the-key".to_owned(),
        mode: CallMode::Live,
        permissions: Arc::new(permissions),
        limits: TenantLimits { call_wall_ms: 120_000, ..TenantLimits::default() },
        settings: Arc::new(defaults(manifest)),
        credentials: Arc::from([]),
        secrets: Arc::new(Secrets::default()),
        log: Arc::clone(&lines) as Arc<dyn LogWriter>,
        cancelled: CancellationToken::new(),
        tape: Tape::Off,
    };
    (call, lines)
}

fn defaults(manifest: &Manifest) -> Map<String, Value> {
    let properties = manifest.settings_schema["properties"].as_object().cloned().unwrap_or_default();
    let default = |(name, schema): (String, Value)| Some((name, schema.get("default")?.clone()));
    properties.into_iter().filter_map(default).collect()
}

/// Lets the call reach the simulated ledger, with the credential that the plugin `erp` declares.
pub(crate) fn reach_ledger(call: &mut Call, manifest: &Manifest, ledger: &SimulatedErp) {
    let base_url = ledger.base_url();
    reach(call, &base_url);
    set(call, "client-id", ledger.config().client_id.as_str());
    let hosts: Vec<_> = call.permissions.hosts.iter().cloned().collect();
    let bound = manifest.credentials.iter().map(|declared| {
        let scheme = serde_json::to_string(&declared.scheme).unwrap();
        let scheme =
            scheme.replace("{base-url}", &base_url).replace("{client-id}", &ledger.config().client_id);
        let scheme = serde_json::from_str(&scheme).unwrap();
        BoundCredential { name: declared.name.clone(), scheme, hosts: hosts.clone() }
    });
    call.credentials = bound.collect();
}

/// Sets one setting.
pub(crate) fn set(call: &mut Call, name: &str, value: impl Into<Value>) {
    Arc::make_mut(&mut call.settings).insert(name.to_owned(), value.into());
}

/// Changes what is granted.
pub(crate) fn grant(call: &mut Call, change: impl FnOnce(&mut Permissions)) {
    change(Arc::make_mut(&mut call.permissions));
}

/// Lets the call reach a server of this machine, and name the credential `far-side` for it.
pub(crate) fn reach(call: &mut Call, base_url: &str) {
    let host = base_url.strip_prefix("http://").unwrap().parse().unwrap();
    grant(call, |permissions| permissions.hosts = [host].into());
    let host = call.permissions.hosts.iter().cloned().collect();
    let scheme = CredentialScheme::Bearer { secret: "token".to_owned() };
    call.credentials = Arc::from([BoundCredential { name: "far-side".to_owned(), scheme, hosts: host }]);
    set(call, "base-url", base_url);
}

/// The bytes of a guest that was built.
pub(crate) fn component(name: &str) -> Bytes {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let found = ["plugins", "guests-wasm"]
        .into_iter()
        .find_map(|folder| std::fs::read(target.join(folder).join(format!("{name}.wasm"))).ok());
    match found {
        Some(bytes) => bytes.into(),
        None => panic!("there is no {name}.wasm below {}: run `cargo xtask plugins` first", target.display()),
    }
}

/// The lines of a call.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<LogLine>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<LogLine> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.all().into_iter().map(|line| line.message).collect()
    }
}

impl LogWriter for Lines {
    fn write(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }
}

/// Secrets that nobody has to keep.
struct Secrets(BTreeMap<&'static str, &'static str>);

impl Default for Secrets {
    fn default() -> Self {
        let ledger = ("client-secret", "brindle-demo-secret");
        Self([("key", "the key"), ("token", "the token"), ledger].into())
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(self.0.get(name).map(|value| SecretText::new(*value)))
    }

    async fn replace(&self, name: &str, _value: SecretText) -> Result<(), SecretError> {
        Err(SecretError { name: name.to_owned(), reason: "they stay as they are".to_owned() })
    }
}

/// Takes pages, and what the plugin wrote to its storage with each.
#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) taken: Mutex<Vec<(Page, Vec<Write>)>>,
    /// What every page is refused with.
    pub(crate) refusal: Option<PluginError>,
}

impl Pages {
    pub(crate) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

#[async_trait]
impl Sink for Pages {
    async fn commit(&self, page: Page, storage: Vec<Write>) -> Result<Receipt, PluginError> {
        let created = u32::try_from(page.records.len()).unwrap();
        self.taken.lock().unwrap().push((page, storage));
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(Receipt { created, ..Receipt::default() }),
        }
    }
}

/// Everything, ten records at a time.
pub(crate) fn everything(entity: EntityKind) -> PullRequest {
    PullRequest { entity, bookmark: None, cursor: None, page_size: 10 }
}

/// What a check found, as JSON.
pub(crate) fn found(checks: &Returned<Vec<Check>>, name: &str) -> Value {
    let check = checks.value.iter().find(|check| check.name == name);
    let check = check.unwrap_or_else(|| panic!("there is no check `{name}`: {checks:?}"));
    assert!(check.passed, "{check:?}");
    serde_json::from_str(&check.message).unwrap_or_else(|_| json!(check.message))
}

/// Another tenant.
pub(crate) fn another_tenant() -> TenantId {
    "other".parse().unwrap()
}

/// A digest that nothing has.
pub(crate) fn no_digest() -> Digest {
    Digest::of(b"nothing has this digest")
}
