//! Pulls: nothing is lost, nothing is believed that is not a page.

use mortise_sdk::prelude::*;
use mortise_sdk::testing::{Answer, Host, Request};
use serde_json::{Value, json};

use super::fake::{self, FakeLedger};
use super::host;
use crate::BrindleLedger;

fn pull(host: &Host) -> Result<()> {
    host.pull::<BrindleLedger>("account").map(drop)
}

fn names(host: &Host) -> Vec<String> {
    let records = host.records("account");
    records.values().map(|account| account["name"].as_str().unwrap().to_owned()).collect()
}

/// How many records were committed, every time counted.
fn committed(host: &Host) -> usize {
    host.pages().iter().map(|page| page.records.len() + page.failures.len()).sum()
}

#[test]
fn every_customer_becomes_an_account_with_pages_in_flight() {
    let ledger = FakeLedger::with_customers(125);
    let host = host(&ledger);
    pull(&host).unwrap();
    assert_eq!(host.records("account").len(), 125);
    assert_eq!(committed(&host), 125);
    assert_eq!(host.most_in_flight(), 3);
    assert!(host.pages().iter().all(|page| page.reported_total == Some(125)));
    let account = json!({
        "code": "C-000007", "name": "Customer 7", "vatNumber": "EL123456789", "email": "accounts@example.com",
        "phone": null, "website": null, "transactionCurrency": "EUR", "creditLimit": "1000.00", "taxable": true,
        "orderingEnabled": true,
        "addresses": [{ "address1": "1 High Street", "city": "Athens", "postCode": "10434", "countryCode": "GR",
            "isBilling": true }],
    });
    assert_eq!(host.records("account")["C-000007"], account);
}

#[test]
fn an_invoice_refers_to_its_customer_and_adds_up() {
    let ledger = FakeLedger::with_customers(1);
    for status in ["open", "paid", "void"] {
        ledger.add("invoices", fake::invoice("C-000001", status));
    }
    let host = host(&ledger);
    host.pull::<BrindleLedger>("invoice").unwrap();
    let invoices = host.records("invoice");
    let told: Vec<_> = invoices
        .values()
        .map(|invoice| (invoice["status"].as_str().unwrap(), invoice["paidAmount"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("issued", "0"), ("issued", "124.00"), ("cancelled", "0")]);
    let invoice = &invoices["INV-000001"];
    assert_eq!(invoice["account"], json!({ "integrationId": "C-000001" }));
    assert_eq!((&invoice["total"], &invoice["items"][0]["total"]), (&json!("124.00"), &json!("124.00")));
}

#[test]
fn the_next_pull_asks_for_what_changed_since_and_what_was_deleted() {
    let ledger = FakeLedger::with_customers(30);
    let host = host(&ledger);
    pull(&host).unwrap();
    ledger.touch("customers", "C-000003", "displayName", json!("Renamed"));
    ledger.delete("customers", "C-000004");
    ledger.add("customers", fake::customer("New"));
    let before = committed(&host);
    pull(&host).unwrap();
    // The customer that was the newest is within the overlap.
    assert_eq!(committed(&host) - before, 4);
    assert_eq!(host.pages().last().unwrap().reported_total, Some(4));
    let records = host.records("account");
    assert_eq!(records["C-000003"]["name"], "Renamed");
    assert!(!records.contains_key("C-000004"));
    assert_eq!(records.len(), 30);
}

#[test]
fn a_pull_of_nothing_says_so() {
    let host = host(&FakeLedger::default());
    pull(&host).unwrap();
    assert_eq!(host.pages().iter().map(|page| page.reported_total).collect::<Vec<_>>(), [Some(0)]);
}

#[test]
fn an_interrupted_pull_goes_on_where_it_was() {
    let ledger = FakeLedger::with_customers(125);
    let host = host(&ledger).stop_after(Some(5));
    assert!(matches!(pull(&host), Err(Error::Retryable(_))));
    // A stretch that is read is kept, however long it takes to be told to stop.
    let kept = committed(&host);
    assert!((50..125).contains(&kept), "{kept}");
    let host = host.stop_after(None);
    pull(&host).unwrap();
    assert_eq!(committed(&host), 125);
    assert_eq!(host.records("account").len(), 125);
}

#[test]
fn no_record_is_lost_when_others_move_while_pages_are_read() {
    for pages in 0..13 {
        let ledger = FakeLedger::with_customers(125);
        ledger.after_pages(pages, |ledger| {
            for number in ["C-000001", "C-000042"] {
                ledger.touch("customers", number, "displayName", json!("Moved"));
            }
        });
        let host = host(&ledger);
        pull(&host).unwrap();
        assert_eq!(host.records("account").len(), 125, "moved after {pages} pages");
        assert_eq!(committed(&host), 125, "moved after {pages} pages");
        pull(&host).unwrap();
        assert_eq!(
            names(&host).iter().filter(|name| *name == "Moved").count(),
            2,
            "moved after {pages} pages"
        );
    }
}

#[test]
fn no_record_is_lost_when_others_are_deleted_or_made_while_pages_are_read() {
    for pages in 0..13 {
        let ledger = FakeLedger::with_customers(125);
        ledger.after_pages(pages, |ledger| {
            ledger.delete("customers", "C-000001");
            ledger.add("customers", fake::customer("New"));
        });
        let host = host(&ledger);
        pull(&host).unwrap();
        pull(&host).unwrap();
        assert_eq!(host.records("account").len(), 125, "after {pages} pages");
        assert!(!host.records("account").contains_key("C-000001"), "after {pages} pages");
    }
}

#[test]
fn a_list_that_moves_all_the_time_is_still_read_page_by_page() {
    let ledger = FakeLedger::with_customers(60);
    for pages in 0..200 {
        ledger.after_pages(pages, |ledger| {
            ledger.touch("customers", "C-000001", "displayName", json!("Restless"));
        });
    }
    let host = host(&ledger);
    pull(&host).unwrap();
    assert_eq!(host.records("account").len(), 60);
}

#[test]
fn a_list_that_moved_between_two_attempts_is_read_from_where_it_is_certain() {
    let ledger = FakeLedger::with_customers(125);
    let host = host(&ledger).stop_after(Some(3));
    assert!(pull(&host).is_err());
    for number in 1..=9 {
        ledger.touch("customers", &format!("C-00000{number}"), "displayName", json!("Moved"));
    }
    let host = host.stop_after(None);
    pull(&host).unwrap();
    assert_eq!(host.records("account").len(), 125);
}

#[test]
fn one_malformed_record_is_one_failure_and_keeps_its_neighbours() {
    let ledger = FakeLedger::with_customers(15);
    ledger.touch("customers", "C-000004", "creditLimit", json!("a lot"));
    let host = host(&ledger);
    pull(&host).unwrap();
    assert_eq!(host.records("account").len(), 14);
    let pages = host.pages();
    let failures: Vec<_> = pages.iter().flat_map(|page| &page.failures).collect();
    assert_eq!(failures[0].external_id.as_deref(), Some("C-000004"));
    assert!(failures[0].data.as_ref().unwrap().contains("a lot"));
    assert_eq!(committed(&host), 15);
}

/// Pulls from a ledger whose answers to the page of 10 records with this number are changed.
fn pull_with_a_lie(page: &'static str, lie: impl Fn(&mut Value) + 'static) -> Error {
    let ledger = FakeLedger::with_customers(45);
    let honest = ledger.clone();
    let far_side = move |request: &Request| {
        let answer = honest.answer(request);
        let asked = request.query("page").as_deref() == Some(page)
            && request.query("pageSize").as_deref() != Some("1");
        if asked { answer.changed(&lie) } else { answer }
    };
    let host = host(&ledger).answer(far_side);
    pull(&host).unwrap_err()
}

/// The page that is changed, how, and what is said of it.
type Lie = (&'static str, fn(&mut Value), &'static str);

#[test]
fn an_answer_that_is_not_the_page_asked_for_is_a_failure_with_the_answer() {
    let lies: [Lie; 6] = [
        ("2", |page| page["items"] = json!([]), "it holds 0 records, 10 of the 45 belong on it"),
        ("2", |page| page["page"] = json!(1), "it says that it is page 1"),
        ("3", |page| page["total"] = json!(46), "page 3 counts 46 records, others 45"),
        ("4", |page| page["pages"] = json!(4), "45 records do not make 4 pages of 10"),
        ("1", |page| *page = json!({ "error": { "code": "x" } }), "not the JSON that was expected"),
        ("5", |page| drop(page.as_object_mut().unwrap().remove("total")), "not the JSON that was expected"),
    ];
    for (page, lie, message) in lies {
        let Error::Failed(fault) = pull_with_a_lie(page, lie) else { panic!("{message}") };
        assert!(fault.message.contains(message), "{}", fault.message);
        assert_eq!(fault.code, "unexpected-answer");
        assert!(fault.answer.is_some());
    }
}

#[test]
fn a_page_that_repeats_the_one_before_is_a_failure() {
    let ledger = FakeLedger::with_customers(45);
    let (honest, mut page_before) = (ledger.clone(), json!(null));
    let host = host(&ledger).answer(move |request| {
        let answer = honest.answer(request);
        let items = std::cell::RefCell::new(json!(null));
        let answer = answer.changed(&|page: &mut Value| {
            if request.query("page").as_deref() == Some("3") {
                page["items"] = page_before.clone();
            }
            *items.borrow_mut() = page["items"].clone();
        });
        page_before = items.into_inner();
        answer
    });
    let Err(Error::Failed(fault)) = pull(&host) else { panic!() };
    assert!(
        fault.message.contains("C-000011 on page 3 is there again or before C-000020"),
        "{}",
        fault.message
    );
}

#[test]
fn a_page_for_people_is_a_failure_that_shows_it() {
    let host = host(&FakeLedger::default()).answer(|_| Answer::status(200).body("<html>Sign in</html>"));
    let Err(Error::Failed(fault)) = pull(&host) else { panic!() };
    assert_eq!(fault.answer.as_deref(), Some("200\n<html>Sign in</html>"));
}
