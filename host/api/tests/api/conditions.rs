//! Entity tags: reads that are saved, changes that are bound to a state.

use std::time::Duration;

use serde_json::json;

use crate::host::{Host, invoice};

#[tokio::test]
async fn a_read_of_a_state_that_the_caller_has_is_saved() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let created = host.account(&acme, &json!({"name": "A"})).await;
    assert_eq!(created.header("location"), "/api/accounts/1");
    let tag = created.header("etag").to_owned();
    let read = |tag: &str| host.platform(&acme, "GET", "/api/accounts/1").header("if-none-match", tag);
    let saved = host.send(read(&tag)).await;
    assert_eq!((saved.status, saved.header("etag")), (304, tag.as_str()));
    assert_eq!(host.send(read("\"other\"")).await.status, 200);
}

#[tokio::test]
async fn a_change_of_a_state_that_is_gone_is_refused() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let first = host.account(&acme, &json!({"name": "A"})).await.header("etag").to_owned();
    let rename = |tag: &str, name: &str| {
        let call = host.platform(&acme, "PATCH", "/api/accounts/1").header("if-match", tag);
        call.body("application/merge-patch+json", json!({"name": name}).to_string())
    };
    let changed = host.send(rename(&first, "B")).await;
    assert_eq!((changed.status, changed.at("/name")), (200, json!("B")));
    assert_ne!(changed.header("etag"), first);
    assert_eq!(host.send(rename(&first, "C")).await.problem(), (412, "precondition-failed".to_owned()));
    assert_eq!(host.send(rename("*", "D")).await.status, 200);
}

#[tokio::test]
async fn an_invoice_that_falls_due_is_a_new_state_though_nobody_wrote_it() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    host.account(&acme, &json!({"name": "A"})).await;
    let created = host.send(host.platform(&acme, "POST", "/api/invoices").json(&invoice(1, "I-1"))).await;
    assert_eq!((created.status, created.at("/settlement")), (201, json!("part-paid")));
    let read =
        || host.platform(&acme, "GET", "/api/invoices/1").header("if-none-match", created.header("etag"));
    assert_eq!(host.send(read()).await.status, 304);
    host.clock.advance(Duration::from_hours(24));
    let later = host.send(read()).await;
    assert_eq!((later.status, later.at("/settlement")), (200, json!("overdue")));
}

#[tokio::test]
async fn tenants_have_tags_too() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let read = host.send(host.operate("GET", "/manage/tenants/acme")).await;
    let patch = |limits| {
        let call = host.operate("PATCH", "/manage/tenants/acme").header("if-match", read.header("etag"));
        call.json(&json!({"limits": limits}))
    };
    let changed = host.send(patch(json!({"instances": 3}))).await;
    assert_eq!(
        (changed.status, changed.at("/limits/instances"), changed.at("/limits/plugins")),
        (200, json!(3), json!(50))
    );
    assert_eq!(host.send(patch(json!({"instances": 4}))).await.status, 412);
}
