use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Caller, new_customer, new_invoice, small};

/// The fields that a refusal names.
fn fields(body: &Value) -> Vec<&str> {
    let errors = body["error"]["fields"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_created_customer_is_read_back_with_what_the_ledger_adds() {
    let caller = Caller::of(small()).await;

    let request = caller.request(Method::POST, "/api/v2/customers").json(&new_customer());
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["location"], "/api/v2/customers/C-000031");
    let created: Value = answer.json().await.unwrap();
    assert_eq!(created["customerNo"], "C-000031");
    assert_eq!(created["revision"], 1);
    assert_eq!(created["status"], "active");
    assert_eq!(created["phone"], Value::Null);
    assert_eq!(caller.get("/api/v2/customers/C-000031").await, (StatusCode::OK, created.clone()));
    let (_, list) = caller.get("/api/v2/customers?page=31&pageSize=1").await;
    assert_eq!(list["items"], json!([created]), "the newest change is listed last");
}

#[tokio::test]
async fn a_repeated_idempotency_key_answers_with_the_first_record() {
    let caller = Caller::of(small()).await;
    let create = |body: Value| {
        let request = caller.request(Method::POST, "/api/v2/customers");
        request.header("Idempotency-Key", "run-7/acc-1").json(&body).send()
    };

    let first = create(new_customer()).await.unwrap();
    let second = create(new_customer()).await.unwrap();
    let other = create(json!({ "displayName": "Someone else", "currency": "EUR" })).await.unwrap();

    assert_eq!(first.headers()["idempotent-replayed"], "false");
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.status(), StatusCode::CREATED);
    assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(caller.erp.customers().len(), 31);
    let counters = caller.erp.counters();
    assert_eq!((counters.creates["customer"], counters.idempotent_replays), (1, 1));
}

#[tokio::test]
async fn without_an_idempotency_key_every_create_makes_a_record() {
    let caller = Caller::of(small()).await;

    caller.post("/api/v2/customers", &new_customer()).await;
    caller.post("/api/v2/customers", &new_customer()).await;

    let (_, list) = caller.get("/api/v2/customers?externalRef=acc-1").await;
    assert_eq!(list["total"], 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_customer_is_told_field_by_field() {
    let caller = Caller::of(small()).await;

    for (change, expected) in [
        (json!({ "displayName": "" }), vec!["displayName"]),
        (json!({ "displayName": null }), vec!["."]),
        (json!({ "creditLimit": 12.5 }), vec!["creditLimit"]),
        (json!({ "creditLimit": "12.505" }), vec!["creditLimit"]),
        (json!({ "email": "nobody", "currency": "euro" }), vec!["currency", "email"]),
        (
            json!({ "billTo": { "line1": "a", "town": "b", "countryIso": "Narnia" } }),
            vec!["billTo.countryIso"],
        ),
        (json!({ "billTo": { "line1": "a", "street": "b" } }), vec!["billTo.street"]),
        (json!({ "colour": "green" }), vec!["colour"]),
        (json!({ "customerNo": "C-000005" }), vec!["customerNo"]),
        (json!({ "status": "sleeping" }), vec!["status"]),
    ] {
        let mut body = new_customer();
        for (field, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(body.as_object_mut().unwrap().remove(field)),
                value => body[field] = value.clone(),
            }
        }
        let (status, answer) = caller.post("/api/v2/customers", &body).await;

        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert_eq!(fields(&answer), expected, "{answer}");
    }
    assert_eq!(caller.erp.customers().len(), 30);
}

#[tokio::test]
async fn an_invoice_that_adds_up_is_created() {
    let caller = Caller::of(small()).await;

    let (status, created) = caller.post("/api/v2/invoices", &new_invoice()).await;

    assert_eq!(status, StatusCode::CREATED, "{created}");
    assert_eq!(created["invoiceNo"], "INV-000071");
    assert_eq!(created["status"], "open");
}

#[tokio::test]
async fn an_invoice_that_does_not_add_up_or_has_no_customer_is_refused() {
    let caller = Caller::of(small()).await;

    for (pointer, value, expected) in [
        ("/grossTotal", json!("17.85"), "grossTotal"),
        ("/netTotal", json!("14.98"), "netTotal"),
        ("/lines/0/net", json!("14.98"), "lines[0].net"),
        ("/lines/0/tax", json!("2.84"), "lines[0].tax"),
        ("/lines/0/qty", json!("0"), "lines[0].qty"),
        ("/lines/0/lineNo", json!(2), "lines[0].lineNo"),
        ("/lines", json!([]), "lines"),
        ("/customerNo", json!("C-999999"), "customerNo"),
        ("/dueOn", json!("2025-09-30"), "dueOn"),
        ("/dueOn", json!("soon"), "dueOn"),
    ] {
        let mut body = new_invoice();
        *body.pointer_mut(pointer).unwrap() = value;
        let (status, answer) = caller.post("/api/v2/invoices", &body).await;

        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{pointer}");
        assert!(fields(&answer).contains(&expected), "{pointer}: {answer}");
    }
    assert_eq!(caller.erp.invoices().len(), 70);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_removes() {
    let caller = Caller::of(small()).await;
    let (_, before) = caller.get("/api/v2/customers/C-000009").await;

    let patch = json!({ "displayName": "Renamed", "externalRef": null, "billTo": { "town": "Moved" } });
    let request = caller.request(Method::PATCH, "/api/v2/customers/C-000009").json(&patch);
    let (status, after) = caller.send(request).await;

    assert_eq!(status, StatusCode::OK, "{after}");
    let mut expected = before.clone();
    expected["displayName"] = json!("Renamed");
    expected["externalRef"] = Value::Null;
    expected["billTo"]["town"] = json!("Moved");
    expected["revision"] = json!(before["revision"].as_u64().unwrap() + 1);
    expected["updatedAt"] = after["updatedAt"].clone();
    assert_eq!(after, expected);
    assert!(before["updatedAt"].as_str() < after["updatedAt"].as_str());
}

#[tokio::test]
async fn a_put_of_the_whole_record_replaces_it() {
    let caller = Caller::of(small()).await;
    let (_, mut record) = caller.get("/api/v2/customers/C-000004").await;
    record["displayName"] = json!("Put here");
    record.as_object_mut().unwrap().remove("website");

    let request = caller.request(Method::PUT, "/api/v2/customers/C-000004").json(&record);
    let (status, after) = caller.send(request).await;

    assert_eq!(status, StatusCode::OK, "{after}");
    assert_eq!(after["displayName"], "Put here");
    assert_eq!(after["website"], Value::Null);
    assert_eq!(after["createdAt"], record["createdAt"]);
}

#[tokio::test]
async fn a_change_of_another_revision_is_refused() {
    let caller = Caller::of(small()).await;
    let revision = caller.erp.customers()[4].revision;
    let change = |method: Method, if_match: String| {
        let request = caller.request(method, "/api/v2/customers/C-000005");
        let request =
            request.header("If-Match", if_match).json(&json!({ "displayName": "x", "currency": "EUR" }));
        caller.send(request)
    };

    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let (status, body) = change(method, format!("\"{}\"", revision + 1)).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(body["error"]["code"], "revision_mismatch");
    }
    assert_eq!(change(Method::PATCH, "latest".to_owned()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(change(Method::PATCH, revision.to_string()).await.0, StatusCode::OK);
    assert_eq!(change(Method::PATCH, format!("\"{}\"", revision + 1)).await.0, StatusCode::OK);
    assert_eq!(change(Method::DELETE, "*".to_owned()).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_deleted_record_leaves_the_list_and_a_tombstone() {
    let caller = Caller::of(small()).await;
    let revision = caller.erp.invoices()[2].revision;

    let delete = || caller.send(caller.request(Method::DELETE, "/api/v2/invoices/INV-000003"));
    assert_eq!(delete().await.0, StatusCode::NO_CONTENT);
    assert_eq!(delete().await.0, StatusCode::NOT_FOUND);

    assert_eq!(caller.get("/api/v2/invoices/INV-000003").await.0, StatusCode::NOT_FOUND);
    assert_eq!(caller.get("/api/v2/invoices").await.1["total"], 69);
    let (_, deleted) = caller.get("/api/v2/invoices/deleted?since=2025-01-01T00:00:00Z").await;
    assert_eq!(deleted["total"], 1);
    assert_eq!(deleted["items"][0]["invoiceNo"], "INV-000003");
    assert_eq!(deleted["items"][0]["revision"], revision);
    let (_, later) = caller.get("/api/v2/invoices/deleted?since=2999-01-01T00:00:00Z").await;
    assert_eq!(later["total"], 0);
}

#[tokio::test]
async fn a_void_invoice_takes_no_more_changes() {
    let caller = Caller::of(small()).await;
    let (_, created) = caller.post("/api/v2/invoices", &new_invoice()).await;
    let path = format!("/api/v2/invoices/{}", created["invoiceNo"].as_str().unwrap());
    let set =
        |status: &str| caller.send(caller.request(Method::PATCH, &path).json(&json!({ "status": status })));

    assert_eq!(set("void").await.0, StatusCode::OK);
    assert_eq!(set("open").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn every_refusal_is_json_with_a_code() {
    let caller = Caller::of(small()).await;
    let customers = || caller.request(Method::POST, "/api/v2/customers");

    for (request, status, code) in [
        (caller.request(Method::GET, "/api/v2/customers/C-999999"), 404, "not_found"),
        (caller.request(Method::GET, "/api/v2/customers/9"), 404, "not_found"),
        (caller.request(Method::GET, "/api/v3/customers"), 404, "no_such_path"),
        (caller.request(Method::PUT, "/api/v2/customers"), 405, "no_such_method"),
        (customers().body("{}"), 415, "not_json"),
        (customers().header("Content-Type", "application/json").body("{"), 400, "bad_body"),
        (customers().json(&json!(["a", "list"])), 400, "bad_body"),
        (customers().json(&new_customer()).header("Idempotency-Key", ""), 400, "bad_header"),
    ] {
        let (answered, body) = caller.send(request).await;
        assert_eq!(answered, status, "{body}");
        assert_eq!(body["error"]["code"], code);
    }
}
