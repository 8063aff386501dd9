//! One record at a time, as callers of the platform API write them.

use std::time::Duration;

use mortise_model::account::{Account, AccountFields};
use mortise_model::clock::Clock as _;
use mortise_model::entity::{EntityKind, Reference};
use mortise_model::invoice::{Invoice, InvoiceFields};
use mortise_records::RecordError;
use mortise_store::{Expect, Origin, Sequence, Write, collections};

use crate::house::{House, assert_refused, coded, invoice_of, named, to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_numbered_dated_and_read_back() {
    let house = House::new();
    let first = house.create(named("Acme")).await;
    house.clock.advance(Duration::from_secs(5));
    let second = house.create(coded("Globex", "G-1")).await;
    assert_eq!((first.id.0, second.id.0), (1, 2));
    assert_eq!(second.created_at, house.clock.now());
    assert_eq!(house.account(2).await, second);
    let invoice = house.records.create::<Invoice>(&house.tenant, invoice_of(1), Origin::Api, vec![]).await;
    let (invoice, _) = invoice.unwrap();
    assert_eq!(invoice.id.0, 1);
    assert_eq!(invoice.fields.account.name.as_deref(), Some("Acme"));
    let missing = house.records.read::<Account>(&house.tenant, 9).await;
    assert!(matches!(missing, Err(RecordError::NotFound { kind: EntityKind::Account, id: 9 })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_record_is_told_at_once() {
    let house = House::new();
    let fields = AccountFields {
        parent_account: Some(to(7)),
        bill_to_account: Some(Reference { integration_id: Some("x".to_owned()), ..Reference::default() }),
        ..AccountFields::default()
    };
    let answer = house.records.create::<Account>(&house.tenant, fields, Origin::Api, vec![]).await;
    let unknown = "unknown-reference";
    assert_refused(
        answer,
        &[("/name", "required"), ("/parentAccount", unknown), ("/billToAccount", unknown)],
    );
    let invoice = InvoiceFields { invoice_date: None, ..invoice_of(7) };
    let answer = house.records.create::<Invoice>(&house.tenant, invoice, Origin::Api, vec![]).await;
    assert_refused(answer, &[("/invoiceDate", "required"), ("/account", unknown)]);
    let feed = house.store.changes(&house.tenant, Sequence(0), 10).await.unwrap();
    assert_eq!(feed, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_belongs_to_one_record_of_a_kind() {
    let house = House::new();
    house.create(coded("Acme", "A-1")).await;
    let other = house.create(coded("Globex", "G-1")).await;
    let answer = house.records.create::<Account>(&house.tenant, coded("X", "a-1"), Origin::Api, vec![]).await;
    assert_refused(answer, &[("/code", "not-unique")]);
    let (other, version) = house.records.read::<Account>(&house.tenant, other.id.0).await.unwrap();
    let answer =
        house.records.update(&house.tenant, other, version, coded("Globex", "A-1"), Origin::Api).await;
    assert_refused(answer, &[("/code", "not-unique")]);
    let invoice = InvoiceFields { code: Some("A-1".to_owned()), ..invoice_of(1) };
    house.records.create::<Invoice>(&house.tenant, invoice, Origin::Api, vec![]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_changes_what_differs_and_refuses_what_was_overtaken() {
    let house = House::new();
    let created = house.create(named("Acme")).await;
    let (account, version) = house.records.read::<Account>(&house.tenant, 1).await.unwrap();
    house.clock.advance(Duration::from_secs(5));

    let update = |fields| house.records.update(&house.tenant, account.clone(), version, fields, Origin::Api);
    let (same, same_version) = update(named("Acme")).await.unwrap();
    assert_eq!((same, same_version), (created.clone(), version));
    let (renamed, _) = update(named("Acme Ltd")).await.unwrap();
    assert_eq!((renamed.created_at, renamed.updated_at), (created.created_at, house.clock.now()));
    assert_eq!(house.account(1).await, renamed);
    let overtaken = update(named("Acme Inc")).await;
    assert!(matches!(overtaken, Err(RecordError::Changed { kind: EntityKind::Account, id: 1 })));
    assert_eq!(house.account(1).await, renamed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_record_is_written_with_it_or_not_at_all() {
    let house = House::new();
    let answer = |id: &str| Write::Put {
        collection: &collections::IDEMPOTENT_ANSWERS,
        id: id.into(),
        expect: Expect::Absent,
        body: "{}".to_owned(),
    };
    let create =
        |fields, id| house.records.create::<Account>(&house.tenant, fields, Origin::Api, vec![answer(id)]);
    create(coded("Acme", "A"), "first").await.unwrap();
    assert!(matches!(create(named("Globex"), "first").await, Err(RecordError::Store(_))));
    assert_refused(create(coded("Globex", "A"), "second").await, &[("/code", "not-unique")]);
    let read = house.store.get(&house.tenant, &collections::IDEMPOTENT_ANSWERS, &"second".into()).await;
    assert_eq!(read.unwrap(), None);
}
