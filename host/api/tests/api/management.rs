//! The management API as far as it goes without a real component: the whole-system suite goes on from here.

use serde_json::json;

use crate::host::Host;

#[tokio::test]
async fn tenants_are_made_listed_and_changed() {
    let host = Host::start().await;
    let body = json!({"id": "acme", "name": "Acme", "limits": {"instances": 2}});
    let created = host.send(host.operate("POST", "/manage/tenants").json(&body)).await;
    assert_eq!((created.status, created.header("location")), (201, "/manage/tenants/acme"));
    assert_eq!((created.at("/limits/instances"), created.at("/limits/plugins")), (json!(2), json!(50)));
    let twice = host.send(host.operate("POST", "/manage/tenants").json(&body)).await;
    assert_eq!(twice.problem(), (409, "exists".to_owned()));
    for id in ["beta", "gamma"] {
        host.tenant(id).await;
    }
    let page = host.send(host.operate("GET", "/manage/tenants?size=2")).await;
    assert_eq!((page.at("/0/id"), page.at("/1/id")), (json!("acme"), json!("beta")));
    let next = host.send(host.operate("GET", &page.link("next").unwrap())).await;
    assert_eq!((next.at("/0/id"), next.link("next")), (json!("gamma"), None));
    let renamed = host.operate("PATCH", "/manage/tenants/acme").json(&json!({"name": "New"}));
    assert_eq!(host.send(renamed).await.at("/name"), "New");
    for (body, pointer) in [
        (json!({"id": "Acme!", "name": "A"}), "/id"),
        (json!({"id": "$system", "name": "A"}), "/id"),
        (json!({"id": "delta", "name": " "}), "/name"),
        (json!({"id": "delta", "name": "D", "limits": {"instancs": 1}}), "/limits/instancs"),
        (json!({"id": "delta", "name": "D", "limits": {"instances": -1}}), "/limits/instances"),
    ] {
        let answer = host.send(host.operate("POST", "/manage/tenants").json(&body)).await;
        assert_eq!((answer.status, answer.at("/errors/0/pointer")), (422, json!(pointer)), "{body}");
    }
    let odd = host.operate("PATCH", "/manage/tenants/acme").json(&json!({"limits": {"instances": "many"}}));
    assert_eq!(host.send(odd).await.at("/errors/0/pointer"), "/limits/instances");
}

#[tokio::test]
async fn secrets_of_clients_are_shown_once() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "c", "scopes": ["manage:read"]})).await;
    let listed = host.send(host.operate("GET", "/manage/tenants/acme/clients")).await.json();
    assert_eq!((&listed[0]["clientId"], &listed[0]["scopes"]), (&json!(client.id), &json!(["manage:read"])));
    assert!(!listed.to_string().contains("ecret"), "{listed}");
}

#[tokio::test]
async fn what_is_not_a_component_is_refused_with_the_reason() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let upload = |media_type| host.manage(&acme, "POST", "/manage/plugins").body(media_type, "PK\u{3}\u{4}");
    assert_eq!(
        host.send(upload("application/zip")).await.problem(),
        (415, "unsupported-media-type".to_owned())
    );
    let refused = host.send(upload("application/wasm")).await;
    assert_eq!(refused.problem(), (422, "component-refused".to_owned()));
    assert_eq!(refused.at("/reason"), "not-wasm");
}

#[tokio::test]
async fn things_that_do_not_exist_are_not_found_by_any_operation() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let digits = "0".repeat(32);
    let release = format!("sha256:{}", "0".repeat(64));
    for (method, path, body) in [
        ("GET", "/manage/plugins/a/b".to_owned(), None),
        ("GET", "/manage/plugins/a/b/grant".to_owned(), None),
        ("PUT", "/manage/plugins/a/b/grant".to_owned(), Some(json!({"release": release, "permissions": {}}))),
        ("POST", "/manage/plugins/a/b/activate".to_owned(), Some(json!({"release": release}))),
        ("POST", "/manage/plugins/a/b/rollback".to_owned(), None),
        ("GET", format!("/manage/instances/ins_{digits}"), None),
        ("PATCH", format!("/manage/instances/ins_{digits}"), Some(json!({"name": "x"}))),
        ("DELETE", format!("/manage/instances/ins_{digits}"), None),
        ("POST", format!("/manage/instances/ins_{digits}/pause"), Some(json!({"reason": "x"}))),
        ("POST", format!("/manage/instances/ins_{digits}/run"), None),
        ("POST", format!("/manage/instances/ins_{digits}/test"), None),
        ("GET", format!("/manage/instances/ins_{digits}/secrets"), None),
        ("PUT", format!("/manage/instances/ins_{digits}/secrets/a"), Some(json!({"value": "v"}))),
        ("GET", format!("/manage/schedules/sch_{digits}"), None),
        ("DELETE", format!("/manage/schedules/sch_{digits}"), None),
        ("GET", format!("/manage/runs/run_{digits}"), None),
        ("GET", format!("/manage/runs/run_{digits}/log"), None),
        ("POST", format!("/manage/runs/run_{digits}/cancel"), None),
        ("POST", format!("/manage/runs/run_{digits}/replay"), None),
        ("GET", format!("/manage/dead-letters/itm_{digits}"), None),
        ("POST", format!("/manage/dead-letters/itm_{digits}/replay"), None),
        ("POST", format!("/manage/dead-letters/itm_{digits}/discard"), None),
    ] {
        let call = host.manage(&acme, method, &path);
        let answer = host.send(match body {
            Some(body) => call.json(&body),
            None => call,
        });
        assert_eq!(answer.await.problem(), (404, "not-found".to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_schedule_in_no_time_zone_is_refused_with_the_member() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let body = json!({"instance": format!("ins_{}", "0".repeat(32)), "cron": "* * * * *", "timeZone": "Moon/Crater"});
    let answer = host.send(host.manage(&acme, "POST", "/manage/schedules").json(&body)).await;
    assert_eq!((answer.status, answer.at("/errors/0/pointer")), (422, json!("/timeZone")));
}
