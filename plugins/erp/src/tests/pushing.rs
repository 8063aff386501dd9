//! Pushes: what arrived once is not made twice.

use mortise_sdk::http::HttpErrorKind;
use mortise_sdk::objects::{InvoiceStatus, InvoiceType};
use mortise_sdk::prelude::*;
use mortise_sdk::testing::{Answer, Host, create, remove, update};
use serde_json::json;

use super::fake::{self, FakeLedger};
use super::host;
use crate::BrindleLedger;

fn account(name: &str) -> Account {
    let address = Address {
        address1: Some("1 High Street".to_owned()),
        city: Some("Athens".to_owned()),
        country_code: Some("GR".to_owned()),
        is_billing: true,
        ..Address::default()
    };
    Account {
        name: name.into(),
        credit_limit: "1000.00".parse::<mortise_sdk::Decimal>().unwrap().into(),
        taxable: true.into(),
        ordering_enabled: true.into(),
        addresses: vec![address].into(),
        ..Account::default()
    }
}

fn invoice(account: Reference) -> Invoice {
    let decimal = |text: &str| text.parse::<mortise_sdk::Decimal>().unwrap();
    Invoice {
        status: InvoiceStatus::Issued.into(),
        account: account.into(),
        invoice_date: "2026-03-01".parse::<mortise_sdk::chrono::NaiveDate>().unwrap().into(),
        currency: "EUR".into(),
        total: decimal("111.60").into(),
        items: vec![InvoiceItem {
            position: 1,
            description: Some("Oak board".to_owned()),
            quantity: decimal("2"),
            unit_price: decimal("50"),
            discount_percent: decimal("10"),
            tax_percent: decimal("24"),
            tax_amount: decimal("21.60"),
            sub_total: decimal("90.00"),
            total: decimal("111.60"),
            ..InvoiceItem::default()
        }]
        .into(),
        ..Invoice::default()
    }
}

fn push_one(host: &Host, entity: &str, item: PushItem) -> Outcome {
    let mut results = host.push::<BrindleLedger>(entity, vec![item]).unwrap();
    assert_eq!(results.len(), 1);
    results.remove(0).outcome
}

#[test]
fn a_new_account_becomes_a_customer_that_can_be_found_again() {
    let ledger = FakeLedger::default();
    let host = host(&ledger);
    assert_eq!(push_one(&host, "account", create("17", &account("Acme"))), Outcome::stored("C-000001"));
    let customer = ledger.get("customers", "C-000001").unwrap();
    assert_eq!(customer["externalRef"], "instance/17");
    assert_eq!(customer["currency"], "EUR");
    assert_eq!(customer["status"], "active");
    assert_eq!(customer["billTo"]["town"], "Athens");
}

#[test]
fn a_create_whose_answer_was_lost_is_found_instead_of_made_twice() {
    let ledger = FakeLedger::default();
    let (far_side, mut lost) = (ledger.clone(), false);
    let host = host(&ledger).answer(move |request| {
        let answer = far_side.answer(request);
        if request.body().is_some() && !lost {
            lost = true;
            return Answer::unanswered(HttpErrorKind::Timeout, "no answer within 30 s");
        }
        answer
    });
    let first = push_one(&host, "account", create("17", &account("Acme")));
    assert!(matches!(first, Outcome::Failed(Error::Retryable(_))), "{first:?}");
    let again = PushItem {
        attempt: 2,
        idempotency_key: "another key: the object changed".to_owned(),
        ..create("17", &account("Acme & Sons"))
    };
    assert_eq!(push_one(&host, "account", again), Outcome::stored("C-000001"));
    assert_eq!(ledger.count("customers"), 1);
    assert_eq!(ledger.get("customers", "C-000001").unwrap()["displayName"], "Acme & Sons");
}

#[test]
fn an_update_writes_what_changed_and_leaves_what_did_not() {
    let ledger = FakeLedger::with_customers(1);
    let host = host(&ledger);
    let renamed = update("17", "C-000001", &account("Renamed"));
    assert_eq!(push_one(&host, "account", renamed.clone()), Outcome::stored("C-000001"));
    let customer = ledger.get("customers", "C-000001").unwrap();
    assert_eq!(customer["displayName"], "Renamed");
    assert_eq!(customer["email"], json!(null));
    let requests = host.requests().len();
    let Outcome::Stored(stored) = push_one(&host, "account", renamed) else { panic!() };
    assert_eq!(stored.note, "the ledger held it already");
    assert_eq!(host.requests().len(), requests + 1);
}

#[test]
fn an_update_that_met_another_writer_is_read_and_written_again() {
    let ledger = FakeLedger::with_customers(1);
    let (far_side, mut met) = (ledger.clone(), false);
    let host = host(&ledger).answer(move |request| {
        if request.header("If-Match").is_some() && !met {
            met = true;
            far_side.touch("customers", "C-000001", "phone", json!("555"));
        }
        far_side.answer(request)
    });
    let outcome = push_one(&host, "account", update("17", "C-000001", &account("Renamed")));
    assert_eq!(outcome, Outcome::stored("C-000001"));
    assert_eq!(ledger.get("customers", "C-000001").unwrap()["displayName"], "Renamed");
}

#[test]
fn a_closed_customer_stays_closed_while_its_account_may_not_order() {
    let ledger = FakeLedger::with_customers(1);
    ledger.touch("customers", "C-000001", "status", json!("closed"));
    let host = host(&ledger);
    let may_not_order = Account { ordering_enabled: false.into(), ..account("Renamed") };
    push_one(&host, "account", update("17", "C-000001", &may_not_order));
    assert_eq!(ledger.get("customers", "C-000001").unwrap()["status"], "closed");
    push_one(&host, "account", update("17", "C-000001", &account("Renamed")));
    assert_eq!(ledger.get("customers", "C-000001").unwrap()["status"], "active");
}

#[test]
fn a_removal_succeeds_once_and_again() {
    let ledger = FakeLedger::with_customers(1);
    let host = host(&ledger);
    let item = remove("17", "C-000001", &account("Acme"));
    assert_eq!(push_one(&host, "account", item.clone()), Outcome::stored("C-000001"));
    assert_eq!(ledger.count("customers"), 0);
    assert!(matches!(push_one(&host, "account", item), Outcome::Stored(_)));
}

#[test]
fn each_item_has_its_own_outcome_and_refusals_name_the_platforms_field() {
    let ledger = FakeLedger::default();
    let host = host(&ledger);
    let items = vec![create("1", &account("")), create("2", &account("Acme"))];
    let results = host.push::<BrindleLedger>("account", items).unwrap();
    let Outcome::Failed(Error::Rejected(fields)) = &results[0].outcome else { panic!("{results:?}") };
    assert_eq!((fields[0].pointer.as_str(), fields[0].code.as_str()), ("/name", "invalid"));
    assert_eq!((results[1].id.as_str(), &results[1].outcome), ("2", &Outcome::stored("C-000001")));
}

#[test]
fn an_issued_invoice_is_sent_to_the_cent_with_its_discount_in_the_price() {
    let ledger = FakeLedger::with_customers(1);
    let host = host(&ledger);
    let item = create("5", &invoice(Reference::by_integration_id("C-000001")));
    assert_eq!(push_one(&host, "invoice", item), Outcome::stored("INV-000001"));
    let sent = ledger.get("invoices", "INV-000001").unwrap();
    assert_eq!(sent["customerNo"], "C-000001");
    assert_eq!(sent["grossTotal"], "111.60");
    assert_eq!((&sent["lines"][0]["qty"], &sent["lines"][0]["unitPrice"]), (&json!("1"), &json!("90.00")));
}

#[test]
fn an_invoice_waits_for_its_account() {
    let ledger = FakeLedger::default();
    let account = Reference { name: Some("Acme".to_owned()), ..Reference::default() };
    let outcome = push_one(&host(&ledger), "invoice", create("5", &invoice(account)));
    let Outcome::Failed(Error::Retryable(retry)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(retry.message, "Acme is not in the ledger yet");
}

#[test]
fn what_the_ledger_does_not_keep_is_skipped_with_a_reason() {
    let ledger = FakeLedger::default();
    let host = host(&ledger);
    let draft = Invoice { status: InvoiceStatus::Draft.into(), ..invoice(Reference::default()) };
    let credit_note = Invoice { kind: InvoiceType::CreditNote.into(), ..invoice(Reference::default()) };
    for object in [draft, credit_note] {
        assert!(matches!(push_one(&host, "invoice", create("5", &object)), Outcome::Skipped(_)));
    }
    assert!(host.requests().is_empty());
}

#[test]
fn a_void_invoice_takes_no_more_changes() {
    let ledger = FakeLedger::with_customers(1);
    ledger.add("invoices", fake::invoice("C-000001", "void"));
    let item = update("5", "INV-000001", &invoice(Reference::by_integration_id("C-000001")));
    let outcome = push_one(&host(&ledger), "invoice", item);
    let Outcome::Failed(Error::Failed(fault)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.code, "locked");
}

#[test]
fn a_dry_run_reads_and_writes_nothing() {
    let ledger = FakeLedger::with_customers(1);
    let host = host(&ledger).dry_run();
    let items = vec![
        create("1", &account("New")),
        update("2", "C-000001", &account("Renamed")),
        remove("3", "C-000001", &account("Renamed")),
    ];
    let results = host.push::<BrindleLedger>("account", items).unwrap();
    assert!(results.iter().all(|result| matches!(result.outcome, Outcome::Skipped(_))), "{results:?}");
    assert_eq!(ledger.get("customers", "C-000001").unwrap()["displayName"], "Customer 1");
    assert_eq!(ledger.count("customers"), 1);
}
