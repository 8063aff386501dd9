//! Filter, order and pages.

use std::time::Duration;

use serde_json::{Value, json};

use crate::call::Answer;
use crate::host::{Host, invoice};

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    list.as_array().unwrap().iter().map(|account| account["name"].as_str().unwrap().to_owned()).collect()
}

async fn list(host: &Host, key: &str, address: &str) -> Answer {
    host.send(host.platform(key, "GET", address)).await
}

async fn five_accounts(host: &Host) -> String {
    let acme = host.tenant("acme").await;
    for (name, limit, taxable) in [
        ("Delta", "10", true),
        ("alpha", "300.50", false),
        ("Echo", "10", true),
        ("Bravo", "0", false),
        ("Charlie", "10", true),
    ] {
        host.account(&acme, &json!({"name": name, "creditLimit": limit, "taxable": taxable})).await;
        host.clock.advance(Duration::from_mins(1));
    }
    acme
}

#[tokio::test]
async fn filters_and_orders_choose_records_whatever_their_casing() {
    let host = Host::start().await;
    let acme = five_accounts(&host).await;
    for (address, expected) in [
        ("/api/accounts", vec!["Delta", "alpha", "Echo", "Bravo", "Charlie"]),
        ("/api/accounts?$filter=taxable&$orderby=name", vec!["Charlie", "Delta", "Echo"]),
        ("/api/accounts?filter=CreditLimit gt 9.99 and not taxable", vec!["alpha"]),
        ("/api/accounts?$FILTER=contains(name,'ha')&$OrderBy=NAME desc", vec!["Charlie", "alpha"]),
        ("/api/accounts?$filter=createdAt ge datetime'2026-03-01T09:33:00.000'", vec!["Bravo", "Charlie"]),
        ("/api/accounts?orderby=creditLimit desc,name", vec!["alpha", "Charlie", "Delta", "Echo", "Bravo"]),
        ("/api/accounts?$filter=id in (1,2)&$orderby=id desc", vec!["alpha", "Delta"]),
    ] {
        let answer = list(&host, &acme, address).await;
        assert_eq!(answer.status, 200, "{address}: {answer:?}");
        assert_eq!(names(&answer), expected, "{address}");
    }
}

#[tokio::test]
async fn a_mistake_in_a_filter_or_an_order_is_told_with_its_place() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    for (query, code) in [
        ("$filter=nmae eq 'x'", "filter.unknown_property"),
        ("$filter=name eq", "filter.syntax"),
        ("$filter=name eq 5", "filter.type_mismatch"),
        ("$filter=customFields/a eq 'x'", "filter.unknown_property"),
        ("$filter=", "filter.syntax"),
        ("$orderby=nmae", "orderby.unknown_property"),
        ("$orderby=phone", "orderby.unknown_property"),
        ("$orderby=name,name", "orderby.repeated_property"),
        ("$orderby=name up", "orderby.invalid_direction"),
        ("page=0", "page.invalid"),
        ("page=-1", "page.invalid"),
        ("page=x", "page.invalid"),
        ("size=0", "page.invalid_size"),
        ("size=501", "page.invalid_size"),
        ("after=nonsense", "page.invalid_cursor"),
        ("$fitler=name eq 'x'", "query.invalid"),
        ("page=1&page=2", "query.invalid"),
    ] {
        let answer = list(&host, &acme, &format!("/api/accounts?{query}")).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
    }
    let unknown = list(&host, &acme, "/api/accounts?$filter=name eq 'a' and nmae eq 'b'").await;
    assert_eq!((unknown.at("/position"), unknown.at("/property")), (json!(16), json!("nmae")));
    assert!(unknown.at("/allowed").as_array().unwrap().contains(&json!("name")));
}

/// Follows `next` until there is none, and answers every name with the number of pages.
async fn follow(host: &Host, key: &str, first: &str) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    let mut address = Some(first.to_owned());
    let mut pages = 0;
    while let Some(next) = address {
        let answer = list(host, key, &next).await;
        assert_eq!(answer.status, 200, "{next}: {answer:?}");
        all.extend(names(&answer));
        address = answer.link("next");
        pages += 1;
        assert!(pages < 20, "the pages do not end");
    }
    (all, pages)
}

#[tokio::test]
async fn the_pages_together_are_the_whole_once_by_cursor_and_by_number() {
    let host = Host::start().await;
    let acme = five_accounts(&host).await;
    let expected: Vec<_> = ["Bravo", "Delta", "Echo", "Charlie", "alpha"].map(str::to_owned).into();
    for first in
        ["/api/accounts?$orderby=creditLimit&size=2", "/api/accounts?$orderby=creditLimit&size=2&page=1"]
    {
        let (all, pages) = follow(&host, &acme, first).await;
        assert_eq!((all, pages), (expected.clone(), 3), "{first}");
    }
}

#[tokio::test]
async fn a_cursor_goes_on_in_its_place_when_records_are_added_before_it() {
    let host = Host::start().await;
    let acme = five_accounts(&host).await;
    let first = list(&host, &acme, "/api/accounts?$orderby=name&size=2").await;
    assert_eq!(names(&first), ["alpha", "Bravo"]);
    host.account(&acme, &json!({"name": "Aaa"})).await;
    let second = list(&host, &acme, &first.link("next").unwrap()).await;
    assert_eq!(names(&second), ["Charlie", "Delta"]);
}

#[tokio::test]
async fn a_cursor_is_taken_back_unchanged_in_its_own_list_alone() {
    let host = Host::start().await;
    let acme = five_accounts(&host).await;
    let other = host.tenant("other").await;
    let first = list(&host, &acme, "/api/accounts?$orderby=name&size=2").await;
    let next = first.link("next").unwrap();
    let after = next.split("after=").nth(1).unwrap();
    for (key, address) in [
        (&acme, format!("/api/accounts?$orderby=name&size=2&after=x{after}")),
        (&acme, format!("/api/accounts?$orderby=creditLimit desc,name&after={after}")),
        (&acme, format!("/api/invoices?after={after}")),
        (&other, format!("/api/accounts?$orderby=name&after={after}")),
    ] {
        let answer = list(&host, key, &address).await;
        assert_eq!(answer.problem(), (400, "page.invalid_cursor".to_owned()), "{address}");
    }
    let both = list(&host, &acme, &format!("/api/accounts?$orderby=name&page=2&after={after}")).await;
    assert_eq!(both.problem(), (400, "page.ambiguous".to_owned()));
}

#[tokio::test]
async fn all_that_match_are_counted_when_asked_for() {
    let host = Host::start().await;
    let acme = five_accounts(&host).await;
    let address = "/api/accounts?$filter=taxable&size=2&page=2";
    let plain = list(&host, &acme, address).await;
    assert_eq!((plain.header("x-pagination"), plain.link("last")), ("", None));
    let counted = host.send(host.platform(&acme, "GET", address).header("x-pagination", "true")).await;
    assert_eq!(
        serde_json::from_str::<Value>(counted.header("x-pagination")).unwrap(),
        json!({"totalCount": 3, "pageSize": 2, "currentPage": 2, "totalPages": 2, "hasPrevious": true, "hasNext": false})
    );
    assert_eq!(counted.link("prev"), Some("/api/accounts?%24filter=taxable&size=2&page=1".to_owned()));
    assert_eq!(counted.link("last"), Some("/api/accounts?%24filter=taxable&size=2&page=2".to_owned()));
    let past = list(&host, &acme, "/api/accounts?page=9").await;
    assert_eq!((past.status, past.json()), (200, json!([])));
    let odd = host.send(host.platform(&acme, "GET", address).header("x-pagination", "maybe")).await;
    assert_eq!(odd.problem(), (400, "header.invalid".to_owned()));
}

#[tokio::test]
async fn invoices_are_found_by_their_account_and_dates() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    host.account(&acme, &json!({"name": "A"})).await;
    host.account(&acme, &json!({"name": "B"})).await;
    for (account, code) in [(1, "I-1"), (2, "I-2")] {
        let call = host.platform(&acme, "POST", "/api/invoices").json(&invoice(account, code));
        assert_eq!(host.send(call).await.status, 201);
    }
    let filter = "accountId eq 2 and accountName eq 'b' and dueDate lt 2026-03-02 and total eq 124 and status eq 'issued'";
    let answer = list(&host, &acme, &format!("/api/invoices?$filter={filter}")).await;
    assert_eq!(answer.at("/0/code"), "I-2");
    assert_eq!((answer.at("/0/balance"), answer.at("/0/settlement")), (json!("100.00"), json!("part-paid")));
    assert_eq!(answer.json().as_array().unwrap().len(), 1);
}
