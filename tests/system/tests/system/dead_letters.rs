//! What the other side refuses is kept until a person decides.

use serde_json::json;

use crate::fixture::{House, both_ways, config, eventually, link};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_is_a_dead_letter_and_arrives_once_it_is_mended_and_replayed() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(3, 0), json!({}), both_ways()).await;
    tenant.run(&linked.instance).await.unwrap();
    // The ledger takes no such tax number; the platform does.
    for (name, vat) in [("Refused", "?"), ("Accepted", "NL123456789B01")] {
        let account = json!({ "name": name, "vatNumber": vat, "transactionCurrency": "EUR" });
        tenant.caller.post("/api/accounts", &account).await.unwrap().succeeded().unwrap();
    }

    let run = tenant.run(&linked.instance).await.unwrap();

    assert_eq!(run["status"], "partial", "{run}");
    let held = |name: &str| linked.erp.customers().iter().any(|customer| customer.display_name == name);
    assert!(held("Accepted") && !held("Refused"));
    let dead = tenant.failed_items("dead").await.unwrap();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0]["data"]["name"], "Refused");
    assert_eq!(dead[0]["error"]["kind"], "rejected");
    assert_eq!(dead[0]["error"]["errors"][0]["pointer"], "/vatNumber");

    let path = format!("/api/accounts/{}", dead[0]["record"]);
    tenant.caller.patch(&path, &json!({ "vatNumber": "NL987654321B01" })).await.unwrap().succeeded().unwrap();
    let replay = format!("/manage/dead-letters/{}/replay", dead[0]["id"].as_str().unwrap());
    tenant.caller.post(&replay, &json!({})).await.unwrap().succeeded().unwrap();

    eventually("the mended record is in the ledger", || async { held("Refused") }).await;
    eventually("the dead letter is resolved", || async {
        tenant.failed_items("resolved").await.unwrap().len() == 1
    })
    .await;
    assert_eq!(tenant.failed_items("dead").await.unwrap(), Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_is_given_up_is_not_tried_again() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(1, 0), json!({}), both_ways()).await;
    tenant.run(&linked.instance).await.unwrap();
    let account = json!({ "name": "Refused", "vatNumber": "?", "transactionCurrency": "EUR" });
    tenant.caller.post("/api/accounts", &account).await.unwrap().succeeded().unwrap();
    tenant.run(&linked.instance).await.unwrap();
    let dead = tenant.failed_items("dead").await.unwrap();

    let discard = format!("/manage/dead-letters/{}/discard", dead[0]["id"].as_str().unwrap());
    tenant.caller.post(&discard, &json!({})).await.unwrap().succeeded().unwrap();

    let before = linked.erp.counters().answered("POST /api/v2/customers", 422);
    let run = tenant.run(&linked.instance).await.unwrap();
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(linked.erp.counters().answered("POST /api/v2/customers", 422), before);
}
