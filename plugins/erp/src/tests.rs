//! The connector against a ledger in memory.

mod fake;
mod pulling;
mod pushing;

use mortise_sdk::prelude::*;
use mortise_sdk::testing::{Answer, Host};
use serde_json::json;

use crate::BrindleLedger;
use crate::tests::fake::FakeLedger;

/// A host that is linked to `ledger`.
fn host(ledger: &FakeLedger) -> Host {
    let settings = json!({
        "base-url": "https://ledger.example/",
        "client-id": "mortise",
        "page-size": 10,
        "pages-in-flight": 3,
    });
    Host::new().settings(settings).answer(ledger.far_side())
}

#[test]
fn a_connection_test_names_the_ledger_and_counts_what_can_be_read() {
    let ledger = FakeLedger::with_customers(12);
    let checks = host(&ledger).test::<BrindleLedger>().unwrap();
    let found: Vec<_> = checks.iter().map(|check| (check.passed, check.message.as_str())).collect();
    assert_eq!(found, [(true, "Brindle Ledger of Test"), (true, "12 customers"), (true, "0 invoices")]);
}

#[test]
fn a_connection_test_tells_each_thing_that_does_not_work() {
    let host = host(&FakeLedger::default()).answer(|request| match request.path() {
        "/api/v2/ping" => Answer::json(&json!({ "product": "Another Ledger", "account": "x" })),
        _ => Answer::status(403).body("no right"),
    });
    let checks = host.test::<BrindleLedger>().unwrap();
    assert!(checks.iter().all(|check| !check.passed));
    assert!(checks[0].message.contains("comes from Another Ledger"), "{}", checks[0].message);
    assert!(checks[1].message.contains("answered 403: no right"), "{}", checks[1].message);
}

#[test]
fn the_manifest_binds_the_credential_to_the_address_of_the_instance() {
    let manifest = Host::new().manifest::<BrindleLedger>().unwrap();
    assert_eq!(manifest.credentials[0].hosts, ["{base-url}"]);
    assert_eq!(manifest.hosts[0].pattern, "{base-url}");
    let schema: serde_json::Value = serde_json::from_str(&manifest.settings_schema).unwrap();
    assert_eq!(schema["required"], json!(["base-url", "client-id"]));
    assert_eq!(schema["properties"]["page-size"]["default"], 200);
}

#[test]
fn one_record_is_read_by_its_number() {
    let ledger = FakeLedger::with_customers(1);
    let host = host(&ledger);
    let record = host.pull_one::<BrindleLedger>("account", "C-000001").unwrap().unwrap();
    let account: Account = serde_json::from_str(&record.data).unwrap();
    assert_eq!(account.name.as_str(), Some("Customer 1"));
    assert_eq!(host.pull_one::<BrindleLedger>("account", "C-000002"), Ok(None));
    assert!(matches!(host.pull_one::<BrindleLedger>("order", "1"), Err(Error::Unsupported(_))));
}
