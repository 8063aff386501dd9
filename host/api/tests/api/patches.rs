//! Patch documents through the interface. What each operation does is tested beside the code.

use serde_json::{Value, json};

use crate::call::Answer;
use crate::host::Host;

async fn patch(host: &Host, key: &str, media_type: &str, body: &Value) -> Answer {
    host.send(host.platform(key, "PATCH", "/api/accounts/1").body(media_type, body.to_string())).await
}

#[tokio::test]
async fn both_kinds_of_patch_change_a_record_and_answer_it() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    host.account(&acme, &json!({"name": "A", "phone": "1", "creditLimit": "5.00"})).await;
    let body = json!([
        {"op": "test", "path": "/name", "value": "A"},
        {"op": "replace", "path": "/creditLimit", "value": "7.50"},
        {"op": "remove", "path": "/phone"},
    ]);
    let answer = patch(&host, &acme, "application/json-patch+json", &body).await;
    assert_eq!(
        (answer.status, answer.at("/creditLimit"), answer.at("/phone")),
        (200, json!("7.50"), Value::Null)
    );
    let answer = patch(&host, &acme, "application/merge-patch+json", &json!({"creditLimit": null})).await;
    assert_eq!((answer.status, answer.at("/creditLimit")), (200, json!("0")));
}

#[tokio::test]
async fn a_patch_that_is_refused_changes_nothing() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let before = host.account(&acme, &json!({"name": "A"})).await;
    for (media_type, body, status, code) in [
        ("application/json", json!({"name": "B"}), 415, "unsupported-media-type"),
        ("", json!({"name": "B"}), 415, "unsupported-media-type"),
        ("application/json-patch+json", json!({"name": "B"}), 400, "patch.malformed"),
        (
            "application/json-patch+json",
            json!([{"op": "replace", "path": "/name", "value": "B"}, {"op": "test", "path": "/phone", "value": "1"}]),
            409,
            "patch.test_failed",
        ),
        (
            "application/json-patch+json",
            json!([{"op": "replace", "path": "/createdAt", "value": "2020-01-01T00:00:00Z"}]),
            422,
            "patch.read_only",
        ),
        ("application/json-patch+json", json!([{"op": "remove", "path": "/name"}]), 422, "validation-failed"),
        ("application/merge-patch+json", json!({"name": "", "creditLimit": "-1"}), 422, "validation-failed"),
        ("application/merge-patch+json", json!({"parentAccount": {"id": 99}}), 422, "validation-failed"),
    ] {
        let answer = patch(&host, &acme, media_type, &body).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{body}");
        assert_eq!(answer.header("accept-patch").is_empty(), status != 415, "{body}");
    }
    let after = host.send(host.platform(&acme, "GET", "/api/accounts/1")).await;
    assert_eq!((after.json(), after.header("etag")), (before.json(), before.header("etag")));
    let missing = host.platform(&acme, "PATCH", "/api/accounts/9").body("application/merge-patch+json", "{}");
    assert_eq!(host.send(missing).await.problem(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn every_member_that_is_wrong_is_told_at_once() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let body = json!({"name": " ", "creditLimit": "-1", "addresses": [{"countryCode": "Greece"}]});
    let answer = host.send(host.platform(&acme, "POST", "/api/accounts").json(&body)).await;
    let errors = answer.at("/errors");
    let pointers: Vec<_> =
        errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/name", "/creditLimit", "/addresses/0/countryCode"]);
    assert_eq!(answer.at("/detail"), "3 members are not valid: see `errors`");
}
