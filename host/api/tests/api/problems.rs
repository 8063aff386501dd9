//! Every kind of bad request is answered by a problem document.

use mortise_api::ApiConfig;
use serde_json::json;

use crate::call::Call;
use crate::host::Host;

#[tokio::test]
async fn a_problem_names_the_request_and_the_place() {
    let host = Host::start().await;
    let call = host.operate("GET", "/manage/tenants/nobody").header("x-request-id", "trace-7");
    let answer = host.send(call).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-request-id"), "trace-7");
    assert_eq!(
        answer.json(),
        json!({
            "type": "/problems/not-found", "title": "There is no such thing", "status": 404,
            "detail": "there is no tenant `nobody`", "instance": "/manage/tenants/nobody", "code": "not-found",
            "requestId": "trace-7",
        })
    );
}

#[tokio::test]
async fn every_bad_request_is_answered_by_its_own_code() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let post = |path: &str| host.platform(&acme, "POST", path);
    let long_path = format!("/api/accounts/{}", "1".repeat(3_000));
    let long_query = format!("/api/accounts?$filter={}", "x".repeat(9_000));
    for (call, status, code) in [
        (post("/api/accounts").body("application/json", "{\"name\": oops}"), 400, "malformed-json"),
        (post("/api/accounts").body("application/json", ""), 400, "malformed-json"),
        (post("/api/accounts").body("application/json", vec![0xff, 0xfe]), 400, "malformed-json"),
        (post("/api/accounts").body("text/plain", "{}"), 415, "unsupported-media-type"),
        (post("/api/accounts").body("", "{}"), 415, "unsupported-media-type"),
        (post("/api/accounts").json(&json!([])), 422, "validation-failed"),
        (post("/api/accounts").json(&json!({"nmae": "A"})), 422, "validation-failed"),
        (post("/api/accounts").json(&json!({"name": "A", "creditLimit": 0.1})), 422, "validation-failed"),
        (post("/api/accounts").json(&json!({"name": "x".repeat(2 << 20)})), 413, "body-too-large"),
        (host.platform(&acme, "GET", "/api/accounts/abc"), 404, "not-found"),
        (host.platform(&acme, "GET", "/api/accounts/-1"), 404, "not-found"),
        (host.platform(&acme, "GET", "/api/accounts/1/nothing"), 404, "no-route"),
        (host.platform(&acme, "DELETE", "/api/accounts/1"), 405, "method-not-allowed"),
        (host.platform(&acme, "BREW", "/api/accounts"), 405, "method-not-allowed"),
        (host.platform(&acme, "GET", &long_path), 414, "uri-too-long"),
        (host.platform(&acme, "GET", &long_query), 414, "uri-too-long"),
        (host.manage(&acme, "GET", "/manage/runs?status=odd"), 400, "query.invalid"),
        (host.manage(&acme, "GET", "/manage/runs?instance=odd"), 400, "query.invalid"),
        (host.manage(&acme, "GET", "/manage/runs?page=1000000&size=500&x=1"), 400, "query.invalid"),
        (host.manage(&acme, "GET", "/manage/instances/odd"), 404, "not-found"),
        (Call::new("GET", "/"), 404, "no-route"),
        (Call::new("GET", "/%ff%fe"), 404, "no-route"),
    ] {
        let answer = host.send(call).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{answer:?}");
        assert_eq!(answer.at("/status"), status);
    }
}

#[tokio::test]
async fn the_place_of_a_mistake_in_a_body_is_told() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let post =
        |body: &'static str| host.platform(&acme, "POST", "/api/accounts").body("application/json", body);
    let malformed = host.send(post("{\n  \"name\": oops}")).await;
    assert_eq!((malformed.at("/line"), malformed.at("/column")), (json!(2), json!(11)));
    let unknown = host.send(post(r#"{"name":"A","addresses":[{"citty":"C"}]}"#)).await;
    assert_eq!(
        (unknown.at("/errors/0/pointer"), unknown.at("/errors/0/code")),
        (json!("/addresses/0/citty"), json!("unknown"))
    );
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_answered_with_those_that_are() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let answer = host.send(host.platform(&acme, "PUT", "/api/accounts")).await;
    let allow = answer.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_body_is_refused_by_its_announced_length_before_it_is_read() {
    let host = Host::start_with(ApiConfig { max_component_bytes: 1_000, ..ApiConfig::default() }).await;
    let acme = host.tenant("acme").await;
    let upload = || host.manage(&acme, "POST", "/manage/plugins");
    let announced = upload().header("content-length", "1001").body("application/wasm", "");
    let answer = host.send(announced).await;
    assert_eq!(answer.problem(), (413, "body-too-large".to_owned()));
    assert!(answer.text_at("/detail").contains("`maxComponentBytes`"));
    let counted = upload().body("application/wasm", vec![0; 1_001]);
    assert_eq!(host.send(counted).await.problem(), (413, "body-too-large".to_owned()));
}
