//! What is sent, with which key, and what is kept of the outcomes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mortise_model::connector::{Operation, Outcome, PulledRecord};
use mortise_model::error::{FieldError, PluginError};
use mortise_model::item::{ItemState, ItemStatus};
use mortise_model::run::RunStatus;
use mortise_runtime::{CallError, Limit};

use super::house::{House, PULL, PUSH, commit, ended, failed_code, outcomes, page, stored};

#[tokio::test]
async fn what_exists_is_sent_once_and_what_changes_is_sent_again() {
    let house = House::with(&[PUSH]).await;
    let numbers = house.create(&["A", "B", "C", "D"]).await;
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{:?}", run.error);
    assert_eq!((run.actions[0].counts.pages, run.actions[0].counts.created), (2, 4));
    let first = house.far.pushes().concat();
    assert!(first.iter().all(|item| item.operation == Operation::Create && item.attempt == 1));
    assert_eq!(house.accounts().await.keys().collect::<Vec<_>>(), ["X-1", "X-2", "X-3", "X-4"]);

    assert_eq!(house.run().await.actions[0].counts.records, 0, "its own links are no change to it");
    house.rename(numbers[1], "B2").await;
    house.rename(numbers[1], "B3").await;
    let run = house.run().await;
    assert_eq!((run.actions[0].counts.records, run.actions[0].counts.updated), (1, 1));
    let again = &house.far.pushes()[2][0];
    assert_eq!((again.operation, again.external_id.as_deref()), (Operation::Update, Some("X-2")));
    assert!(again.data.contains("B3"));
    assert_ne!(again.idempotency_key, first[1].idempotency_key);
}

#[tokio::test]
async fn what_was_pulled_is_not_pushed_back() {
    let house = House::with(&[PULL, PUSH]).await;
    house.far.pull(|_, _, sink| async move {
        commit(&sink, page(&["A", "B"], "2", Some(2))).await?;
        ended("then")
    });
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(house.far.pushes().len(), 0);
    house.create(&["C"]).await;
    house.run().await;
    assert_eq!(house.far.pushes().concat().len(), 1);
}

#[tokio::test]
async fn a_batch_whose_outcome_is_unknown_is_sent_again_with_the_same_keys_as_another_attempt() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A", "B", "C", "D"]).await;
    let times = Arc::new(AtomicU32::new(0));
    house.far.push(move |_, items| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        async move {
            if time == 1 {
                return Err(CallError::Plugin(PluginError::retryable("no answer")));
            }
            Ok(stored(&items))
        }
    });
    let first = house.run().await;
    assert_eq!(first.status, RunStatus::Failed);
    house.clock.set(first.next_attempt_at.unwrap());
    assert_eq!(house.work_due().await.status, RunStatus::Succeeded);
    let pushes = house.far.pushes();
    assert_eq!(pushes.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1], "what was kept is not sent again");
    assert_eq!(pushes[1][0].idempotency_key, pushes[2][0].idempotency_key);
    assert_eq!((pushes[1][0].attempt, pushes[2][0].attempt), (1, 2));
}

#[tokio::test]
async fn what_may_have_arrived_is_linked_before_a_pull_could_take_it_for_another_record() {
    let house = House::with(&[PULL, PUSH]).await;
    house.create(&["A"]).await;
    let sent = Arc::new(AtomicU32::new(0));
    let arrived = Arc::clone(&sent);
    house.far.pull(move |_, _, sink| {
        let there = arrived.load(Ordering::SeqCst) > 0;
        async move {
            let ids: &[&str] = if there { &["X-1"] } else { &[] };
            commit(&sink, page(ids, "2", Some(u32::from(there)))).await?;
            ended("then")
        }
    });
    house.far.push(move |_, items| {
        let times = sent.fetch_add(1, Ordering::SeqCst);
        async move {
            if times == 0 {
                return Err(CallError::Plugin(PluginError::retryable("no answer")));
            }
            Ok(stored(&items))
        }
    });
    let first = house.run().await;
    assert_eq!(first.status, RunStatus::Failed);
    house.clock.set(first.next_attempt_at.unwrap());
    let second = house.work_due().await;
    assert_eq!(second.status, RunStatus::Succeeded, "{:?}", second.error);
    assert_eq!(house.accounts().await.keys().collect::<Vec<_>>(), ["X-1"]);
    assert_eq!((second.actions[0].counts.created, second.actions[1].counts.created), (0, 1));
}

#[tokio::test]
async fn another_run_that_sends_what_may_have_arrived_says_so() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A"]).await;
    let limit = Limit::Wall(Duration::from_mins(15));
    house.far.push(move |_, _| async move { Err(CallError::Limit { limit }) });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run), run.next_attempt_at), (RunStatus::Failed, "limit", None));
    house.far.push(|_, items| async move { Ok(stored(&items)) });
    house.run().await;
    assert_eq!(house.far.pushes()[1][0].attempt, 2);
}

#[tokio::test]
async fn a_rejected_record_is_a_dead_letter_and_its_neighbours_arrive() {
    let house = House::with(&[PUSH]).await;
    let numbers = house.create(&["A", "B", "C"]).await;
    house.far.push(|_, items| async move {
        Ok(outcomes(&items, |item| match item.id {
            2 => Outcome::Failed(PluginError::Rejected {
                errors: vec![FieldError::new("/name", "too-short", "it is too short")],
            }),
            3 => Outcome::Skipped("not of interest".to_owned()),
            id => Outcome::Stored { external_id: format!("X-{id}"), note: "as new".to_owned() },
        }))
    });
    let run = house.run().await;
    let counts = run.actions[0].counts;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!((counts.created, counts.skipped, counts.failed), (1, 1, 1));
    let items = house.items().await;
    assert_eq!((items.len(), &items[0].state, items[0].record), (1, &ItemState::Dead, Some(numbers[1])));
    assert_eq!(items[0].data["name"], "B");
    assert!(house.jobs().await.is_empty());
    let log = house.log(&run).await;
    assert!(log.iter().any(|line| line.contains("account 3 was left out: not of interest")), "{log:?}");

    // Its newer state is sent, and takes its place.
    house.far.push(|_, items| async move { Ok(stored(&items)) });
    house.rename(numbers[1], "Bertha").await;
    assert_eq!(house.run().await.status, RunStatus::Succeeded);
    assert_eq!(house.items().await[0].state, ItemState::Resolved);
    assert_eq!(house.far.pushes()[1][0].attempt, 2, "the failed one may have arrived all the same");
}

#[tokio::test]
async fn an_item_that_may_pass_is_sent_again_with_its_key_when_it_is_due() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A", "B"]).await;
    house.far.push(|_, items| async move {
        Ok(outcomes(&items, |item| match (item.id, item.attempt) {
            (1, 1) => Outcome::Failed(PluginError::Retryable {
                after_ms: Some(3_600_000),
                message: "locked".to_owned(),
            }),
            (id, _) => Outcome::Stored { external_id: format!("X-{id}"), note: String::new() },
        }))
    });
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    let item = &house.items().await[0];
    let ItemState::Retrying { next_at } = item.state else { panic!("{:?}", item.state) };
    assert!(next_at >= super::house::now_plus(&house, 3_600), "the far side asked for an hour");
    assert_eq!(house.jobs().await[0].due, next_at);
    house.clock.set(next_at);
    let retry = house.work_due().await;
    assert_eq!((retry.status, retry.actions[0].counts.created), (RunStatus::Succeeded, 1));
    let pushes = house.far.pushes();
    assert_eq!(pushes[1][0].idempotency_key, pushes[0][0].idempotency_key);
    assert_eq!(pushes[1][0].attempt, 2);
    assert_eq!(house.items().await[0].state.status(), ItemStatus::Resolved);
    assert_eq!(house.accounts().await.len(), 2);
}

#[tokio::test]
async fn a_record_that_changes_while_it_is_sent_is_linked_and_sent_again() {
    let house = Arc::new(House::with(&[PUSH]).await);
    let number = house.create(&["A"]).await[0];
    let times = Arc::new(AtomicU32::new(0));
    let inside = Arc::clone(&house);
    house.far.push(move |_, items| {
        let (time, inside) = (times.fetch_add(1, Ordering::SeqCst), Arc::clone(&inside));
        async move {
            if time == 0 {
                inside.rename(number, "A2").await;
            }
            Ok(stored(&items))
        }
    });
    assert_eq!(house.run().await.status, RunStatus::Succeeded);
    let pushes = house.far.pushes();
    assert_eq!(pushes.len(), 2);
    assert_eq!(
        (pushes[1][0].operation, pushes[1][0].external_id.as_deref()),
        (Operation::Update, Some("X-1"))
    );
    assert_eq!(house.accounts().await["X-1"], "A2");
}

#[tokio::test]
async fn two_records_that_the_far_side_holds_as_one_are_not_linked_to_it_both() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A", "B"]).await;
    house.far.push(|_, items| async move {
        Ok(outcomes(&items, |_| Outcome::Stored { external_id: "same".to_owned(), note: String::new() }))
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].counts.created), (RunStatus::Partial, 1));
    let items = house.items().await;
    assert!(
        items[0].error.to_string().contains("to which account 1 is linked already"),
        "{}",
        items[0].error
    );
}

#[tokio::test]
async fn a_record_over_which_the_plugin_breaks_is_found_and_its_neighbours_arrive() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A", "B", "C", "D", "E"]).await;
    house.far.push(|_, items| async move {
        if items.iter().any(|item| item.id == 2) {
            return Err(CallError::Trap { message: "unreachable".to_owned() });
        }
        Ok(stored(&items))
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].counts.created), (RunStatus::Partial, 4), "{:?}", run.error);
    let items = house.items().await;
    assert_eq!((items.len(), items[0].record, &items[0].state), (1, Some(2), &ItemState::Dead));
    assert!(items[0].error.to_string().contains("the plugin has a bug"), "{}", items[0].error);
    assert_eq!(house.run().await.actions[0].counts.records, 0, "the feed moved past it");
}

#[tokio::test]
async fn a_plugin_that_breaks_over_every_record_makes_no_dead_letter_of_each() {
    let house = House::with(&[PUSH]).await;
    house.create(&["A", "B", "C", "D", "E", "F", "G", "H"]).await;
    house.far.push(|_, _| async { Err(CallError::Trap { message: "unreachable".to_owned() }) });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "trap"));
    assert_eq!(house.items().await.len(), 5);
}

#[tokio::test]
async fn a_record_that_another_far_side_removed_is_removed_on_this_one_too() {
    let house = House::with(&[PULL, PUSH]).await;
    let other = house.another_instance(&[PUSH]).await;
    house.far.pull(|_, _, sink| async move {
        commit(&sink, page(&["A", "B"], "2", Some(2))).await?;
        ended("then")
    });
    house.run().await;
    assert_eq!(house.run_of(&other).await.actions[0].counts.created, 2);
    house.far.pull(|_, _, sink| async move {
        let mut page = page(&["B"], "3", Some(2));
        page.records.push(PulledRecord { external_id: "A".to_owned(), data: None });
        commit(&sink, page).await?;
        ended("then")
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].counts.deleted), (RunStatus::Succeeded, 1), "{:?}", run.error);

    let sent = house.far.pushes().len();
    let times = Arc::new(AtomicU32::new(0));
    house.far.push(move |_, items| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        async move {
            if time == 0 {
                return Err(CallError::Plugin(PluginError::retryable("no answer")));
            }
            Ok(stored(&items))
        }
    });
    let first = house.run_of(&other).await;
    house.clock.set(first.next_attempt_at.unwrap());
    let second = house.work_due().await;
    assert_eq!((second.status, second.actions[0].counts.deleted), (RunStatus::Succeeded, 1));
    let pushes = house.far.pushes();
    let (first, second) = (&pushes[sent][0], &pushes[sent + 1][0]);
    assert_eq!((second.operation, second.external_id.as_deref()), (Operation::Delete, Some("X-1")));
    assert!(second.data.contains("\"name\":\"A\""), "{}", second.data);
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert_eq!(first.idempotency_key, second.idempotency_key);
    assert_eq!(house.run_of(&other).await.actions[0].counts.records, 0);
}
