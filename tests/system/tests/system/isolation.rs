//! Nothing crosses from one tenant to another.

use mortise_system_tests::Caller;
use serde_json::{Value, json};

use crate::fixture::{House, config, link};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_neither_sees_nor_reaches_what_another_has() {
    let house = House::start().await;
    let owner = house.tenant("owner").await;
    let other = house.tenant("other").await;
    let linked = link(&owner, config(5, 5), json!({}), Value::Null).await;
    let run = owner.run(&linked.instance).await.unwrap();

    for list in [
        "/api/accounts",
        "/api/invoices",
        "/manage/plugins",
        "/manage/instances",
        "/manage/runs",
        "/manage/schedules",
        "/manage/dead-letters",
    ] {
        let seen = other.caller.get(list).await.unwrap().succeeded().unwrap();
        assert_eq!(seen, json!([]), "{list}");
    }
    let run = run["id"].as_str().unwrap();
    let account = owner.caller.records("accounts").await.unwrap()[0]["id"].clone();
    for path in [
        format!("/api/accounts/{account}"),
        format!("/manage/instances/{}", linked.instance),
        format!("/manage/instances/{}/secrets", linked.instance),
        format!("/manage/runs/{run}"),
        format!("/manage/runs/{run}/log?from=0"),
        "/manage/plugins/mortise/brindle-ledger/grant".to_owned(),
    ] {
        owner.caller.get(&path).await.unwrap().succeeded().unwrap();
        other.caller.get(&path).await.unwrap().refused(404).unwrap();
    }
    let run_it = format!("/manage/instances/{}/run", linked.instance);
    other.caller.post(&run_it, &json!({})).await.unwrap().refused(404).unwrap();
    // Naming the other tenant does not help whoever has a token of their own.
    let seen = other.caller.in_tenant("owner").get("/api/accounts").await.unwrap();
    assert!(seen.status >= 400 || seen.body == json!([]), "{}: {}", seen.status, seen.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_credentials_and_a_tenant_does_not_operate_the_host() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let nobody = Caller::nobody(house.host().url()).unwrap();

    for caller in [&nobody, &nobody.with_key("mok_wrong"), &nobody.with_token("wrong")] {
        for path in ["/api/accounts", "/manage/instances", "/manage/tenants"] {
            caller.get(path).await.unwrap().refused(401).unwrap();
        }
    }
    let intruder = json!({ "id": "mine", "name": "Mine" });
    tenant.caller.post("/manage/tenants", &intruder).await.unwrap().refused(403).unwrap();
    for open in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        nobody.get(open).await.unwrap().succeeded().unwrap();
    }
}
