//! Failed items.

use std::time::Duration;

use mortise_model::id::{InstanceId, ItemId};
use mortise_model::item::{FailedItem, ItemState, ItemStatus};
use mortise_scheduler::instance_lane;
use mortise_store::JobFilter;

use crate::expect::{conflict, not_found};
use crate::house::House;
use crate::instances::failed_item;

#[tokio::test]
async fn failed_items_are_listed_the_oldest_first() {
    let house = House::new();
    let (one, two) = (InstanceId::new(), InstanceId::new());
    let mut items = Vec::new();
    for (instance, external_id, state) in [
        (&one, "1", ItemState::Dead),
        (&two, "1", ItemState::Dead),
        (&one, "2", ItemState::Discarded),
        (&one, "3", ItemState::Dead),
    ] {
        let item = FailedItem { state, ..failed_item(instance, external_id, house.now()) };
        house.put(&house.tenant, &item).await;
        items.push(item);
    }
    for (instance, status, offset, limit, expected) in [
        (None, None, 0, 10, vec![0, 1, 2, 3]),
        (None, Some(ItemStatus::Dead), 0, 10, vec![0, 1, 3]),
        (Some(&one), Some(ItemStatus::Dead), 0, 10, vec![0, 3]),
        (Some(&one), None, 1, 1, vec![2]),
        (Some(&two), Some(ItemStatus::Resolved), 0, 10, vec![]),
    ] {
        let found = house
            .integration
            .dead_letters()
            .list(&house.tenant, instance, status, offset, limit)
            .await
            .unwrap();
        let expected: Vec<_> = expected.into_iter().map(|place: usize| items[place].clone()).collect();
        assert_eq!(found, expected, "{instance:?} {status:?} {offset} {limit}");
    }
}

#[tokio::test]
async fn a_replayed_item_is_due_now_and_a_run_waits_for_it() {
    let house = House::new();
    let id = house.instance().await.id;
    let item = failed_item(&id, "1", house.now());
    house.put(&house.tenant, &item).await;
    house.clock.advance(Duration::from_mins(1));
    let replayed = house.integration.dead_letters().replay(&house.tenant, &item.id).await.unwrap();
    assert_eq!(
        (replayed.state.clone(), replayed.attempts),
        (ItemState::Retrying { next_at: house.now() }, 0)
    );
    assert_eq!(house.integration.dead_letters().get(&house.tenant, &item.id).await.unwrap(), replayed);
    let filter = JobFilter { status: None, lane: Some(instance_lane(&id)) };
    let jobs = house.store.jobs(&house.tenant, &filter, 10).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.due).collect::<Vec<_>>(), [house.now()]);
    house.integration.dead_letters().replay(&house.tenant, &item.id).await.unwrap();
    assert_eq!(house.store.jobs(&house.tenant, &filter, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_item_that_was_decided_is_not_replayed() {
    let house = House::new();
    let id = house.instance().await.id;
    let letters = house.integration.dead_letters();
    for (number, state) in [ItemState::Resolved, ItemState::Discarded].into_iter().enumerate() {
        let item = FailedItem { state, ..failed_item(&id, &number.to_string(), house.now()) };
        house.put(&house.tenant, &item).await;
        assert!(conflict(letters.replay(&house.tenant, &item.id).await).contains(item.state.status().name()));
    }
    not_found(letters.replay(&house.tenant, &ItemId::new()).await, "failed item");
}

#[tokio::test]
async fn an_item_is_not_replayed_while_its_instance_is_paused_or_gone() {
    let house = House::new();
    let id = house.instance().await.id;
    let letters = house.integration.dead_letters();
    let item = failed_item(&id, "1", house.now());
    house.put(&house.tenant, &item).await;
    house.integration.instances().pause(&house.tenant, &id, String::new()).await.unwrap();
    assert!(conflict(letters.replay(&house.tenant, &item.id).await).contains("resume it first"));
    let orphan = failed_item(&InstanceId::new(), "1", house.now());
    house.put(&house.tenant, &orphan).await;
    assert!(conflict(letters.replay(&house.tenant, &orphan.id).await).contains("is gone"));
    letters.discard(&house.tenant, &orphan.id).await.unwrap();
}

#[tokio::test]
async fn an_item_is_given_up_unless_it_was_carried_over() {
    let house = House::new();
    let letters = house.integration.dead_letters();
    let item = failed_item(&InstanceId::new(), "1", house.now());
    house.put(&house.tenant, &item).await;
    let discarded = letters.discard(&house.tenant, &item.id).await.unwrap();
    assert_eq!(discarded.state, ItemState::Discarded);
    assert_eq!(letters.discard(&house.tenant, &item.id).await.unwrap(), discarded);
    let resolved =
        FailedItem { state: ItemState::Resolved, ..failed_item(&InstanceId::new(), "2", house.now()) };
    house.put(&house.tenant, &resolved).await;
    assert!(conflict(letters.discard(&house.tenant, &resolved.id).await).contains("carried over"));
}
