//! The host's parts in this process, and what a run of theirs takes.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use mortise_egress::{Egress, EgressConfig, PlainHttp};
use mortise_integration::{InstanceChanges, Integration, IntegrationConfig, NewInstance, RunFilter};
use mortise_model::clock::{Clock, SystemClock, Timestamp};
use mortise_model::entity::EntityKind;
use mortise_model::id::{Digest, InstanceId, PluginName, TenantId};
use mortise_model::instance::{Direction, SyncAction};
use mortise_model::log::LogLevel;
use mortise_model::plugin::Permissions;
use mortise_model::run::{Run, RunStatus};
use mortise_model::secret::SecretText;
use mortise_model::tenant::{Tenant, TenantLimits};
use mortise_query::Query;
use mortise_runtime::{Compiler, Runtime, RuntimeConfig};
use mortise_scheduler::{JobContext, JobEnd, JobHandler as _};
use mortise_store::{
    Batch, ChangeSet, Claim, Collection, Document, DocumentId, Expect, Found, JobFilter, JobView, Lease,
    LeasedJob, Origin, Sequence, SledOptions, SledStore, Store, StoreError,
};
use prometheus_client::registry::Registry;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::Failure;

/// Bytes that sled keeps in memory.
const CACHE: u64 = 64 << 20;

/// What something took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From its beginning to its end.
    pub wall: Duration,
    /// Of all threads of this process, the kernel's work for them included.
    pub cpu: Duration,
}

/// Begins to measure; the answer ends it.
pub fn measure() -> impl FnOnce() -> Cost {
    let (wall, cpu) = (Instant::now(), cpu());
    move || Cost { wall: wall.elapsed(), cpu: self::cpu().saturating_sub(cpu) }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Resident memory of this process, in bytes.
///
/// # Errors
/// That this system does not tell.
pub fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}

/// An empty store.
///
/// # Errors
/// That it cannot be made.
pub fn open_store(directory: &Path) -> Result<Arc<SledStore>, Failure> {
    let options = SledOptions { cache_bytes: CACHE, ..SledOptions::default() };
    Ok(Arc::new(SledStore::open(&directory.join("store"), &options)?))
}

/// A host, and the connector `invoices` granted in one tenant.
pub struct House {
    integration: Integration,
    /// What was committed can be taken from it.
    pub store: Arc<Recorder>,
    tenant: TenantId,
    plugin: PluginName,
    _directory: TempDir,
}

/// How an instance pulls.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// Records of a page.
    pub size: u32,
    /// Pages that are asked for at the same time.
    pub in_flight: u32,
}

impl House {
    /// A host that may call `source`.
    ///
    /// # Errors
    /// That a part of it does not start.
    pub async fn start(source: &str) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let store = Arc::new(Recorder { inner: open_store(directory.path())?, batches: Mutex::default() });
        let as_store: Arc<dyn Store> = Arc::clone(&store) as _;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut metrics = Registry::default();
        let config = EgressConfig {
            allowed_networks: vec!["127.0.0.0/8".parse()?],
            plain_http: PlainHttp::Allowed,
            ..EgressConfig::default()
        };
        let egress = Egress::new(config, Arc::clone(&clock))?;
        let images = directory.path().join("images");
        let config = RuntimeConfig {
            calls_per_tenant: 200,
            ..RuntimeConfig::new(images, secret("11"), Compiler::InProcess)
        };
        let runtime = Runtime::new(config, Arc::clone(&as_store), egress, Arc::clone(&clock), &mut metrics)?;
        let config = IntegrationConfig { page_size: 1_000, ..IntegrationConfig::new(secret("22")) };
        let integration = Integration::new(config, as_store, clock, runtime, &mut metrics)?;
        let tenant: TenantId = "bench".parse()?;
        let limits = TenantLimits { instances: 10_000, ..TenantLimits::default() };
        let described =
            Tenant { id: tenant.clone(), name: "Bench".to_owned(), limits, created_at: SystemClock.now() };
        let mut batch = Batch::new(TenantId::system(), Origin::Host, SystemClock.now());
        batch.put(&described, Expect::Absent)?;
        store.commit(batch).await?;
        let uploaded = integration.plugins().upload(&tenant, component()?).await?;
        let (plugin, release) = (uploaded.plugin.name, uploaded.release.digest);
        let permissions = Permissions {
            hosts: [source.trim_start_matches("http://").parse()?].into(),
            secrets: ["token".to_owned()].into(),
            capabilities: uploaded.release.manifest.capabilities.iter().map(|asked| asked.name).collect(),
            ..Permissions::default()
        };
        integration.plugins().grant(&tenant, &plugin, &release, permissions).await?;
        Ok(Self { integration, store, tenant, plugin, _directory: directory })
    }

    /// Links an instance that pulls the customers.
    ///
    /// # Errors
    /// That the host refuses.
    pub async fn link(&self, name: &str, source: &str, paging: Paging) -> Result<InstanceId, Failure> {
        let Paging { size, in_flight } = paging;
        let settings = json!({ "base-url": source, "page-size": size, "pages-in-flight": in_flight });
        let new = NewInstance {
            name: name.to_owned(),
            plugin: self.plugin.clone(),
            settings: settings.as_object().cloned().unwrap_or_default(),
            secrets: [("token".to_owned(), SecretText::new("a token"))].into(),
            actions: Some(vec![pull(EntityKind::Account)]),
            log_level: LogLevel::Info,
        };
        Ok(self.integration.instances().create(&self.tenant, new).await?.0.id)
    }

    /// Has an instance pull the invoices from now on.
    ///
    /// # Errors
    /// That the host refuses.
    pub async fn turn_to_invoices(&self, instance: &InstanceId) -> Result<(), Failure> {
        let (_, version) = self.integration.instances().get(&self.tenant, instance).await?;
        let changes =
            InstanceChanges { actions: Some(vec![pull(EntityKind::Invoice)]), ..InstanceChanges::default() };
        self.integration.instances().change(&self.tenant, instance, Some(version), changes).await?;
        Ok(())
    }

    /// Runs an instance to its end.
    ///
    /// # Errors
    /// That the run does not succeed.
    pub async fn run(&self, instance: &InstanceId) -> Result<Run, Failure> {
        self.integration.instances().run_now(&self.tenant, instance).await?;
        let claim = Claim {
            worker: "bench".to_owned(),
            kinds: vec!["sync".to_owned()],
            now: SystemClock.now(),
            lease: Duration::from_mins(10),
            limit: 1,
            per_tenant: usize::MAX,
        };
        let job = self.store.claim_jobs(&claim).await?.pop().ok_or("there is no job")?;
        let context = JobContext::detached(CancellationToken::new());
        let end = self.integration.sync_handler().work(&job, &context).await;
        let filter = RunFilter { job: Some(job.lease.job.clone()), ..RunFilter::default() };
        let run = self.integration.runs().list(&self.tenant, &filter, 0, 1).await?.pop().ok_or("no run")?;
        if end != JobEnd::Settled || run.status != RunStatus::Succeeded {
            return Err(format!("the run did not succeed: {end:?}, {run:?}").into());
        }
        Ok(run)
    }
}

fn secret(digits: &str) -> SecretText {
    SecretText::new(digits.repeat(32))
}

fn component() -> Result<Bytes, Failure> {
    let path = "target/guests-wasm/invoices.wasm";
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}: run `cargo xtask plugins`"))?;
    Ok(bytes.into())
}

fn pull(entity: EntityKind) -> SyncAction {
    SyncAction { entity, direction: Direction::Pull }
}

/// A store that keeps a copy of every batch that was committed.
pub struct Recorder {
    inner: Arc<SledStore>,
    batches: Mutex<Vec<Batch>>,
}

impl Recorder {
    /// Forgets what was committed so far.
    pub fn clear(&self) {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was committed since it was cleared.
    pub fn take(&self) -> Vec<Batch> {
        std::mem::take(&mut *self.batches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for Recorder {
    async fn commit(&self, batch: Batch) -> Result<Sequence, StoreError> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
        self.inner.commit(batch).await
    }

    async fn get(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        self.inner.get(tenant, collection, id).await
    }

    async fn find_unique(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        index: &'static str,
        values: &[String],
    ) -> Result<Vec<Option<Document>>, StoreError> {
        self.inner.find_unique(tenant, collection, index, values).await
    }

    async fn query(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        query: &Query,
    ) -> Result<Found, StoreError> {
        self.inner.query(tenant, collection, query).await
    }

    async fn reserve_numbers(&self, tenant: &TenantId, name: &str, count: u64) -> Result<u64, StoreError> {
        self.inner.reserve_numbers(tenant, name, count).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        self.inner.changes(tenant, after, limit).await
    }

    async fn put_blob(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        self.inner.put_blob(bytes).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_blob(digest).await
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError> {
        self.inner.delete_blob(digest).await
    }

    async fn claim_jobs(&self, claim: &Claim) -> Result<Vec<LeasedJob>, StoreError> {
        self.inner.claim_jobs(claim).await
    }

    async fn renew_lease(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        now: Timestamp,
        duration: Duration,
    ) -> Result<Timestamp, StoreError> {
        self.inner.renew_lease(tenant, lease, now, duration).await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        limit: usize,
    ) -> Result<Vec<JobView>, StoreError> {
        self.inner.jobs(tenant, filter, limit).await
    }

    async fn wait_for_jobs(&self, timeout: Duration) {
        self.inner.wait_for_jobs(timeout).await;
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.inner.check().await
    }
}
