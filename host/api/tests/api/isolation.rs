//! Two tenants never see each other's things.

use serde_json::{Value, json};

use crate::call::Call;
use crate::host::{Host, invoice};

#[tokio::test]
async fn what_another_tenant_has_is_not_found_and_not_listed() {
    let host = Host::start().await;
    let (acme, other) = (host.tenant("acme").await, host.tenant("other").await);
    host.account(&acme, &json!({"name": "A", "code": "X"})).await;
    assert_eq!(
        host.send(host.platform(&acme, "POST", "/api/invoices").json(&invoice(1, "X"))).await.status,
        201
    );
    for path in
        ["/api/accounts", "/api/invoices", "/manage/plugins", "/manage/instances", "/manage/schedules"]
    {
        assert_eq!(host.send(host.platform(&other, "GET", path)).await.json(), json!([]), "{path}");
    }
    for path in ["/api/accounts/1", "/api/invoices/1"] {
        assert_eq!(
            host.send(host.platform(&other, "GET", path)).await.problem(),
            (404, "not-found".to_owned())
        );
        let patch = host.platform(&other, "PATCH", path).body("application/merge-patch+json", "{}");
        assert_eq!(host.send(patch).await.problem(), (404, "not-found".to_owned()), "{path}");
    }
    let reference = host.platform(&other, "POST", "/api/invoices").json(&invoice(1, "X"));
    assert_eq!(host.send(reference).await.at("/errors/0/code"), "unknown-reference");
}

#[tokio::test]
async fn numbers_and_codes_are_each_tenants_own() {
    let host = Host::start().await;
    let (acme, other) = (host.tenant("acme").await, host.tenant("other").await);
    for key in [&acme, &other] {
        let created = host.account(key, &json!({"name": "A", "code": "X"})).await;
        assert_eq!(created.at("/id"), 1);
    }
    let twice = host
        .send(host.platform(&acme, "POST", "/api/accounts").json(&json!({"name": "B", "code": "x"})))
        .await;
    assert_eq!(twice.at("/errors/0/code"), "not-unique");
}

#[tokio::test]
async fn clients_and_keys_of_one_tenant_are_not_those_of_another() {
    let host = Host::start().await;
    host.tenant("acme").await;
    host.tenant("other").await;
    let client = host.client("acme", &json!({"name": "c"})).await;
    let path = format!("/manage/tenants/other/clients/{}", client.id);
    assert_eq!(host.send(host.operate("DELETE", &path)).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(host.send(host.operate("GET", "/manage/tenants/other/clients")).await.json(), json!([]));
    let keys = host.send(host.operate("GET", "/manage/tenants/other/keys")).await.json();
    assert_eq!(keys.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn every_operation_in_the_name_of_another_tenant_is_refused() {
    let host = Host::start().await;
    host.tenant("other").await;
    let acme = host.tenant("acme").await;
    for (method, path, _) in host.contract.operations() {
        if !path.starts_with("/api/") && !path.starts_with("/manage/") || path.starts_with("/manage/tenants")
        {
            continue;
        }
        let address = path.replace("{id}", "1").replace("{publisher}", "a").replace("{name}", "b");
        let call: Call = host.platform(&acme, &method, &address).header("x-tenant", "other");
        let answer = host.send(call).await;
        assert_eq!(answer.problem(), (403, "foreign-tenant".to_owned()), "{method} {path}");
        assert_eq!(answer.at("/errors"), Value::Null);
    }
}
