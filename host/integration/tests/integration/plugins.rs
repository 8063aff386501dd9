//! Plugins, releases and grants.

use std::time::Duration;

use mortise_model::id::{Digest, TenantId};
use mortise_model::manifest::Capability;
use mortise_model::plugin::{Permissions, Release};
use mortise_model::tenant::TenantLimits;
use mortise_store::StoreExt as _;
use mortise_store::collections::RELEASES;
use serde_json::json;

use crate::expect::{conflict, invalid, limit, not_found};
use crate::house::{self, House, erp, erp_permissions, manifest, permissions, plugin_name};

#[tokio::test]
async fn a_plugin_that_asks_for_nothing_is_active_at_once() {
    let house = House::new();
    let uploaded = house.upload("plugins/hello.wasm").await;
    assert_eq!(uploaded.plugin.active, Some(uploaded.release.digest));
    assert!(uploaded.missing.is_empty(), "{:?}", uploaded.missing);
    let granted = house.integration.plugins().granted(&house.tenant, &uploaded.plugin.name).await.unwrap();
    assert_eq!(granted.unwrap().permissions, Permissions::default());
}

#[tokio::test]
async fn the_same_bytes_again_are_the_same_release() {
    let house = House::new();
    let first = house.upload("plugins/hello.wasm").await;
    let second = house.upload("plugins/hello.wasm").await;
    assert_eq!(second, first);
    let releases = house.integration.plugins().releases(&house.tenant, &first.plugin.name).await.unwrap();
    assert_eq!(releases, [first.release]);
}

#[tokio::test]
async fn a_plugin_that_asks_for_something_waits_for_a_grant() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let uploaded = house.upload("plugins/erp.wasm").await;
    assert_eq!(uploaded.plugin.active, None);
    assert!(uploaded.missing.iter().any(|sentence| sentence.contains("`http`")), "{:?}", uploaded.missing);
    let name = uploaded.plugin.name;
    let message = conflict(plugins.activate(&house.tenant, &name, &uploaded.release.digest).await);
    assert!(message.contains("grant it first"), "{message}");
    let granted = permissions(json!({
        "capabilities": ["http"], "hosts": ["127.0.0.1:9000"], "secrets": ["client-secret"],
    }));
    let (plugin, grant) =
        plugins.grant(&house.tenant, &name, &uploaded.release.digest, granted.clone()).await.unwrap();
    assert_eq!(plugin.active, Some(uploaded.release.digest));
    assert_eq!(grant.permissions, granted);
    assert_eq!(plugins.get(&house.tenant, &name).await.unwrap(), plugin);
}

#[tokio::test]
async fn a_version_is_uploaded_once() {
    let house = House::new();
    let hello = house.upload("plugins/hello.wasm").await.release;
    // Another component that says it is the same version of the same plugin.
    let other = Release { digest: Digest::of(b"other bytes"), ..hello.clone() };
    house.put(&house.tenant, &other).await;
    house.delete(&RELEASES, hello.digest.to_string()).await;
    let result =
        house.integration.plugins().upload(&house.tenant, house::component("plugins/hello.wasm")).await;
    assert!(conflict(result).contains("raise the version"));
}

#[tokio::test]
async fn bytes_that_say_another_name_each_time_change_no_release() {
    let house = House::new();
    let hello = house.upload("plugins/hello.wasm").await.release;
    let other = plugin_name("acme/other");
    let first = Release { plugin: other.clone(), ..hello.clone() };
    house.put(&house.tenant, &first).await;
    let plugins = house.integration.plugins();
    let message = conflict(plugins.upload(&house.tenant, house::component("plugins/hello.wasm")).await);
    assert!(message.contains("`acme/other`"), "{message}");
    let (kept, _) =
        house.store.load::<Release>(&house.tenant, hello.digest.to_string()).await.unwrap().unwrap();
    assert_eq!(kept, first);
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let house = House::new();
    let result = house.integration.plugins().upload(&house.tenant, "not wasm".into()).await;
    assert!(matches!(result, Err(mortise_integration::IntegrationError::Component(_))), "{result:?}");
    assert_eq!(house.integration.plugins().list(&house.tenant).await.unwrap(), []);
}

#[tokio::test]
async fn a_tenant_has_only_as_many_plugins_as_its_limit_allows() {
    let house = House::new();
    house.limit(TenantLimits { plugins: 1, ..TenantLimits::default() }).await;
    house.plugin(erp("1.0.0"), erp_permissions()).await;
    let result =
        house.integration.plugins().upload(&house.tenant, house::component("plugins/hello.wasm")).await;
    assert!(limit(result).contains("`plugins`"));
}

#[tokio::test]
async fn the_oldest_release_that_is_not_in_use_makes_room() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let hello = house.upload("plugins/hello.wasm").await;
    let name = hello.plugin.name;
    let digest = hello.release.digest.to_string();
    let parts = |version: &str| manifest(json!({ "name": name.as_str(), "version": version }));
    house.delete(&RELEASES, digest.clone()).await;
    let active = house.plugin(parts("90.0.0"), Permissions::default()).await;
    house.clock.advance(Duration::from_secs(1));
    house.release(parts("91.0.0")).await;
    house.clock.advance(Duration::from_secs(1));
    house.limit(TenantLimits { releases_per_plugin: 2, ..TenantLimits::default() }).await;
    let uploaded = house.upload("plugins/hello.wasm").await;
    assert_eq!(uploaded.plugin.previous, Some(active.digest));
    let releases = plugins.releases(&house.tenant, &name).await.unwrap();
    let digests: Vec<_> = releases.iter().map(|release| release.digest).collect();
    assert_eq!(digests, [uploaded.release.digest, active.digest]);
    house.delete(&RELEASES, digest).await;
    house.limit(TenantLimits { releases_per_plugin: 1, ..TenantLimits::default() }).await;
    let result = plugins.upload(&house.tenant, house::component("plugins/hello.wasm")).await;
    assert!(limit(result).contains("`releasesPerPlugin`"));
}

#[tokio::test]
async fn a_grant_is_neither_less_nor_more_than_what_is_asked_for() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let release = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let errors =
        invalid(plugins.grant(&house.tenant, &release.plugin, &release.digest, Permissions::default()).await);
    let pointers: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/capabilities", "/secrets"]);
    let more = Permissions { secrets: ["token".to_owned(), "other".to_owned()].into(), ..erp_permissions() };
    let errors = invalid(plugins.grant(&house.tenant, &release.plugin, &release.digest, more).await);
    assert_eq!(errors, [("/secrets".to_owned(), "not-asked".to_owned())]);
    house.limit(TenantLimits { storage_bytes: 1_000, ..TenantLimits::default() }).await;
    let mut too_much = erp_permissions();
    too_much.capabilities.insert(Capability::Storage);
    too_much.storage_bytes = 1_001;
    let errors = invalid(plugins.grant(&house.tenant, &release.plugin, &release.digest, too_much).await);
    assert_eq!(errors, [("/storageBytes".to_owned(), "too-large".to_owned())]);
}

#[tokio::test]
async fn one_pointer_moves_forward_and_back() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let one = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let two = house.release(erp("2.0.0")).await;
    let message = conflict(plugins.roll_back(&house.tenant, &one.plugin).await);
    assert!(message.contains("no release"), "{message}");
    let plugin = plugins.activate(&house.tenant, &one.plugin, &two.digest).await.unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(two.digest), Some(one.digest)));
    let plugin = plugins.activate(&house.tenant, &one.plugin, &two.digest).await.unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(two.digest), Some(one.digest)));
    let plugin = plugins.roll_back(&house.tenant, &one.plugin).await.unwrap();
    assert_eq!((plugin.active, plugin.previous), (Some(one.digest), Some(two.digest)));
    assert_eq!(plugins.get(&house.tenant, &one.plugin).await.unwrap(), plugin);
}

#[tokio::test]
async fn a_release_that_asks_for_more_than_is_granted_is_not_made_active() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let one = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let mut more = erp("2.0.0");
    more.secrets[1].required = true;
    let wants_secret = house.release(more).await;
    let message = conflict(plugins.activate(&house.tenant, &one.plugin, &wants_secret.digest).await);
    assert!(message.contains("`spare`"), "{message}");
    let mut more = erp("3.0.0");
    more.hosts[0].pattern = "{report-url}".to_owned();
    let wants_host = house.release(more).await;
    let message = conflict(plugins.activate(&house.tenant, &one.plugin, &wants_host.digest).await);
    assert!(message.contains("{report-url}"), "{message}");
}

#[tokio::test]
async fn what_was_granted_can_be_taken_back() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let instance = house.instance().await;
    plugins.revoke(&house.tenant, &instance.plugin).await.unwrap();
    assert_eq!(plugins.granted(&house.tenant, &instance.plugin).await.unwrap(), None);
    let report = house.integration.instances().test(&house.tenant, &instance.id).await.unwrap();
    assert!(!report.passed());
    assert!(report.checks[0].message.contains("nothing is granted"), "{}", report.checks[0].message);
}

#[tokio::test]
async fn a_plugin_is_removed_only_without_instances() {
    let house = House::new();
    let plugins = house.integration.plugins();
    let instance = house.instance().await;
    let message = conflict(plugins.remove(&house.tenant, &instance.plugin).await);
    assert!(message.contains("`Staging`"), "{message}");
    house.integration.instances().remove(&house.tenant, &instance.id).await.unwrap();
    plugins.remove(&house.tenant, &instance.plugin).await.unwrap();
    assert_eq!(plugins.list(&house.tenant).await.unwrap(), []);
    not_found(plugins.granted(&house.tenant, &instance.plugin).await, "plugin");
}

#[tokio::test]
async fn nothing_of_a_tenant_is_seen_by_another() {
    let house = House::new();
    let release = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let other: TenantId = "other".parse().unwrap();
    let plugins = house.integration.plugins();
    assert_eq!(plugins.list(&other).await.unwrap(), []);
    not_found(plugins.get(&other, &release.plugin).await, "plugin");
    not_found(plugins.activate(&other, &release.plugin, &release.digest).await, "plugin");
    not_found(plugins.grant(&other, &release.plugin, &release.digest, erp_permissions()).await, "plugin");
}

#[tokio::test]
async fn a_release_of_another_plugin_is_not_one_of_this() {
    let house = House::new();
    let one = house.plugin(erp("1.0.0"), erp_permissions()).await;
    let other = house.plugin(manifest(json!({ "name": "acme/other" })), Permissions::default()).await;
    let result = house.integration.plugins().activate(&house.tenant, &one.plugin, &other.digest).await;
    not_found(result, "release");
    not_found(house.integration.plugins().get(&house.tenant, &plugin_name("acme/none")).await, "plugin");
}
