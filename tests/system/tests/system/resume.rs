//! A host that dies, and one that is stopped, in the middle of a pull.

use std::time::Duration;

use mortise_system_tests::{Comparison, Tenant};
use serde_json::{Value, json};

use crate::fixture::{House, Linked, config, eventually, link};

/// A ledger so slow that a pull is still going when the test acts.
async fn slow(tenant: &Tenant) -> Linked {
    let mut settings = config(200, 400);
    settings.latency = Duration::from_millis(40);
    link(tenant, settings, json!({ "page-size": 10, "pages-in-flight": 1 }), Value::Null).await
}

/// Waits until some pages were committed and some were not.
async fn in_the_middle(tenant: &Tenant) {
    eventually("a part of the accounts has arrived", || async {
        let answer = tenant.caller.get("/api/accounts?size=100").await.unwrap().succeeded().unwrap();
        answer.as_array().is_some_and(|accounts| !accounts.is_empty())
    })
    .await;
    let run = tenant.runs("status=running").await.unwrap();
    assert_eq!(run.len(), 1, "{run:?}");
}

async fn arrives_once(tenant: &Tenant, linked: &Linked) {
    let query = format!("instance={}", linked.instance);
    let run = tenant.run_where(&query, |run| run["status"] == "succeeded").await.unwrap();
    let comparison = Comparison::make(&linked.ledger, &tenant.caller).await.unwrap();
    assert!(comparison.agrees(), "{:?}", comparison.differences);
    let created: u64 = run["actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|action| action["counts"]["created"].as_u64())
        .sum();
    assert!(created < 600, "the run began anew instead of going on: {run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_goes_on_after_the_host_was_killed_and_every_record_is_there_once() {
    let mut house = House::start().await;
    let mut tenant = house.tenant("brindle").await;
    let linked = slow(&tenant).await;
    tenant.start_run(&linked.instance).await.unwrap();
    in_the_middle(&tenant).await;

    house.kill().await;
    house.restart(&mut tenant).await;

    arrives_once(&tenant, &linked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_shutdown_stopped_goes_on_after_the_next_start() {
    let mut house = House::start().await;
    let mut tenant = house.tenant("brindle").await;
    let linked = slow(&tenant).await;
    tenant.start_run(&linked.instance).await.unwrap();
    in_the_middle(&tenant).await;

    house.terminate().await;
    house.restart(&mut tenant).await;

    arrives_once(&tenant, &linked).await;
}
