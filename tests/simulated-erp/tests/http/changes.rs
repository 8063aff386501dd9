use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulated_erp::{Config, SimulatedErp};

use crate::caller::{Caller, END_OF_HISTORY, new_customer, small};

#[tokio::test]
async fn changes_asked_for_are_found_by_updated_since() {
    let caller = Caller::of(small()).await;
    let revisions = || -> BTreeMap<_, _> {
        let customers = caller.erp.customers().into_iter();
        customers.map(|customer| (customer.customer_no, customer.revision)).collect()
    };
    let before = revisions();

    let (status, report) = caller.control(Method::POST, "/_control/churn", &json!({ "changes": 60 })).await;

    assert_eq!(status, StatusCode::OK);
    let after = revisions();
    let changed: Vec<_> = after.iter().filter(|(key, revision)| before.get(*key) != Some(revision)).collect();
    assert!(!changed.is_empty(), "{report}");
    let (_, list) =
        caller.get(&format!("/api/v2/customers?updatedSince={END_OF_HISTORY}&pageSize=500")).await;
    assert_eq!(list["total"], changed.len());
}

#[tokio::test]
async fn a_ledger_that_changes_by_itself_does_so_without_being_asked() {
    let config = Config { churn_per_second: 1_000, ..small() };
    let caller = Caller::of(config).await;

    let changed = async {
        loop {
            let (_, list) = caller.get(&format!("/api/v2/invoices?updatedSince={END_OF_HISTORY}")).await;
            if 3 <= list["total"].as_u64().unwrap() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), changed).await.unwrap();
}

#[tokio::test]
async fn a_reset_puts_everything_back() {
    let mut caller = Caller::of(small()).await;
    let before = caller.erp.customers();
    caller.post("/api/v2/customers", &new_customer()).await;
    caller.erp.churn(20);
    let fault = json!({ "fault": { "kind": "status", "status": 503 } });
    caller.control(Method::POST, "/_control/faults", &fault).await;

    let (status, _) = caller.control(Method::POST, "/_control/reset", &Value::Null).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(caller.erp.customers(), before);
    assert_eq!(caller.erp.counters(), simulated_erp::Counters::default());
    assert_eq!(caller.get("/api/v2/ping").await.0, StatusCode::UNAUTHORIZED);
    caller.renew_token().await;
    assert_eq!(caller.get("/api/v2/ping").await.0, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_counted_by_path_and_status() {
    let caller = Caller::of(small()).await;
    caller.get("/api/v2/customers/C-000001").await;
    caller.get("/api/v2/customers/C-000002").await;
    caller.get("/api/v2/customers/C-999999").await;
    caller.get("/nowhere").await;

    let (_, counters) = caller.control(Method::GET, "/_control/requests", &Value::Null).await;

    assert_eq!(
        counters["requests"],
        json!({
            "POST /oauth/token": { "200": 1 },
            "GET /api/v2/customers/{no}": { "200": 2, "404": 1 },
            "GET (unknown path)": { "404": 1 },
        })
    );
    assert_eq!(counters["tokensIssued"], 1);
    assert_eq!(caller.erp.counters().answered("GET /api/v2/customers/{no}", 200), 2);
}

#[tokio::test]
async fn the_same_seed_starts_the_same_ledger() {
    let one = SimulatedErp::start(small()).await.unwrap();
    let other = SimulatedErp::start(small()).await.unwrap();
    let third = SimulatedErp::start(Config { seed: 2, ..small() }).await.unwrap();

    assert_eq!(one.customers(), other.customers());
    assert_eq!(one.invoices(), other.invoices());
    assert_ne!(one.customers(), third.customers());
}

#[tokio::test]
async fn a_ledger_that_was_shut_down_frees_its_address() {
    let first = SimulatedErp::start(small()).await.unwrap();
    let listen = first.addr();
    first.shutdown().await;

    let second = SimulatedErp::start(Config { listen, ..small() }).await.unwrap();

    assert_eq!(second.addr(), listen);
}

#[tokio::test]
async fn a_setting_out_of_bounds_is_named() {
    for (config, expected) in [
        (Config { customers: 1_000_000, ..small() }, "customers: 0 to 999999 are allowed, not 1000000"),
        (Config { customers: 0, ..small() }, "customers: at least 1 is needed for invoices"),
        (Config { max_page_size: 0, ..small() }, "max_page_size: 1 to 10000 are allowed, not 0"),
        (
            Config { client_secret: "with space".to_owned(), ..small() },
            "client_secret: letters, digits, `-`, `_` and `.` are allowed, at least one",
        ),
    ] {
        assert_eq!(SimulatedErp::start(config).await.unwrap_err().to_string(), expected);
    }
}
