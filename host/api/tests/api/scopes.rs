//! Every operation asks for its scope, and only that.

use mortise_model::access::Scope;
use serde_json::{Value, json};

use crate::host::Host;

/// The scope that an operation must ask for.
fn scope_of(method: &str, path: &str) -> Option<Scope> {
    let reads = method == "GET";
    let choose = |read, write| Some(if reads { read } else { write });
    if path.starts_with("/api/accounts") {
        choose(Scope::AccountsRead, Scope::AccountsWrite)
    } else if path.starts_with("/api/invoices") {
        choose(Scope::InvoicesRead, Scope::InvoicesWrite)
    } else if path.starts_with("/manage/tenants") {
        Some(Scope::Operate)
    } else if path.starts_with("/manage/") {
        choose(Scope::ManageRead, Scope::ManageWrite)
    } else {
        None
    }
}

#[tokio::test]
async fn every_operation_refuses_a_caller_without_its_scope() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let mut checked = 0;
    for (method, path, operation) in host.contract.operations() {
        let Some(scope) = scope_of(&method, &path) else {
            assert!(operation["security"].is_array(), "{method} {path} says that it needs no scope");
            continue;
        };
        let others: Vec<Value> = Scope::of_tenant()
            .into_iter()
            .filter(|other| *other != scope)
            .map(|other| json!(other))
            .collect();
        let key = host.key("acme", &json!({"name": path, "scopes": others})).await;
        let address = path.replace("{id}", "1").replace("{publisher}", "a");
        let address = address.replace("{name}", "b").replace("{client}", "c").replace("{key}", "d");
        let answer = host.send(host.platform(&key, &method, &address)).await;
        assert_eq!(answer.problem(), (403, "insufficient-scope".to_owned()), "{method} {path}");
        assert_eq!(answer.at("/scope"), scope.name(), "{method} {path}");
        let anonymous = crate::call::Call::new(&method, &address).header("x-api-version", "3.0");
        assert_eq!(
            host.send(anonymous).await.problem(),
            (401, "unauthenticated".to_owned()),
            "{method} {path}"
        );
        checked += 1;
    }
    assert!(checked > 40, "only {checked} operations were checked");
}

#[tokio::test]
async fn no_key_of_a_tenant_operates_the_host() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    assert_eq!(host.send(host.manage(&acme, "GET", "/manage/tenants")).await.status, 403);
    for scopes in [json!(["operate"]), json!(["everything"]), json!([])] {
        let body = json!({"name": "k", "scopes": scopes});
        for path in ["/manage/tenants/acme/keys", "/manage/tenants/acme/clients"] {
            let answer = host.send(host.operate("POST", path).json(&body)).await;
            assert_eq!(answer.problem(), (422, "validation-failed".to_owned()), "{body}");
        }
    }
}
