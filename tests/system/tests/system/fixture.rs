//! A host of its own for each test, and a ledger.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use mortise_system_tests::{Binary, Caller, Host, HostOptions, Ledger, NewLink, Tenant, Uploaded, build};
use serde_json::{Value, json};
use simulated_erp::{Config, SimulatedErp};
use tempfile::TempDir;

/// The configuration of every host: the ledger is on this machine, and what failed is tried again soon.
const CONFIG: &str = "\
[log]
level = \"debug\"
[egress]
allow = [\"127.0.0.0/8\"]
plain_http = true
[workers]
poll_milliseconds = 50
lease_seconds = 5
drain_seconds = 5
[sync]
retry_first_milliseconds = 200
retry_factor = 1.0
retry_attempts = 2
";

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The program `mortise`, built when it is out of date.
pub(crate) fn mortise() -> &'static Path {
    static MORTISE: OnceLock<PathBuf> = OnceLock::new();
    MORTISE.get_or_init(|| build(&[Binary::Mortise]).unwrap().remove(0))
}

/// The component of a plugin or of a test guest, built when it is out of date.
pub(crate) fn component(guest: &str) -> PathBuf {
    static GUESTS: OnceLock<()> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["run", "--quiet", "--locked", "--package", "xtask", "--", "plugins"])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success(), "the guests do not build: see above");
    });
    let folders = ["target/plugins", "target/guests-wasm"];
    let mut paths = folders.map(|folder| root().join(folder).join(format!("{guest}.wasm"))).into_iter();
    paths.find(|path| path.is_file()).unwrap_or_else(|| panic!("there is no guest {guest}"))
}

/// A host with a data directory of its own.
pub(crate) struct House {
    host: Option<Host>,
    options: HostOptions,
    directory: TempDir,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::configured(CONFIG).await
    }

    /// A host with further tables in its configuration.
    pub(crate) async fn start_with(tables: &str) -> Self {
        Self::configured(&format!("{CONFIG}{tables}")).await
    }

    /// A host with a configuration of its own.
    pub(crate) async fn configured(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = HostOptions {
            binary: mortise().to_owned(),
            directory: directory.path().to_owned(),
            config: config.to_owned(),
        };
        let host = Host::start(&options).await.unwrap();
        Self { host: Some(host), options, directory }
    }

    pub(crate) fn host(&self) -> &Host {
        self.host.as_ref().unwrap()
    }

    /// The process alone, with the directory that it needs.
    pub(crate) fn into_host(mut self) -> (Host, TempDir) {
        (self.host.take().unwrap(), self.directory)
    }

    pub(crate) fn options(&self) -> &HostOptions {
        &self.options
    }

    pub(crate) fn operator(&self) -> Caller {
        self.host().operator().unwrap()
    }

    pub(crate) async fn tenant(&self, id: &str) -> Tenant {
        Tenant::create(&self.operator(), id).await.unwrap()
    }

    /// Ends the host at once, in the middle of whatever it does.
    pub(crate) async fn kill(&mut self) {
        self.host.take().unwrap().kill().await.unwrap();
    }

    /// Has the host end in good order.
    pub(crate) async fn terminate(&mut self) {
        let status = self.host.take().unwrap().terminate().await.unwrap();
        assert!(status.success(), "{status}");
    }

    /// Starts the host again over the same data. It listens somewhere else.
    pub(crate) async fn restart(&mut self, tenant: &mut Tenant) {
        let host = Host::start(&self.options).await.unwrap();
        tenant.caller = tenant.caller.at(host.url());
        self.host = Some(host);
    }
}

/// A ledger with tokens that outlive the test.
pub(crate) fn config(customers: u32, invoices: u32) -> Config {
    Config { customers, invoices, token_lifetime: Duration::from_hours(1), ..Config::default() }
}

/// A ledger and an instance of the connector for it.
pub(crate) struct Linked {
    pub(crate) erp: SimulatedErp,
    pub(crate) ledger: Ledger,
    pub(crate) instance: String,
}

/// The whole of what the connector can do, in the order that references need.
pub(crate) fn both_ways() -> Value {
    let action = |entity: &str, direction: &str| json!({ "entity": entity, "direction": direction });
    json!([
        action("account", "pull"),
        action("invoice", "pull"),
        action("account", "push"),
        action("invoice", "push"),
    ])
}

/// Starts a ledger, uploads the connector, grants it the ledger, and links it.
pub(crate) async fn link(tenant: &Tenant, config: Config, settings: Value, actions: Value) -> Linked {
    let erp = SimulatedErp::start(config).await.unwrap();
    let ledger = Ledger::at(&erp.base_url()).unwrap();
    let uploaded = tenant.upload(&component("erp")).await.unwrap();
    tenant.grant(&uploaded, &[ledger.host_pattern()]).await.unwrap();
    let instance = tenant.link(&link_to(&erp, &uploaded, settings, actions)).await.unwrap();
    Linked { erp, ledger, instance }
}

/// The link of the connector to a ledger, with further settings.
pub(crate) fn link_to(erp: &SimulatedErp, uploaded: &Uploaded, further: Value, actions: Value) -> NewLink {
    let mut settings = json!({ "base-url": erp.base_url(), "client-id": erp.config().client_id });
    if let (Value::Object(settings), Value::Object(further)) = (&mut settings, further) {
        settings.extend(further);
    }
    NewLink {
        name: "ledger".to_owned(),
        plugin: uploaded.plugin.clone(),
        settings,
        secrets: json!({ "client-secret": erp.config().client_secret }),
        actions,
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..1_200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after two minutes it is still not so that {what}");
}
