//! A plugin that misbehaves hurts itself alone, and the run says how.

use mortise_system_tests::{NewLink, Tenant};
use serde_json::{Value, json};

use crate::fixture::{House, component};

/// An instance that misbehaves in one way, in a tenant with small limits.
async fn misbehaving(house: &House, behaviour: &str) -> (Tenant, String) {
    let tenant = house.tenant("brindle").await;
    let limits = json!({ "limits": { "callCpuMs": 500, "callMemoryBytes": 32 << 20 } });
    house.operator().patch("/manage/tenants/brindle", &limits).await.unwrap().succeeded().unwrap();
    let uploaded = tenant.upload(&component("misbehaving")).await.unwrap();
    tenant.grant(&uploaded, &["far.example.com"]).await.unwrap();
    let link = NewLink {
        name: "trouble".to_owned(),
        plugin: uploaded.plugin,
        settings: json!({ "behaviour": behaviour }),
        secrets: json!({}),
        actions: json!([{ "entity": "account", "direction": "pull" }]),
    };
    let instance = tenant.link(&link).await.unwrap();
    (tenant, instance)
}

/// The run of an instance that misbehaves in one way.
async fn run_of(house: &House, behaviour: &str) -> Value {
    let (tenant, instance) = misbehaving(house, behaviour).await;
    let run = tenant.run(&instance).await.unwrap();
    assert_eq!(run["status"], "failed", "{run}");
    // The host is none the worse.
    let nobody = mortise_system_tests::Caller::nobody(house.host().url()).unwrap();
    nobody.get("/readyz").await.unwrap().succeeded().unwrap();
    run["error"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_loops_is_stopped_and_the_limit_is_named() {
    let error = run_of(&House::start().await, "loop").await;
    assert!(error.to_string().contains("callCpuMs"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_allocates_without_end_is_stopped_and_the_limit_is_named() {
    let error = run_of(&House::start().await, "allocate").await;
    assert!(error.to_string().contains("callMemoryBytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_traps_has_a_bug_and_the_run_says_so() {
    for behaviour in ["trap", "panic", "stack-overflow"] {
        let error = run_of(&House::start().await, behaviour).await.to_string();
        assert!(error.contains("bug") || error.contains("stack"), "{behaviour}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_host_that_no_manifest_names_is_denied_with_what_to_grant() {
    let error = run_of(&House::start().await, "http-ungranted").await;
    assert_eq!(error["kind"], "denied", "{error}");
    assert!(error.to_string().contains("ungranted.example"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_lands_less_than_was_reported_is_not_green() {
    let error = run_of(&House::start().await, "commit-half").await.to_string();
    assert!(error.contains("10") && error.contains('5'), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_returns_rubbish_hurts_itself_alone() {
    for behaviour in ["rubbish-record", "large-page", "long-id"] {
        let house = House::start().await;
        let (tenant, instance) = misbehaving(&house, behaviour).await;
        let run = tenant.run(&instance).await.unwrap();
        assert!(run["status"] == "failed" || run["status"] == "partial", "{behaviour}: {run}");
        assert_eq!(tenant.caller.records("accounts").await.unwrap(), Vec::<Value>::new(), "{behaviour}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_log_lines_is_dammed_up() {
    let house = House::start().await;
    let (tenant, instance) = misbehaving(&house, "log-flood").await;
    let run = tenant.run(&instance).await.unwrap();
    let log = tenant.log(&run).await.unwrap();
    let lines = log["lines"].as_array().unwrap();
    assert!(!lines.is_empty() && lines.len() <= 2_010, "{} lines", lines.len());
}
