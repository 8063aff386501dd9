//! A store, an instance, a scripted connector, and an engine to work on jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::account::{Account, AccountFields};
use mortise_model::clock::{Clock as _, ManualClock, Timestamp};
use mortise_model::connector::{
    Outcome, Page, PullEnd, PullRequest, PulledRecord, PushItem, PushResult, Receipt,
};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, InstanceId, TenantId};
use mortise_model::instance::{Direction, Instance, InstanceState, RecordingMode, SyncAction};
use mortise_model::item::FailedItem;
use mortise_model::log::LogLevel;
use mortise_model::run::{Run, Trigger};
use mortise_model::secret::SecretText;
use mortise_model::tenant::TenantLimits;
use mortise_query::{PageRequest, Query};
use mortise_records::Records;
use mortise_runtime::{Call, CallError, Returned, Sink};
use mortise_scheduler::{JobContext, JobEnd, sync_job};
use mortise_store::{
    Batch, Claim, Expect, JobFilter, JobView, LeasedJob, Origin, SledOptions, SledStore, Store,
    StoreExt as _, Write,
};
use prometheus_client::registry::Registry;
use serde_json::{Map, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::IntegrationConfig;
use crate::sync::calls::{BindError, Bound, Connectors};
use crate::sync::engine::Engine;
use crate::sync::live::LiveRuns;
use crate::sync::log::LogChunk;
use crate::sync::metrics::SyncMetrics;
use crate::sync::progress::SyncState;

pub(crate) const PULL: SyncAction = SyncAction { entity: EntityKind::Account, direction: Direction::Pull };
pub(crate) const PUSH: SyncAction = SyncAction { entity: EntityKind::Account, direction: Direction::Push };

pub(crate) type PullResult = Result<PullEnd, CallError>;
type PullScript =
    Box<dyn Fn(Call, PullRequest, Arc<dyn Sink>) -> BoxFuture<'static, PullResult> + Send + Sync>;
type PushScript =
    Box<dyn Fn(Call, Vec<PushItem>) -> BoxFuture<'static, Result<Vec<PushResult>, CallError>> + Send + Sync>;
type PullOneScript = Box<dyn Fn(&str) -> Result<Option<PulledRecord>, CallError> + Send + Sync>;

/// A connector whose functions are closures.
pub(crate) struct Scripted {
    pull: Mutex<Arc<PullScript>>,
    push: Mutex<Arc<PushScript>>,
    pull_one: Mutex<Arc<PullOneScript>>,
    configuration: Mutex<Option<PluginError>>,
    /// What pulls were asked for.
    pub(crate) pulls: Mutex<Vec<PullRequest>>,
    /// What was pushed.
    pub(crate) pushes: Mutex<Vec<Vec<PushItem>>>,
}

impl Scripted {
    pub(crate) fn pull<F, R>(&self, script: F)
    where
        F: Fn(Call, PullRequest, Arc<dyn Sink>) -> R + Send + Sync + 'static,
        R: Future<Output = PullResult> + Send + 'static,
    {
        let script: PullScript = Box::new(move |call, request, sink| Box::pin(script(call, request, sink)));
        *self.pull.lock().unwrap() = Arc::new(script);
    }

    pub(crate) fn push<F, R>(&self, script: F)
    where
        F: Fn(Call, Vec<PushItem>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<PushResult>, CallError>> + Send + 'static,
    {
        let script: PushScript = Box::new(move |call, items| Box::pin(script(call, items)));
        *self.push.lock().unwrap() = Arc::new(script);
    }

    pub(crate) fn pull_one(
        &self,
        script: impl Fn(&str) -> Result<Option<PulledRecord>, CallError> + Send + Sync + 'static,
    ) {
        *self.pull_one.lock().unwrap() = Arc::new(Box::new(script));
    }

    pub(crate) fn misconfigured(&self, error: PluginError) {
        *self.configuration.lock().unwrap() = Some(error);
    }

    pub(crate) fn pulls(&self) -> Vec<PullRequest> {
        self.pulls.lock().unwrap().clone()
    }

    pub(crate) fn pushes(&self) -> Vec<Vec<PushItem>> {
        self.pushes.lock().unwrap().clone()
    }
}

struct Secrets;

#[async_trait]
impl SecretSource for Secrets {
    async fn secret(&self, _: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(Some(SecretText::new("hush-hush")))
    }

    async fn replace(&self, _: &str, _: SecretText) -> Result<(), SecretError> {
        Ok(())
    }
}

#[async_trait]
impl Connectors for Scripted {
    async fn bind(&self, _: &TenantId, _: &Instance) -> Result<Bound, BindError> {
        if let Some(error) = self.configuration.lock().unwrap().clone() {
            return Err(BindError::Configuration { release: None, error });
        }
        Ok(Bound {
            release: Digest::of(b"release"),
            permissions: Arc::default(),
            limits: TenantLimits::default(),
            settings: Arc::new(Map::new()),
            credentials: Arc::new([]),
            secrets: Arc::new(Secrets),
            secret_names: vec!["token".to_owned()],
        })
    }

    async fn pull(
        &self,
        call: Call,
        request: PullRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<Returned<PullEnd>, CallError> {
        self.pulls.lock().unwrap().push(request.clone());
        let script = Arc::clone(&self.pull.lock().unwrap());
        let value = script(call, request, sink).await?;
        Ok(Returned { value, storage: Vec::new() })
    }

    async fn pull_one(
        &self,
        _: Call,
        _: EntityKind,
        external_id: &str,
    ) -> Result<Returned<Option<PulledRecord>>, CallError> {
        let script = Arc::clone(&self.pull_one.lock().unwrap());
        Ok(Returned { value: script(external_id)?, storage: Vec::new() })
    }

    async fn push(
        &self,
        call: Call,
        _: EntityKind,
        items: Vec<PushItem>,
    ) -> Result<Returned<Vec<PushResult>>, CallError> {
        self.pushes.lock().unwrap().push(items.clone());
        let script = Arc::clone(&self.push.lock().unwrap());
        Ok(Returned { value: script(call, items).await?, storage: Vec::new() })
    }
}

/// Everything that a run needs.
pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) instance: InstanceId,
    pub(crate) far: Arc<Scripted>,
    pub(crate) records: Records,
    pub(crate) live: Arc<LiveRuns>,
    engine: Engine,
    _directory: TempDir,
}

impl House {
    /// A house whose instance does these actions.
    pub(crate) async fn with(actions: &[SyncAction]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() };
        let store: Arc<dyn Store> = Arc::new(SledStore::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at("2026-03-01T09:30:00Z".parse().unwrap()));
        let records = Records::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock) as _);
        let far = Arc::new(Scripted {
            pull: Mutex::new(Arc::new(Box::new(|_, _, _| {
                Box::pin(async { Ok(PullEnd { bookmark: None }) })
            }))),
            push: Mutex::new(Arc::new(Box::new(|_, items| Box::pin(async move { Ok(stored(&items)) })))),
            pull_one: Mutex::new(Arc::new(Box::new(|_| Ok(None)))),
            configuration: Mutex::default(),
            pulls: Mutex::default(),
            pushes: Mutex::default(),
        });
        let mut config = IntegrationConfig::new(SecretText::new("00"));
        config.push_batch = 3;
        let live = Arc::new(LiveRuns::default());
        let engine = Engine {
            store: Arc::clone(&store),
            clock: Arc::<ManualClock>::clone(&clock) as _,
            records: records.clone(),
            config: Arc::new(config),
            connectors: Arc::<Scripted>::clone(&far) as _,
            live: Arc::clone(&live),
            metrics: SyncMetrics::new(&mut Registry::default()),
        };
        let house = Self {
            store,
            tenant: "acme".parse().unwrap(),
            instance: InstanceId::new(),
            clock,
            far,
            records,
            live,
            engine,
            _directory: directory,
        };
        house.write_instance(&house.instance, "Staging", actions).await;
        house
    }

    /// Links another instance of the same far side.
    pub(crate) async fn another_instance(&self, actions: &[SyncAction]) -> InstanceId {
        let id = InstanceId::new();
        self.write_instance(&id, "Another", actions).await;
        id
    }

    async fn write_instance(&self, id: &InstanceId, name: &str, actions: &[SyncAction]) {
        let instance = Instance {
            id: id.clone(),
            name: name.to_owned(),
            plugin: "acme/ledger".parse().unwrap(),
            state: InstanceState::Active,
            settings: Map::new(),
            actions: actions.to_vec(),
            log_level: LogLevel::Info,
            recording: RecordingMode::Off,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let mut batch = self.batch(Origin::Api);
        batch.put(&instance, Expect::Absent).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) fn batch(&self, origin: Origin) -> Batch {
        Batch::new(self.tenant.clone(), origin, self.clock.now())
    }

    /// Runs the instance once.
    pub(crate) async fn run(&self) -> Run {
        self.enqueue(Trigger::Manual).await;
        self.work_due().await
    }

    pub(crate) async fn enqueue(&self, trigger: Trigger) {
        self.enqueue_for(&self.instance, trigger).await;
    }

    async fn enqueue_for(&self, instance: &InstanceId, trigger: Trigger) {
        let mut batch = self.batch(Origin::Api);
        batch.push(Write::Enqueue(sync_job(instance, trigger, self.clock.now())));
        self.store.commit(batch).await.unwrap();
    }

    /// Runs another instance once.
    pub(crate) async fn run_of(&self, instance: &InstanceId) -> Run {
        self.enqueue_for(instance, Trigger::Manual).await;
        self.work_due().await
    }

    pub(crate) async fn claim(&self) -> Option<LeasedJob> {
        let claim = Claim {
            worker: "worker".to_owned(),
            kinds: vec!["sync".to_owned()],
            now: self.clock.now(),
            lease: Duration::from_secs(30),
            limit: 1,
            per_tenant: 10,
        };
        self.store.claim_jobs(&claim).await.unwrap().into_iter().next()
    }

    /// Works on the job that is due, and answers its run.
    pub(crate) async fn work_due(&self) -> Run {
        let job = self.claim().await.expect("a job is due");
        let end = self.work(&job, &JobContext::detached(CancellationToken::new())).await;
        assert_eq!(end, JobEnd::Settled);
        self.last_run().await
    }

    pub(crate) async fn work(&self, job: &LeasedJob, context: &JobContext) -> JobEnd {
        self.engine.work(job, context).await
    }

    /// The runs of all instances.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        let query = Query { page: PageRequest::first(100), ..Query::default() };
        self.store.select(&self.tenant, &query).await.unwrap()
    }

    pub(crate) async fn last_run(&self) -> Run {
        // Ids sort by time, also when the clock stands still.
        self.runs().await.into_iter().max_by(|left, right| left.id.cmp(&right.id)).expect("there is a run")
    }

    pub(crate) async fn instance(&self) -> Instance {
        self.store.load::<Instance>(&self.tenant, self.instance.as_str()).await.unwrap().unwrap().0
    }

    pub(crate) async fn state(&self, action: SyncAction) -> SyncState {
        let now = self.clock.now();
        SyncState::load(self.store.as_ref(), &self.tenant, &self.instance, action, now).await.unwrap().0
    }

    pub(crate) async fn items(&self) -> Vec<FailedItem> {
        let query = Query { page: PageRequest::first(1_000), ..Query::default() };
        self.store.select(&self.tenant, &query).await.unwrap()
    }

    pub(crate) async fn jobs(&self) -> Vec<JobView> {
        self.store.jobs(&self.tenant, &JobFilter::default(), 100).await.unwrap()
    }

    /// The names of all accounts by their ids on the far side; those without one by their number.
    pub(crate) async fn accounts(&self) -> BTreeMap<String, String> {
        let query = Query { page: PageRequest::first(1_000), ..Query::default() };
        let accounts: Vec<Account> = self.store.select(&self.tenant, &query).await.unwrap();
        let key = |account: &Account| {
            let external_id = account.links.iter().find(|link| link.instance == self.instance);
            external_id.map_or_else(|| format!("#{}", account.id), |link| link.external_id.clone())
        };
        accounts.iter().map(|account| (key(account), account.fields.name.clone())).collect()
    }

    /// Makes accounts as a caller of the platform API does.
    pub(crate) async fn create(&self, names: &[&str]) -> Vec<u64> {
        let mut numbers = Vec::new();
        for name in names {
            let fields = AccountFields { name: (*name).to_owned(), ..AccountFields::default() };
            let (account, _) =
                self.records.create::<Account>(&self.tenant, fields, Origin::Api, Vec::new()).await.unwrap();
            numbers.push(account.id.0);
        }
        numbers
    }

    pub(crate) async fn rename(&self, number: u64, name: &str) {
        let (account, version) = self.records.read::<Account>(&self.tenant, number).await.unwrap();
        let fields = AccountFields { name: name.to_owned(), ..account.fields.clone() };
        self.records.update(&self.tenant, account, version, fields, Origin::Api).await.unwrap();
    }

    /// The lines of a run's log.
    pub(crate) async fn log(&self, run: &Run) -> Vec<String> {
        let mut lines = Vec::new();
        for number in 1_u32.. {
            let id = format!("{}/{number:08}", run.id);
            let Some((chunk, _)) = self.store.load::<LogChunk>(&self.tenant, id).await.unwrap() else {
                break;
            };
            assert_eq!(chunk.first_line, lines.len() as u64);
            lines.extend(chunk.lines.into_iter().map(|line| line.message));
        }
        lines
    }
}

pub(crate) fn now_plus(house: &House, seconds: u64) -> Timestamp {
    house.clock.now().plus(Duration::from_secs(seconds))
}

/// A page of accounts, each named like its id.
pub(crate) fn page(ids: &[&str], cursor: &str, total: Option<u32>) -> Page {
    Page {
        records: ids.iter().map(|id| account(id, id)).collect(),
        failures: Vec::new(),
        next_cursor: cursor.to_owned(),
        reported_total: total,
    }
}

pub(crate) fn account(id: &str, name: &str) -> PulledRecord {
    PulledRecord { external_id: id.to_owned(), data: Some(json!({"name": name}).to_string()) }
}

/// Commits a page as a plugin that returns what it is refused with.
pub(crate) async fn commit(sink: &Arc<dyn Sink>, page: Page) -> Result<Receipt, CallError> {
    sink.commit(page, Vec::new()).await.map_err(CallError::Plugin)
}

#[expect(clippy::unnecessary_wraps, reason = "it ends a script, which may fail")]
pub(crate) fn ended(bookmark: &str) -> PullResult {
    Ok(PullEnd { bookmark: Some(bookmark.to_owned()) })
}

/// Everything is stored under an id made from the platform's.
pub(crate) fn stored(items: &[PushItem]) -> Vec<PushResult> {
    outcomes(items, |item| Outcome::Stored {
        external_id: item.external_id.clone().unwrap_or_else(|| format!("X-{}", item.id)),
        note: String::new(),
    })
}

pub(crate) fn outcomes(items: &[PushItem], outcome: impl Fn(&PushItem) -> Outcome) -> Vec<PushResult> {
    items.iter().map(|item| PushResult { id: item.id, outcome: outcome(item) }).collect()
}

pub(crate) fn failed_code(run: &Run) -> &str {
    match &run.error {
        Some(PluginError::Failed { code, .. }) => code,
        _ => "",
    }
}
