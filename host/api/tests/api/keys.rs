//! API keys, and the operator's.

use std::time::Duration;

use mortise_api::Api;
use serde_json::json;

use crate::call::Call;
use crate::host::Host;

#[tokio::test]
async fn a_key_is_taken_in_its_header_and_as_a_bearer_until_it_ends_or_is_removed() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let key = host.key("acme", &json!({"name": "k", "expiresAt": "2026-03-02T00:00:00Z"})).await;
    let by_header = || host.platform(&key, "GET", "/api/accounts");
    assert_eq!(host.send(by_header()).await.status, 200);
    let bearer = Call::new("GET", "/api/accounts").header("x-api-version", "3");
    assert_eq!(host.send(bearer.header("authorization", &format!("Bearer {key}"))).await.status, 200);
    host.clock.advance(Duration::from_hours(24));
    assert_eq!(host.send(by_header()).await.problem(), (401, "invalid-token".to_owned()));

    let key = host.key("acme", &json!({"name": "k2"})).await;
    let listed = host.send(host.operate("GET", "/manage/tenants/acme/keys")).await.json();
    assert!(!listed.to_string().contains("hash") && !listed.to_string().contains(&key));
    let id = listed.as_array().unwrap().iter().find(|shown| shown["name"] == "k2").unwrap()["id"].clone();
    let path = format!("/manage/tenants/acme/keys/{}", id.as_str().unwrap());
    assert_eq!(host.send(host.operate("DELETE", &path)).await.status, 204);
    assert_eq!(host.send(host.platform(&key, "GET", "/api/accounts")).await.status, 401);
}

#[tokio::test]
async fn the_operator_names_a_tenant_and_nobody_else_may() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    host.tenant("other").await;
    host.account(&acme, &json!({"name": "A"})).await;
    let as_operator =
        |tenant: &str| host.platform(&host.operator, "GET", "/api/accounts").header("x-tenant", tenant);
    assert_eq!(host.send(as_operator("acme")).await.json().as_array().unwrap().len(), 1);
    assert_eq!(host.send(as_operator("other")).await.json(), json!([]));
    assert_eq!(host.send(as_operator("nobody")).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(host.send(as_operator("$system")).await.problem(), (404, "not-found".to_owned()));
    let without = host.send(host.platform(&host.operator, "GET", "/api/accounts")).await;
    assert_eq!(without.problem(), (400, "tenant-required".to_owned()));
    let as_tenant = |tenant: &str| host.platform(&acme, "GET", "/api/accounts").header("x-tenant", tenant);
    assert_eq!(host.send(as_tenant("acme")).await.status, 200);
    assert_eq!(host.send(as_tenant("other")).await.problem(), (403, "foreign-tenant".to_owned()));
}

#[tokio::test]
async fn a_new_operators_key_takes_the_place_of_the_old_one() {
    let host = Host::start().await;
    let list = || "/manage/tenants";
    assert_eq!(host.send(host.operate("GET", list())).await.status, 200);
    let new = Api::generate_key();
    host.register(&new).await;
    assert_eq!(host.send(host.operate("GET", list())).await.status, 401);
    assert_eq!(host.send(host.manage(new.reveal(), "GET", list())).await.status, 200);
}

#[tokio::test]
async fn credentials_that_are_missing_doubled_or_of_another_kind_are_refused() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let call = || Call::new("GET", "/manage/plugins");
    let missing = host.send(call()).await;
    assert_eq!(missing.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(missing.header("www-authenticate"), r#"Bearer realm="mortise""#);
    let long = "x".repeat(2_000);
    for refused in [
        call().header("x-api-key", "mk_unknown"),
        call().header("x-api-key", ""),
        call().header("x-api-key", &long),
        call().header("authorization", "Bearer"),
        call().header("authorization", "Bearer unknown"),
        call().header("authorization", &format!("Bearer {long}")),
        call().basic("a", "b"),
        call().header("x-api-key", &acme).header("authorization", &format!("Bearer {acme}")),
    ] {
        assert_eq!(host.send(refused).await.problem(), (401, "invalid-token".to_owned()));
    }
}
