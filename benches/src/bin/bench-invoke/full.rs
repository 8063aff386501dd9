//! Mortise's whole path to a call, through the runtime's public interface.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mortise_egress::{Egress, EgressConfig, SecretError, SecretSource};
use mortise_model::clock::{Clock, SystemClock};
use mortise_model::connector::{Operation, Outcome as Pushed, PushItem, PushResult};
use mortise_model::entity::EntityKind;
use mortise_model::id::{InstanceId, RunId};
use mortise_model::log::LogLine;
use mortise_model::manifest::Capability;
use mortise_model::plugin::Permissions;
use mortise_model::secret::SecretText;
use mortise_model::tenant::TenantLimits;
use mortise_runtime::{Call, CallMode, Compiler, LogWriter, Runtime, RuntimeConfig, Tape};
use mortise_store::{SledOptions, SledStore, Store};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::{Outcome, job};

/// A host with the guest admitted, and a call of it.
pub(crate) struct Full {
    runtime: Runtime,
    call: Call,
    lines: Arc<Lines>,
    _metrics: Registry,
}

impl Full {
    /// Starts a runtime with everything on that a host has on, and admits the guest.
    pub(crate) async fn new(component: &[u8], directory: &Path, slots: u32) -> Outcome<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = SledStore::open(&directory.join("store"), &SledOptions::default())?;
        let store: Arc<dyn Store> = Arc::new(store);
        let egress = Egress::new(EgressConfig::default(), Arc::clone(&clock))?;
        let mut config = RuntimeConfig::new(
            directory.join("images"),
            SecretText::new("the key of a benchmark"),
            Compiler::InProcess,
        );
        config.calls = slots;
        let mut metrics = Registry::default();
        let runtime = Runtime::new(config, store, egress, clock, &mut metrics)?;
        let admitted = runtime.admit(&"acme".parse()?, component.to_vec().into()).await?;
        let permissions = Permissions {
            capabilities: Capability::ALL.into_iter().collect(),
            hosts: ["api.example.com".parse()?].into(),
            methods: [].into(),
            storage_bytes: 1 << 20,
            secrets: ["key".to_owned()].into(),
        };
        let lines = Arc::new(Lines::default());
        let call = Call {
            tenant: "acme".parse()?,
            plugin: admitted.manifest.name.clone(),
            release: admitted.digest,
            instance: InstanceId::new(),
            run: RunId::new(),
            attempt: 1,
            idempotency_key: "bench-1".to_owned(),
            mode: CallMode::Live,
            permissions: Arc::new(permissions),
            limits: TenantLimits::default(),
            settings: Arc::new(serde_json::from_str(job::SETTINGS)?),
            credentials: Arc::from([]),
            secrets: Arc::new(NoSecrets),
            log: Arc::clone(&lines) as Arc<dyn LogWriter>,
            cancelled: CancellationToken::new(),
            tape: Tape::Off,
        };
        Ok(Self { runtime, call, lines, _metrics: metrics })
    }

    /// One call, its description and its item made anew as every caller makes them.
    pub(crate) async fn call(&self) -> Outcome<()> {
        let item = PushItem {
            idempotency_key: "bench-1".to_owned(),
            attempt: 1,
            operation: Operation::Create,
            id: 417,
            external_id: None,
            data: job::INVOICE.to_owned(),
        };
        let returned = self.runtime.push(self.call.clone(), EntityKind::Invoice, vec![item]).await?;
        match returned.value.as_slice() {
            [PushResult { outcome: Pushed::Stored { note, .. }, .. }] if note == job::NOTE => Ok(()),
            other => Err(format!("the guest answered {other:?}").into()),
        }
    }

    /// Takes the log's lines, as the next batch of a run does.
    pub(crate) fn drain_log(&self) {
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Keeps the lines until the next batch, as the log of a run does.
#[derive(Default)]
struct Lines(Mutex<Vec<LogLine>>);

impl LogWriter for Lines {
    fn write(&self, line: LogLine) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

struct NoSecrets;

#[async_trait]
impl SecretSource for NoSecrets {
    async fn secret(&self, _: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(None)
    }

    async fn replace(&self, name: &str, _: SecretText) -> Result<(), SecretError> {
        Err(SecretError { name: name.to_owned(), reason: "there are none here".to_owned() })
    }
}
