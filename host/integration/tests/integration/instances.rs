//! Instances, their settings, tests and runs.

use mortise_integration::InstanceChanges;
use mortise_model::clock::Timestamp;
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::{ItemId, RunId};
use mortise_model::instance::{Direction, InstanceState, SyncAction};
use mortise_model::item::{FailedItem, ItemState};
use mortise_model::log::LogLevel;
use mortise_model::tenant::TenantLimits;
use mortise_query::Query;
use mortise_scheduler::instance_lane;
use mortise_store::collections::{FAILED_ITEMS, PLUGIN_STORAGE, SECRETS, SYNC_STATES};
use mortise_store::{Batch, Claim, Collection, Expect, JobFilter, Origin, Write};
use serde_json::json;

use crate::expect::{changed, conflict, invalid, invalid_at, limit, not_found};
use crate::house::{House, PULL_ACCOUNT, erp, erp_permissions, new_instance, settings};

#[tokio::test]
async fn an_instance_has_the_defaults_of_its_plugin() {
    let house = House::new();
    let instance = house.instance().await;
    assert_eq!(
        instance.settings,
        settings(json!({ "base-url": "https://erp.example.com", "page-size": 200 }))
    );
    let (found, _) = house.integration.instances().get(&house.tenant, &instance.id).await.unwrap();
    assert_eq!(found, instance);
    assert_eq!(house.integration.instances().list(&house.tenant).await.unwrap(), [instance]);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_new_instance_is_listed() {
    let house = House::new();
    house.plugin(erp("1.0.0"), erp_permissions()).await;
    let mut new = new_instance(" ");
    new.settings = settings(json!({ "page-size": 0, "other": true }));
    new.secrets.insert("unknown".to_owned(), mortise_model::secret::SecretText::new("x"));
    let mut found = invalid(house.integration.instances().create(&house.tenant, new).await);
    found.sort();
    let found: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("/name", "required"),
            ("/secrets/unknown", "unknown"),
            ("/settings/base-url", "required"),
            ("/settings/other", "unknown"),
            ("/settings/page-size", "too-small"),
        ]
    );
    assert_eq!(house.integration.instances().list(&house.tenant).await.unwrap(), []);
}

#[tokio::test]
async fn a_name_is_used_once_in_a_tenant_whatever_its_case() {
    let house = House::new();
    let first = house.instance().await;
    let instances = house.integration.instances();
    invalid_at(instances.create(&house.tenant, new_instance("STAGING")).await, "/name", "not-unique");
    let (second, _) = instances.create(&house.tenant, new_instance("Production")).await.unwrap();
    let rename = InstanceChanges { name: Some(first.name), ..InstanceChanges::default() };
    invalid_at(instances.change(&house.tenant, &second.id, None, rename).await, "/name", "not-unique");
}

#[tokio::test]
async fn a_tenant_links_only_as_many_instances_as_its_limit_allows() {
    let house = House::new();
    house.limit(TenantLimits { instances: 1, ..TenantLimits::default() }).await;
    house.instance().await;
    let result = house.integration.instances().create(&house.tenant, new_instance("Second")).await;
    assert!(limit(result).contains("`instances`"));
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_named() {
    let house = House::new();
    house.plugin(erp("1.0.0"), erp_permissions()).await;
    let mut new = new_instance("Staging");
    new.settings = settings(json!({ "base-url": "https://other.example.com:8443" }));
    let message = conflict(house.integration.instances().create(&house.tenant, new).await);
    assert!(message.contains("grant the host `other.example.com:8443`"), "{message}");
}

#[tokio::test]
async fn an_instance_needs_a_plugin_that_is_active() {
    let house = House::new();
    let instances = house.integration.instances();
    invalid_at(instances.create(&house.tenant, new_instance("Staging")).await, "/plugin", "not-found");
    let release = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let plugin = mortise_model::plugin::Plugin {
        name: release.plugin,
        active: None,
        previous: None,
        created_at: house.now(),
    };
    house.put(&house.tenant, &plugin).await;
    let message = conflict(instances.create(&house.tenant, new_instance("Staging")).await);
    assert!(message.contains("no active release"), "{message}");
}

#[tokio::test]
async fn actions_are_what_the_plugin_offers() {
    let house = House::new();
    let hello = house.upload("plugins/hello.wasm").await.plugin;
    let instances = house.integration.instances();
    let mut new = new_instance("Hello");
    new.plugin = hello.name;
    new.settings = settings(json!({}));
    new.secrets.clear();
    new.actions = None;
    let (instance, _) = instances.create(&house.tenant, new.clone()).await.unwrap();
    assert_eq!(instance.actions, [PULL_ACCOUNT]);
    let push = SyncAction { entity: EntityKind::Invoice, direction: Direction::Push };
    new.name = "Another".to_owned();
    new.actions = Some(vec![PULL_ACCOUNT, push]);
    invalid_at(instances.create(&house.tenant, new).await, "/actions/1", "not-offered");
    let report = instances.test(&house.tenant, &instance.id).await.unwrap();
    assert_eq!(report.checks.iter().filter(|check| !check.passed).count(), 0, "{report:?}");
}

#[tokio::test]
async fn actions_must_be_named_when_the_plugin_cannot_say_what_it_offers() {
    let house = House::new();
    house.plugin(erp("1.0.0"), erp_permissions()).await;
    let mut new = new_instance("Staging");
    new.actions = None;
    invalid_at(house.integration.instances().create(&house.tenant, new).await, "/actions", "required");
}

#[tokio::test]
async fn a_change_on_an_old_version_is_refused() {
    let house = House::new();
    let instance = house.instance().await;
    let instances = house.integration.instances();
    let (_, version) = instances.get(&house.tenant, &instance.id).await.unwrap();
    let quiet = InstanceChanges { log_level: Some(LogLevel::Error), ..InstanceChanges::default() };
    house.clock.advance(std::time::Duration::from_secs(1));
    let (instance, next) =
        instances.change(&house.tenant, &instance.id, Some(version), quiet.clone()).await.unwrap();
    assert_eq!((instance.log_level, instance.updated_at), (LogLevel::Error, house.now()));
    changed(instances.change(&house.tenant, &instance.id, Some(version), quiet.clone()).await);
    instances.change(&house.tenant, &instance.id, Some(next), quiet).await.unwrap();
}

#[tokio::test]
async fn settings_are_replaced_as_a_whole_and_checked() {
    let house = House::new();
    let instance = house.instance().await;
    let instances = house.integration.instances();
    let with = |value| InstanceChanges { settings: Some(settings(value)), ..InstanceChanges::default() };
    let wrong = with(json!({ "base-url": "https://erp.example.com", "page-size": "many" }));
    invalid_at(
        instances.change(&house.tenant, &instance.id, None, wrong).await,
        "/settings/page-size",
        "wrong-type",
    );
    let elsewhere = with(json!({ "base-url": "https://other.example.com" }));
    conflict(instances.change(&house.tenant, &instance.id, None, elsewhere).await);
    let right = with(json!({ "base-url": "https://erp.example.com/", "page-size": 10 }));
    let (changed, _) = instances.change(&house.tenant, &instance.id, None, right).await.unwrap();
    assert_eq!(
        changed.settings,
        settings(json!({ "base-url": "https://erp.example.com/", "page-size": 10 }))
    );
    assert_eq!(changed.actions, instance.actions);
}

#[tokio::test]
async fn a_paused_instance_does_not_run_until_it_is_resumed() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    let paused = instances.pause(&house.tenant, &id, "the ledger moves".to_owned()).await.unwrap();
    assert_eq!(paused.state, InstanceState::Paused { reason: "the ledger moves".to_owned() });
    let message = conflict(instances.run_now(&house.tenant, &id).await);
    assert!(message.contains("the ledger moves") && message.contains("resume it first"), "{message}");
    assert_eq!(instances.resume(&house.tenant, &id).await.unwrap().state, InstanceState::Active);
    instances.run_now(&house.tenant, &id).await.unwrap();
    invalid_at(instances.pause(&house.tenant, &id, "x".repeat(501)).await, "/reason", "too-long");
}

#[tokio::test]
async fn at_most_one_run_waits_and_its_job_is_answered() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    let first = instances.run_now(&house.tenant, &id).await.unwrap();
    assert_eq!(instances.run_now(&house.tenant, &id).await.unwrap(), first);
    let claim = Claim {
        worker: "test".to_owned(),
        kinds: vec!["sync".to_owned()],
        now: house.now(),
        lease: std::time::Duration::from_secs(30),
        limit: 10,
        per_tenant: 10,
    };
    let leased = house.store.claim_jobs(&claim).await.unwrap();
    assert_eq!(leased.iter().map(|job| &job.lease.job).collect::<Vec<_>>(), [&first]);
    let second = instances.run_now(&house.tenant, &id).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(instances.run_now(&house.tenant, &id).await.unwrap(), second);
}

#[tokio::test]
async fn a_test_says_what_is_missing_before_the_plugin_can_be_asked() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    instances.remove_secret(&house.tenant, &id, "token").await.unwrap();
    let report = instances.test(&house.tenant, &id).await.unwrap();
    assert!(!report.passed());
    assert_eq!(
        report.checks[0].message,
        "the instance `Staging` has no value for the secret `token`: set it"
    );
}

async fn ids(house: &House, collection: &'static Collection) -> usize {
    house.store.query(&house.tenant, collection, &Query::default()).await.unwrap().documents.len()
}

#[tokio::test]
async fn removing_an_instance_removes_everything_that_is_only_its_own() {
    let house = House::new();
    let instance = house.instance().await;
    let id = &instance.id;
    let (kept, _) = house.integration.instances().create(&house.tenant, new_instance("Kept")).await.unwrap();
    for id in [id, &kept.id] {
        let mut batch = Batch::new(house.tenant.clone(), Origin::Host, house.now());
        for key in ["one", "two/three"] {
            batch.push(Write::Put {
                collection: &PLUGIN_STORAGE,
                id: format!("{id}/{key}").into(),
                expect: Expect::Absent,
                body: "{}".to_owned(),
            });
        }
        batch.push(Write::Put {
            collection: &SYNC_STATES,
            id: format!("{id}/pull-account").into(),
            expect: Expect::Absent,
            body: "{}".to_owned(),
        });
        house.store.commit(batch).await.unwrap();
        house.put(&house.tenant, &failed_item(id, "1", house.now())).await;
    }
    house.integration.instances().run_now(&house.tenant, id).await.unwrap();
    house.integration.instances().remove(&house.tenant, id).await.unwrap();
    for (collection, left) in [(&PLUGIN_STORAGE, 2), (&SYNC_STATES, 1), (&FAILED_ITEMS, 1), (&SECRETS, 1)] {
        assert_eq!(ids(&house, collection).await, left, "{}", collection.name);
    }
    let filter = JobFilter { status: None, lane: Some(instance_lane(id)) };
    assert_eq!(house.store.jobs(&house.tenant, &filter, 10).await.unwrap(), []);
    not_found(house.integration.instances().get(&house.tenant, id).await, "instance");
    assert_eq!(house.integration.instances().list(&house.tenant).await.unwrap(), [kept]);
}

pub(crate) fn failed_item(
    instance: &mortise_model::id::InstanceId,
    external_id: &str,
    at: Timestamp,
) -> FailedItem {
    FailedItem {
        id: ItemId::new(),
        instance: instance.clone(),
        action: PULL_ACCOUNT,
        subject: FailedItem::pulled(instance, PULL_ACCOUNT, external_id),
        record: None,
        external_id: Some(external_id.to_owned()),
        state: ItemState::Dead,
        attempts: 6,
        error: PluginError::failed("no-name", "it has no name"),
        data: json!({}),
        idempotency_key: None,
        run: RunId::new(),
        created_at: at,
        updated_at: at,
    }
}

#[tokio::test]
async fn progress_that_was_never_made_is_forgotten_too() {
    let house = House::new();
    let id = house.instance().await.id;
    house.integration.instances().forget_progress(&house.tenant, &id, PULL_ACCOUNT).await.unwrap();
}
