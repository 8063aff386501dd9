//! Linking records to the far side, and showing them to it.

use mortise_model::account::AccountFields;
use mortise_model::clock::Clock as _;
use mortise_model::entity::EntityKind;
use mortise_model::id::InstanceId;
use serde_json::{Value, json};

use crate::house::{House, named, to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_shown_with_what_the_far_side_knows_it_and_its_references_by() {
    let house = House::new();
    house.create(named("Parent")).await;
    house.create(AccountFields { parent_account: Some(to(1)), ..named("Child") }).await;
    let (kind, instance) = (EntityKind::Account, &house.instance);
    let unlinked =
        house.records.for_connector(&house.tenant, instance, kind, &house.document(2).await).await.unwrap();
    assert_eq!((unlinked.id, unlinked.external_id), (2, None));
    assert_eq!(unlinked.data["parentAccount"], json!({"id": 1, "name": "Parent"}));
    assert_eq!(unlinked.data.get("integrationId"), None);

    for (number, external_id) in [(1, "P-1"), (2, "C/1")] {
        let write = house.records.link(kind, &house.document(number).await, instance, external_id).unwrap();
        house.commit(vec![write]).await;
    }
    let shown =
        house.records.for_connector(&house.tenant, instance, kind, &house.document(2).await).await.unwrap();
    assert_eq!((shown.id, shown.external_id.as_deref()), (2, Some("C/1")));
    assert_eq!(shown.data["integrationId"], "C/1");
    assert_eq!(shown.data["parentAccount"], json!({"id": 1, "name": "Parent", "integrationId": "P-1"}));
    assert_eq!(shown.data["createdAt"], Value::from(house.clock.now().to_string()));
    assert_eq!(shown.data.get("links"), None);

    let stranger = InstanceId::new();
    let theirs =
        house.records.for_connector(&house.tenant, &stranger, kind, &house.document(2).await).await.unwrap();
    assert_eq!((theirs.external_id, theirs.data.get("integrationId")), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_record_is_found_by_a_pull_until_the_link_is_broken() {
    let house = House::new();
    house.create(named("A")).await;
    let (kind, instance) = (EntityKind::Account, &house.instance);
    for external_id in ["old", "new"] {
        let write = house.records.link(kind, &house.document(1).await, instance, external_id).unwrap();
        house.commit(vec![write]).await;
    }
    assert_eq!(house.account(1).await.links.len(), 1);
    let outcomes =
        house.pull_accounts(&[("new", json!({"name": "A2"})), ("old", json!({"name": "O"}))]).await;
    assert!(matches!(
        outcomes[..],
        [mortise_records::RecordOutcome::Updated(1), mortise_records::RecordOutcome::Created(_)]
    ));
    let write = house.records.unlink(kind, &house.document(1).await, instance).unwrap();
    house.commit(vec![write]).await;
    assert_eq!(house.account(1).await.links, []);
    let outcomes = house.pull_accounts(&[("new", Value::Null)]).await;
    assert_eq!(outcomes, [mortise_records::RecordOutcome::Unchanged]);
    assert_eq!(house.account(1).await.fields.name, "A2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_written_on_an_old_state_does_not_commit() {
    let house = House::new();
    house.create(named("A")).await;
    let old = house.document(1).await;
    let link =
        |external_id| house.records.link(EntityKind::Account, &old, &house.instance, external_id).unwrap();
    house.commit(vec![link("x")]).await;
    let mut batch =
        mortise_store::Batch::new(house.tenant.clone(), mortise_store::Origin::Host, house.clock.now());
    batch.push(link("y"));
    assert!(matches!(house.store.commit(batch).await, Err(mortise_store::StoreError::Conflict(_))));
}
