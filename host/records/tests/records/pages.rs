//! Pages of a connector.

use mortise_model::clock::Clock as _;
use mortise_model::connector::PulledRecord;
use mortise_model::entity::EntityKind;
use mortise_model::id::InstanceId;
use mortise_model::invoice::Invoice;
use mortise_records::RecordOutcome::{Created, Deleted, Unchanged, Updated};
use mortise_store::Origin;
use serde_json::{Value, json};

use crate::house::{House, assert_outcome_refused, coded, invoice_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_creates_updates_leaves_and_removes() {
    let house = House::new();
    let page = [("a", json!({"name": "A"})), ("b", json!({"name": "B"})), ("c", json!({"name": "C"}))];
    assert_eq!(house.pull_accounts(&page).await, [Created(1), Created(2), Created(3)]);
    assert_eq!(house.pull_accounts(&page).await, [Unchanged, Unchanged, Unchanged]);
    let page = [
        ("d", json!({"name": "D"})),
        ("b", json!({"name": "B2", "phone": "1"})),
        ("a", json!({"name": "A"})),
        ("c", Value::Null),
        ("never seen", Value::Null),
    ];
    let outcomes = house.pull_accounts(&page).await;
    let Created(number) = outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(outcomes[1..], [Updated(2), Unchanged, Deleted(3), Unchanged]);
    assert_eq!(house.account(number).await.fields.name, "D");
    let b = house.account(2).await;
    assert_eq!((b.fields.name.as_str(), b.updated_at), ("B2", house.clock.now()));
    assert!(house.records.read::<mortise_model::account::Account>(&house.tenant, 3).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_missing_keep_their_value_and_null_takes_it_away() {
    let house = House::new();
    house.pull_accounts(&[("a", json!({"name": "A", "phone": "1", "fax": "2"}))]).await;
    let back =
        json!({"id": 9, "integrationId": "a", "createdAt": "x", "updatedAt": "x", "links": [], "fax": null});
    assert_eq!(house.pull_accounts(&[("a", back)]).await, [Updated(1)]);
    let account = house.account(1).await;
    assert_eq!((account.id.0, account.fields.name.as_str()), (1, "A"));
    assert_eq!((account.fields.phone.as_deref(), account.fields.fax), (Some("1"), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_record_stops_only_itself() {
    let house = House::new();
    let page = [
        ("a", json!({"name": ""})),
        ("b", json!({"name": "B", "unknown": 1})),
        ("c", json!({"name": "C", "parentAccount": {"integrationId": "nobody"}})),
        ("d", json!([])),
        ("e", json!({"name": "E"})),
    ];
    let outcomes = house.pull_accounts(&page).await;
    assert_outcome_refused(&outcomes[0], &[("/name", "required")]);
    assert_outcome_refused(&outcomes[1], &[("", "malformed")]);
    assert_outcome_refused(&outcomes[2], &[("/parentAccount", "unknown-reference")]);
    assert_outcome_refused(&outcomes[3], &[("", "malformed")]);
    assert!(matches!(outcomes[4], Created(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_one_page_may_refer_to_one_another() {
    let house = House::new();
    let page = [
        ("child", json!({"name": "Child", "parentAccount": {"integrationId": "parent"}})),
        ("parent", json!({"name": "Parent", "billToAccount": {"integrationId": "child"}})),
    ];
    assert_eq!(house.pull_accounts(&page).await, [Created(1), Created(2)]);
    let parent = house.account(1).await.fields.parent_account.unwrap();
    assert_eq!((parent.id, parent.name.as_deref(), parent.integration_id), (Some(2), Some("Parent"), None));
    assert_eq!(house.account(2).await.fields.bill_to_account.unwrap().id, Some(1));
    assert_eq!(house.pull_accounts(&page).await, [Unchanged, Unchanged]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_refers_to_a_refused_record_of_the_page_is_refused_too() {
    let house = House::new();
    house.create(coded("Taken", "T")).await;
    let page = [
        ("grandchild", json!({"name": "G", "parentAccount": {"integrationId": "child"}})),
        ("child", json!({"name": "C", "parentAccount": {"integrationId": "parent"}})),
        ("parent", json!({"name": "P", "code": "t"})),
        ("other", json!({"name": "O"})),
    ];
    let outcomes = house.pull_accounts(&page).await;
    let unknown = [("/parentAccount", "unknown-reference")];
    assert_outcome_refused(&outcomes[0], &unknown);
    assert_outcome_refused(&outcomes[1], &unknown);
    assert_outcome_refused(&outcomes[2], &[("/code", "not-unique")]);
    assert!(matches!(outcomes[3], Created(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_refused_where_another_has_it_and_kept_where_it_is_ones_own() {
    let house = House::new();
    house.pull_accounts(&[("a", json!({"name": "A", "code": "x-1"})), ("b", json!({"name": "B"}))]).await;
    let page = [
        ("a", json!({"code": "X-1"})),
        ("b", json!({"code": "x-1"})),
        ("c", json!({"name": "C", "code": "ΟΔΟΣ"})),
        ("d", json!({"name": "D", "code": "οδοσ"})),
    ];
    let outcomes = house.pull_accounts(&page).await;
    assert_eq!(outcomes[0], Updated(1));
    assert_outcome_refused(&outcomes[1], &[("/code", "not-unique")]);
    assert!(matches!(outcomes[2], Created(_)));
    assert_outcome_refused(&outcomes[3], &[("/code", "not-unique")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_record_that_stands_twice_in_a_page_the_last_counts() {
    let house = House::new();
    let page = [("a", json!({"name": "First"})), ("b", json!({"name": "B"})), ("a", json!({"name": "Last"}))];
    let outcomes = house.pull_accounts(&page).await;
    assert_eq!(outcomes[0], Unchanged);
    let Created(number) = outcomes[2] else { panic!("{outcomes:?}") };
    assert_eq!(house.account(number).await.fields.name, "Last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invoices_find_their_accounts_by_the_far_sides_id() {
    let house = House::new();
    house.pull_accounts(&[("acc-1", json!({"name": "Acme"}))]).await;
    let invoice = |account: &str| json!({"account": {"integrationId": account}, "invoiceDate": "2026-03-01", "currency": "EUR"});
    let page = [("inv-1", invoice("acc-1")), ("inv-2", invoice("acc-2"))];
    let outcomes = house.pull(EntityKind::Invoice, &page).await;
    assert_eq!(outcomes[0], Created(1));
    assert_outcome_refused(&outcomes[1], &[("/account", "unknown-reference")]);
    let (stored, _) = house.records.read::<Invoice>(&house.tenant, 1).await.unwrap();
    assert_eq!((stored.fields.account.id, stored.fields.account.name.as_deref()), (Some(1), Some("Acme")));
    assert_eq!(house.pull(EntityKind::Invoice, &page[..1]).await, [Unchanged]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_invoices_is_not_removed() {
    let house = House::new();
    house.pull_accounts(&[("a", json!({"name": "A"})), ("b", json!({"name": "B"}))]).await;
    house.records.create::<Invoice>(&house.tenant, invoice_of(1), Origin::Api, vec![]).await.unwrap();
    let outcomes = house.pull_accounts(&[("a", Value::Null), ("b", Value::Null)]).await;
    assert_outcome_refused(&outcomes[0], &[("", "in-use")]);
    assert_eq!(outcomes[1], Deleted(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_has_links_of_its_own() {
    let house = House::new();
    house.pull_accounts(&[("a", json!({"name": "A"}))]).await;
    let page =
        [PulledRecord { external_id: "a".to_owned(), data: Some(json!({"name": "Theirs"}).to_string()) }];
    let other = InstanceId::new();
    let plan = house.records.plan_page(&house.tenant, &other, EntityKind::Account, &page).await.unwrap();
    assert!(matches!(plan.outcomes[..], [Created(number)] if number != 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_overtaken_does_not_commit() {
    let house = House::new();
    house.pull_accounts(&[("a", json!({"name": "A"}))]).await;
    let page =
        [PulledRecord { external_id: "a".to_owned(), data: Some(json!({"name": "Late"}).to_string()) }];
    let plan =
        house.records.plan_page(&house.tenant, &house.instance, EntityKind::Account, &page).await.unwrap();
    house.pull_accounts(&[("a", json!({"name": "Early"}))]).await;
    let mut batch = mortise_store::Batch::new(house.tenant.clone(), Origin::Host, house.clock.now());
    batch.writes = plan.writes;
    assert!(matches!(house.store.commit(batch).await, Err(mortise_store::StoreError::Conflict(_))));
    assert_eq!(house.account(1).await.fields.name, "Early");
}
