//! The main job: records arrive by schedule, all of them, with the right values.

use mortise_system_tests::Comparison;
use serde_json::{Value, json};

use crate::fixture::{House, config, link};

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_line_brings_every_record_of_the_other_system() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(300, 700), json!({ "page-size": 50 }), Value::Null).await;

    let report = tenant.test(&linked.instance).await.unwrap();
    assert_eq!(report["passed"], true, "{report}");
    let schedule = tenant.schedule(&linked.instance, "*/2 * * * * *").await.unwrap();
    let run = tenant.ended_run(&format!("instance={}", linked.instance)).await.unwrap();

    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(run["trigger"]["cause"], "schedule");
    assert_eq!(run["trigger"]["schedule"], schedule["id"]);
    for (action, total) in [(&run["actions"][0], 300), (&run["actions"][1], 700)] {
        assert_eq!(action["counts"]["created"], total, "{run}");
        assert_eq!(action["reportedTotal"], total, "{run}");
        assert_eq!(action["reconciled"], true, "{run}");
    }
    let comparison = Comparison::make(&linked.ledger, &tenant.caller).await.unwrap();
    assert!(comparison.agrees(), "{:?}", comparison.differences);
    assert_eq!((comparison.accounts, comparison.invoices), (300, 700));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_brings_what_changed_meanwhile() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(60, 120), json!({}), Value::Null).await;
    assert_eq!(tenant.run(&linked.instance).await.unwrap()["status"], "succeeded");

    linked.erp.churn(40);
    let run = tenant.run(&linked.instance).await.unwrap();

    assert_eq!(run["status"], "succeeded", "{run}");
    let comparison = Comparison::make(&linked.ledger, &tenant.caller).await.unwrap();
    assert!(comparison.agrees(), "{:?}", comparison.differences);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_in_the_middle_of_a_pull_are_renewed() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let mut settings = config(100, 200);
    settings.token_uses = Some(5);
    let linked = link(&tenant, settings, json!({ "page-size": 10 }), Value::Null).await;

    let run = tenant.run(&linked.instance).await.unwrap();

    assert_eq!(run["status"], "succeeded", "{run}");
    assert!(linked.erp.counters().tokens_issued > 4, "{:?}", linked.erp.counters());
    let comparison = Comparison::make(&linked.ledger, &tenant.caller).await.unwrap();
    assert!(comparison.agrees(), "{:?}", comparison.differences);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_records_is_found_by_filter_and_counted() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(30, 0), json!({}), Value::Null).await;
    tenant.run(&linked.instance).await.unwrap();

    let name = linked.erp.customers()[7].customer_no.clone();
    let found = tenant.caller.get(&format!("/api/accounts?$filter=code%20eq%20'{name}'")).await.unwrap();
    assert_eq!(found.succeeded().unwrap().as_array().map(Vec::len), Some(1));
    let request = tenant.caller.request(reqwest::Method::GET, "/api/accounts?page=2&size=20");
    let page = tenant.caller.send(request.header("X-Pagination", "true")).await.unwrap();
    let counted: Value = serde_json::from_slice(page.headers["x-pagination"].as_bytes()).unwrap();
    assert_eq!(counted["totalCount"], 30);
    assert_eq!(page.succeeded().unwrap().as_array().map(Vec::len), Some(10));
}
