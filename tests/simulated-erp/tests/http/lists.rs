use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use simulated_erp::Config;

use crate::caller::{Caller, small};

/// Every item of a list, page by page.
async fn walk(caller: &Caller, path: &str, page_size: usize) -> Vec<Value> {
    let mut items = Vec::new();
    for page in 1.. {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (status, mut list) =
            caller.get(&format!("{path}{separator}page={page}&pageSize={page_size}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(list["page"], page);
        let Value::Array(mut found) = list["items"].take() else {
            panic!("no items: {list}");
        };
        items.append(&mut found);
        if list["pages"].as_u64().unwrap() <= page {
            assert_eq!(list["total"], items.len());
            break;
        }
    }
    items
}

fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().unwrap()
}

#[tokio::test]
async fn walking_the_pages_finds_every_record_once_in_the_order_of_change() {
    let caller = Caller::of(small()).await;

    for (path, key, count) in [("/api/v2/customers", "customerNo", 30), ("/api/v2/invoices", "invoiceNo", 70)]
    {
        let items = walk(&caller, path, 7).await;

        let keys: BTreeSet<_> = items.iter().map(|item| text(item, key)).collect();
        assert_eq!((items.len(), keys.len()), (count, count));
        assert!(items.is_sorted_by_key(|item| (text(item, "updatedAt"), text(item, key))));
    }
}

#[tokio::test]
async fn a_list_holds_what_the_control_interface_says_is_true() {
    let caller = Caller::of(small()).await;

    let mut listed = walk(&caller, "/api/v2/invoices", 50).await;
    listed.sort_by(|one, other| text(one, "invoiceNo").cmp(text(other, "invoiceNo")));
    let (_, truth) = caller.control(Method::GET, "/_control/invoices", &Value::Null).await;

    assert_eq!(Value::from(listed), truth["items"]);
    assert_eq!(truth["items"], serde_json::to_value(caller.erp.invoices()).unwrap());
}

#[tokio::test]
async fn updated_since_includes_its_own_instant_and_nothing_before() {
    let caller = Caller::of(small()).await;
    let all = walk(&caller, "/api/v2/customers", 500).await;
    let since = text(&all[12], "updatedAt");

    let found = walk(&caller, &format!("/api/v2/customers?sort=updatedAt&updatedSince={since}"), 5).await;

    let expected: Vec<_> = all.iter().filter(|item| since <= text(item, "updatedAt")).cloned().collect();
    assert!((1..30).contains(&expected.len()));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_list_is_narrowed_by_natural_keys() {
    let caller = Caller::of(small()).await;
    let customer = caller.erp.customers().into_iter().find(|one| one.tax_number.is_some()).unwrap();
    let owner = caller.erp.invoices().remove(0).customer_no;
    let invoices_of_owner =
        caller.erp.invoices().iter().filter(|invoice| invoice.customer_no == owner).count();

    let (_, by_tax) =
        caller.get(&format!("/api/v2/customers?taxNumber={}", customer.tax_number.unwrap())).await;
    let (_, by_ref) = caller.get("/api/v2/customers?externalRef=WEB-000009").await;
    let (_, by_owner) = caller.get(&format!("/api/v2/invoices?customerNo={owner}&pageSize=1")).await;

    assert_eq!(by_tax["items"][0]["customerNo"], customer.customer_no);
    assert_eq!(by_tax["total"], 1);
    assert_eq!(by_ref["items"][0]["customerNo"], "C-000009");
    assert_eq!(by_ref["total"], 1);
    assert_eq!(by_owner["total"], invoices_of_owner);
}

#[tokio::test]
async fn a_page_beyond_the_last_is_empty_with_the_right_total() {
    let caller = Caller::of(small()).await;

    let (status, list) = caller.get("/api/v2/customers?page=9&pageSize=10").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(list, serde_json::json!({ "items": [], "page": 9, "pageSize": 10, "pages": 3, "total": 30 }));
}

#[tokio::test]
async fn bad_parameters_are_refused_by_name() {
    let caller = Caller::of(small()).await;

    for (query, named) in [
        ("page=0", "page"),
        ("page=two", "page"),
        ("page=-1", "page"),
        ("pageSize=0", "pageSize"),
        ("pageSize=501", "pageSize"),
        ("updatedSince=yesterday", "updatedSince"),
        ("updatedSince=2025-01-01T00:00:00+01:00", "updatedSince"),
        ("sort=displayName", "sort"),
        ("customerNo=C-000001", "customerNo"),
        ("limit=5", "limit"),
    ] {
        let (status, body) = caller.get(&format!("/api/v2/customers?{query}")).await;

        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(body["error"]["code"], "bad_parameter", "{query}");
        assert!(text(&body["error"], "message").contains(named), "{query}: {body}");
    }
}

#[tokio::test]
async fn a_large_ledger_serves_large_pages_when_it_is_told_to() {
    let config = Config { invoices: 2_500, max_page_size: 1_000, ..small() };
    let caller = Caller::of(config).await;

    assert_eq!(walk(&caller, "/api/v2/invoices", 1_000).await.len(), 2_500);
}

#[tokio::test]
async fn a_record_that_changes_between_two_pages_hides_another_and_leaves_the_total() {
    let caller = Caller::of(small()).await;
    let all = walk(&caller, "/api/v2/customers", 500).await;
    let path = format!("/api/v2/customers/{}", text(&all[0], "customerNo"));
    let (_, first) = caller.get("/api/v2/customers?page=1&pageSize=10").await;

    let change = caller.request(Method::PATCH, &path).json(&serde_json::json!({ "phone": "+44 555 0100" }));
    assert_eq!(caller.send(change).await.0, StatusCode::OK);
    let (_, second) = caller.get("/api/v2/customers?page=2&pageSize=10").await;

    assert_eq!(first["items"][9], all[9]);
    assert_eq!(second["items"][0], all[11], "the record at position 10 is on neither page");
    assert_eq!(second["total"], first["total"]);
}
