//! Runs of real components: one that does everything right, one that does what no plugin should.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mortise_integration::{NewInstance, Uploaded};
use mortise_model::account::{Account, AccountFields};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::InstanceId;
use mortise_model::instance::{Direction, SyncAction};
use mortise_model::item::{FailedItem, ItemStatus};
use mortise_model::log::LogLevel;
use mortise_model::manifest::Capability;
use mortise_model::plugin::Permissions;
use mortise_model::run::{Run, RunStatus};
use mortise_model::tenant::TenantLimits;
use mortise_query::{PageRequest, Query};
use mortise_scheduler::{JobContext, JobEnd, JobHandler as _};
use mortise_store::{Claim, LeasedJob, Origin, StoreExt as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::house::{House, PULL_ACCOUNT, settings};

const PUSH_ACCOUNT: SyncAction = SyncAction { entity: EntityKind::Account, direction: Direction::Push };
const PULL_INVOICE: SyncAction = SyncAction { entity: EntityKind::Invoice, direction: Direction::Pull };

impl House {
    /// Uploads a guest of the tests and grants it what it asks for.
    pub(crate) async fn granted(&self, guest: &str) -> Uploaded {
        let uploaded = self.upload(&format!("guests-wasm/{guest}.wasm")).await;
        let manifest = &uploaded.release.manifest;
        let permissions = Permissions {
            capabilities: manifest
                .capabilities
                .iter()
                .map(|asked| asked.name)
                .filter(|name| *name != Capability::SecretReveal)
                .collect(),
            storage_bytes: 1 << 20,
            secrets: manifest.secrets.iter().map(|secret| secret.name.clone()).collect(),
            ..Permissions::default()
        };
        let (name, digest) = (&uploaded.plugin.name, &uploaded.release.digest);
        self.integration.plugins().grant(&self.tenant, name, digest, permissions).await.unwrap();
        uploaded
    }

    pub(crate) async fn link(
        &self,
        uploaded: &Uploaded,
        name: &str,
        with: Value,
        actions: &[SyncAction],
    ) -> InstanceId {
        let new = NewInstance {
            name: name.to_owned(),
            plugin: uploaded.plugin.name.clone(),
            settings: settings(with),
            secrets: BTreeMap::new(),
            actions: Some(actions.to_vec()),
            log_level: LogLevel::Info,
        };
        self.integration.instances().create(&self.tenant, new).await.unwrap().0.id
    }

    pub(crate) async fn claim(&self) -> LeasedJob {
        let claim = Claim {
            worker: "worker".to_owned(),
            kinds: vec!["sync".to_owned()],
            now: self.now(),
            lease: Duration::from_mins(5),
            limit: 1,
            per_tenant: 10,
        };
        self.store.claim_jobs(&claim).await.unwrap().remove(0)
    }

    pub(crate) async fn run(&self, instance: &InstanceId) -> Run {
        self.integration.instances().run_now(&self.tenant, instance).await.unwrap();
        let job = self.claim().await;
        let context = JobContext::detached(CancellationToken::new());
        assert_eq!(self.integration.sync_handler().work(&job, &context).await, JobEnd::Settled);
        self.last_run(instance).await
    }

    pub(crate) async fn last_run(&self, instance: &InstanceId) -> Run {
        let filter =
            mortise_integration::RunFilter { instance: Some(instance.clone()), ..Default::default() };
        let runs = self.integration.runs().list(&self.tenant, &filter, 0, 100).await.unwrap();
        runs.into_iter().max_by(|left, right| left.id.cmp(&right.id)).unwrap()
    }

    pub(crate) async fn accounts(&self) -> Vec<Account> {
        let query = Query { page: PageRequest::first(10_000), ..Query::default() };
        self.store.select(&self.tenant, &query).await.unwrap()
    }

    pub(crate) async fn items(&self) -> Vec<FailedItem> {
        let query = Query { page: PageRequest::first(1_000), ..Query::default() };
        self.store.select(&self.tenant, &query).await.unwrap()
    }

    async fn create_account(&self, name: &str) {
        let fields = AccountFields { name: name.to_owned(), ..AccountFields::default() };
        self.integration
            .records()
            .create::<Account>(&self.tenant, fields, Origin::Api, Vec::new())
            .await
            .unwrap();
    }
}

fn code(run: &Run) -> &str {
    match &run.error {
        Some(PluginError::Failed { code, .. }) => code,
        _ => "",
    }
}

#[tokio::test]
async fn a_component_pulls_pages_that_land_and_are_reconciled() {
    let house = House::new();
    let exercise = house.granted("exercise").await;
    let with = json!({ "records": 1_200 });
    let instance = house.link(&exercise, "Exercise", with, &[PULL_ACCOUNT, PULL_INVOICE]).await;
    let run = house.run(&instance).await;
    let [accounts, invoices] = run.actions.as_slice() else { panic!("{:?}", run.actions) };
    assert_eq!((accounts.counts.pages, accounts.counts.created), (3, 1_200));
    assert_eq!((accounts.reported_total, accounts.reconciled), (Some(1_200), Some(true)));
    assert_eq!(house.accounts().await.len(), 1_200);
    // The exercise's invoices are not what the platform takes for invoices, and it announces two fewer than it has.
    assert_eq!((run.status, code(&run)), (RunStatus::Failed, "total-mismatch"), "{:?}", run.error);
    assert_eq!(invoices.reconciled, Some(false));
    let log = house.integration.runs().log(&house.tenant, &run.id, 0, 1_000).await.unwrap();
    assert!(log.complete);
    assert!(log.lines.iter().any(|line| line.message == "committed up to 1200"), "{:?}", log.lines);
}

#[tokio::test]
async fn a_component_pushes_records_with_an_outcome_for_each() {
    let house = House::new();
    let exercise = house.granted("exercise").await;
    let instance = house.link(&exercise, "Exercise", json!({ "records": 1 }), &[PUSH_ACCOUNT]).await;
    for name in ["one", "skipped", "retryable", "rejected", "two", "failed", "conflict"] {
        house.create_account(name).await;
    }
    let run = house.run(&instance).await;
    let counts = run.actions[0].counts;
    assert_eq!(run.status, RunStatus::Partial, "{:?}", run.error);
    assert_eq!((counts.records, counts.created, counts.skipped, counts.failed), (7, 2, 1, 4));
    let linked = house.accounts().await.into_iter().filter(|account| !account.links.is_empty());
    let linked: Vec<_> = linked.map(|account| account.links[0].external_id.clone()).collect();
    assert_eq!(linked, ["X-1", "X-5"]);
    let mut items: Vec<_> =
        house.items().await.into_iter().map(|item| (item.record.unwrap(), item.state.status())).collect();
    items.sort_by_key(|(record, _)| *record);
    let (retrying, dead) = (ItemStatus::Retrying, ItemStatus::Dead);
    assert_eq!(items, [(3, retrying), (4, dead), (6, dead), (7, retrying)]);
}

#[tokio::test]
async fn what_no_pull_may_do_is_not_green() {
    let house = House::new();
    let misbehaving = house.granted("misbehaving").await;
    for (behaviour, status, expected) in [
        ("behave", RunStatus::Succeeded, ""),
        ("pull-without-commit", RunStatus::Failed, "nothing-committed"),
        ("commit-half", RunStatus::Failed, "total-mismatch"),
        ("repeat-page", RunStatus::Failed, "repeated-page"),
        ("moving-total", RunStatus::Failed, "total-unsteady"),
        ("ignore-refusal", RunStatus::Failed, "repeated-page"),
        ("rubbish-record", RunStatus::Partial, ""),
    ] {
        let with = json!({ "behaviour": behaviour });
        let instance = house.link(&misbehaving, behaviour, with, &[PULL_ACCOUNT]).await;
        let run = house.run(&instance).await;
        assert_eq!((run.status, code(&run)), (status, expected), "{behaviour}: {:?}", run.error);
        assert_eq!(run.next_attempt_at, None, "{behaviour} is definite");
    }
}

#[tokio::test]
async fn pages_that_are_out_of_bounds_fail_the_run() {
    let house = House::new();
    let misbehaving = house.granted("misbehaving").await;
    for behaviour in ["long-id", "long-cursor", "large-page", "long-bookmark"] {
        let with = json!({ "behaviour": behaviour });
        let instance = house.link(&misbehaving, behaviour, with, &[PULL_ACCOUNT]).await;
        let run = house.run(&instance).await;
        assert_eq!(run.status, RunStatus::Failed, "{behaviour}");
        assert!(run.error.is_some(), "{behaviour}");
    }
}

#[tokio::test]
async fn a_pull_that_never_ends_is_stopped_by_its_time() {
    let house = House::new();
    house.limit(TenantLimits { call_wall_ms: 1_500, ..TenantLimits::default() }).await;
    let misbehaving = house.granted("misbehaving").await;
    let with = json!({ "behaviour": "endless-pages" });
    let instance = house.link(&misbehaving, "Endless", with, &[PULL_ACCOUNT]).await;
    let run = house.run(&instance).await;
    assert_eq!((run.status, code(&run)), (RunStatus::Failed, "limit"), "{:?}", run.error);
    assert!(run.error.unwrap().to_string().contains("callWallMs"));
}

#[tokio::test]
async fn a_person_stops_a_component_that_does_not_ask_whether_it_is_to_stop() {
    let house = Arc::new(House::new());
    let misbehaving = house.granted("misbehaving").await;
    let with = json!({ "behaviour": "endless-pages" });
    let instance = house.link(&misbehaving, "Endless", with, &[PULL_ACCOUNT]).await;
    let stopping = async {
        while house.accounts().await.is_empty() {
            tokio::task::yield_now().await;
        }
        let run = house.last_run(&instance).await;
        house.integration.runs().cancel(&house.tenant, &run.id).await.unwrap();
    };
    let (run, ()) = tokio::join!(house.run(&instance), stopping);
    assert_eq!((run.status, run.error), (RunStatus::Cancelled, None));
    assert!(run.ended_at.is_some());
}

#[tokio::test]
async fn a_push_that_leaves_records_out_blames_the_plugin() {
    let house = House::new();
    let misbehaving = house.granted("misbehaving").await;
    let with = json!({ "behaviour": "push-too-few" });
    let instance = house.link(&misbehaving, "Too few", with, &[PUSH_ACCOUNT]).await;
    house.create_account("one").await;
    let run = house.run(&instance).await;
    assert_eq!((run.status, run.actions[0].counts.failed), (RunStatus::Partial, 1), "{:?}", run.error);
    let items = house.items().await;
    assert_eq!(items[0].state.status(), ItemStatus::Dead);
    assert!(items[0].error.to_string().contains("the plugin has a bug"), "{}", items[0].error);
}
