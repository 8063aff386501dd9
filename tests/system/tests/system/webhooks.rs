//! A far side tells of a change, and the change arrives.

use hmac::{Hmac, KeyInit as _, Mac as _};
use mortise_system_tests::{Caller, NewLink};
use reqwest::Method;
use serde_json::json;
use sha2::Sha256;

use crate::fixture::{House, component};

const KEY: &str = "the key of the far side";

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_brings_the_record_it_names_and_an_unsigned_one_brings_nothing() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let uploaded = tenant.upload(&component("exercise")).await.unwrap();
    tenant.grant(&uploaded, &[]).await.unwrap();
    let link = NewLink {
        name: "hooked".to_owned(),
        plugin: uploaded.plugin,
        settings: json!({ "records": 1 }),
        secrets: json!({ "key": KEY }),
        actions: json!([{ "entity": "account", "direction": "pull" }]),
    };
    let instance = tenant.link(&link).await.unwrap();
    let far_side = Caller::nobody(house.host().url()).unwrap();
    let body = json!({ "account": "A-7", "id": "e-1" }).to_string();
    let send = |hook: String, signature: String| {
        let request = far_side.request(Method::POST, &format!("/hooks/{hook}")).body(body.clone());
        far_side.send(request.header("X-Signature", signature))
    };

    let hook = format!("brindle.{instance}");
    let refused = send(hook.clone(), "00".to_owned()).await.unwrap().refused(401).unwrap();
    assert!(refused["detail"].as_str().unwrap().contains("signature"), "{refused}");
    for nowhere in [format!("another.{instance}"), instance.clone(), format!("{hook}0")] {
        send(nowhere, signature(&body)).await.unwrap().refused(404).unwrap();
    }
    let answer = send(hook.clone(), signature(&body)).await.unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (200, "thanks"));

    let run = tenant.ended_run(&format!("instance={instance}")).await.unwrap();
    assert_eq!((&run["trigger"]["cause"], &run["status"]), (&json!("webhook"), &json!("succeeded")), "{run}");
    let accounts = tenant.caller.records("accounts").await.unwrap();
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    assert_eq!(accounts[0]["name"], "Record A-7");

    // The far side was not sure and sends the event again: it is answered, and taken once.
    assert_eq!(send(hook, signature(&body)).await.unwrap().text, "thanks");
    let path = format!("/manage/instances/{instance}/deliveries");
    let deliveries = tenant.caller.get(&path).await.unwrap().succeeded().unwrap();
    assert_eq!(deliveries.as_array().unwrap().len(), 1, "{deliveries}");
    assert_eq!((&deliveries[0]["status"], &deliveries[0]["changes"]), (&json!(200), &json!(1)));
}
