//! What lands, what is compared, and where the next pull starts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use mortise_model::connector::{PulledRecord, RecordFailure};
use mortise_model::error::PluginError;
use mortise_model::item::{ItemState, ItemStatus};
use mortise_model::run::{RunStatus, Trigger};
use mortise_runtime::CallError;

use super::house::{House, PULL, account, commit, ended, failed_code, now_plus, page};

#[tokio::test]
async fn a_complete_pull_is_green_and_the_next_starts_at_its_bookmark() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        commit(&sink, page(&["A", "B"], "2", Some(3))).await?;
        commit(&sink, page(&["C"], "3", Some(3))).await?;
        ended("then")
    });
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Succeeded);
    let report = &run.actions[0];
    assert_eq!((report.counts.pages, report.counts.records, report.counts.created), (2, 3, 3));
    assert_eq!((report.reported_total, report.reconciled), (Some(3), Some(true)));
    assert_eq!(house.accounts().await.keys().collect::<Vec<_>>(), ["A", "B", "C"]);
    let state = house.state(PULL).await;
    assert_eq!((state.bookmark.as_deref(), state.enumeration), (Some("then"), None));

    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].counts.unchanged), (RunStatus::Succeeded, 3));
    let pulls = house.far.pulls();
    assert_eq!(pulls[1].bookmark.as_deref(), Some("then"));
    assert_eq!(pulls[1].cursor, None);
    assert!(house.jobs().await.is_empty());
}

#[tokio::test]
async fn half_of_what_was_announced_is_read_three_times_and_then_an_error() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        commit(&sink, page(&["A", "B"], "2", Some(4))).await?;
        ended("then")
    });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "total-mismatch"));
    assert!(run.error.unwrap().to_string().contains("2 records landed, but the far side says that it has 4"));
    assert_eq!(run.actions[0].reconciled, Some(false));
    let pulls = house.far.pulls();
    assert_eq!(pulls.len(), 3);
    assert!(pulls.iter().all(|pull| pull.cursor.is_none() && pull.bookmark.is_none()));
    let state = house.state(PULL).await;
    assert_eq!((state.bookmark, state.enumeration), (None, None));
    assert!(house.jobs().await.is_empty(), "a definite failure is not tried again by itself");
}

#[tokio::test]
async fn a_second_enumeration_that_agrees_is_green() {
    let house = House::with(&[PULL]).await;
    let times = Arc::new(AtomicU32::new(0));
    house.far.pull(move |_, _, sink| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        async move {
            let ids: &[&str] = if time == 0 { &["A"] } else { &["A", "B"] };
            commit(&sink, page(ids, "1", Some(2))).await?;
            ended("then")
        }
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].reconciled), (RunStatus::Succeeded, Some(true)));
    assert_eq!(house.far.pulls().len(), 2);
    assert!(
        house.log(&run).await.iter().any(|line| line.contains("pull-account starts over: 1 records landed"))
    );
}

#[tokio::test]
async fn without_a_total_the_run_is_not_green() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        commit(&sink, page(&["A"], "", None)).await?;
        ended("then")
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].reconciled), (RunStatus::Unreconciled, Some(false)));
    assert_eq!(house.state(PULL).await.bookmark.as_deref(), Some("then"));
}

#[tokio::test]
async fn a_pull_that_commits_nothing_proves_nothing() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, _| async { ended("then") });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "nothing-committed"));
    assert_eq!(house.state(PULL).await.bookmark, None);
}

#[tokio::test]
async fn an_interrupted_pull_goes_on_at_its_cursor_and_what_landed_before_counts() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, request, sink| async move {
        if request.cursor.is_none() {
            commit(&sink, page(&["A", "B"], "2", Some(3))).await?;
            return Err(PluginError::Retryable { after_ms: Some(7_000), message: "busy".to_owned() }.into());
        }
        commit(&sink, page(&["C"], "3", Some(3))).await?;
        ended("then")
    });
    let first = house.run().await;
    assert_eq!(first.status, RunStatus::Failed);
    assert!(first.next_attempt_at.unwrap() >= now_plus(&house, 7));
    assert_eq!(house.claim().await, None);
    house.clock.set(first.next_attempt_at.unwrap());
    let second = house.work_due().await;
    assert_eq!((second.status, second.attempt), (RunStatus::Succeeded, 2));
    assert_eq!(house.far.pulls()[1].cursor.as_deref(), Some("2"));
    assert_eq!(house.accounts().await.len(), 3);
}

/// A record moved behind the reader between two attempts: it comes twice, and the one in its place never. The numbers
/// alone would agree.
#[tokio::test]
async fn a_record_that_comes_again_after_an_interruption_does_not_hide_one_that_is_missing() {
    let house = House::with(&[PULL]).await;
    let times = Arc::new(AtomicU32::new(0));
    house.far.pull(move |_, _, sink| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        async move {
            match time {
                0 => {
                    commit(&sink, page(&["A", "B"], "2", Some(4))).await?;
                    return Err(PluginError::retryable("busy").into());
                }
                1 => drop(commit(&sink, page(&["D", "A"], "4", Some(4))).await?),
                _ => drop(commit(&sink, page(&["A", "B", "C", "D"], "4", Some(4))).await?),
            }
            ended("then")
        }
    });
    let first = house.run().await;
    house.clock.set(first.next_attempt_at.unwrap());
    let second = house.work_due().await;
    assert_eq!(second.status, RunStatus::Succeeded);
    assert_eq!(house.far.pulls().len(), 3, "the enumeration with the gap was started over");
    assert_eq!(house.accounts().await.len(), 4);
}

#[tokio::test]
async fn a_plugin_that_ignores_a_refusal_does_not_succeed() {
    let house = House::with(&[PULL]).await;
    let later = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&later);
    house.far.pull(move |_, _, sink| {
        let noted = Arc::clone(&noted);
        async move {
            commit(&sink, page(&["A"], "1", Some(2))).await?;
            assert!(commit(&sink, page(&["B"], "1", Some(2))).await.is_err());
            *noted.lock().unwrap() = Some(commit(&sink, page(&["B"], "2", Some(2))).await.is_err());
            ended("then")
        }
    });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "repeated-page"));
    assert_eq!(*later.lock().unwrap(), Some(true));
    assert_eq!(house.accounts().await.len(), 1);
    assert_eq!(house.state(PULL).await.enumeration, None);
}

#[tokio::test]
async fn a_refused_record_is_tried_again_by_itself_and_resolved() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        let mut page = page(&["A"], "1", Some(3));
        page.records.push(PulledRecord { external_id: "B".to_owned(), data: Some("{}".to_owned()) });
        page.failures.push(RecordFailure {
            external_id: Some("C".to_owned()),
            error: PluginError::failed("malformed", "it has no name, only hush-hush"),
            data: Some("<c/>".to_owned()),
        });
        let receipt = commit(&sink, page).await?;
        assert_eq!((receipt.created, receipt.refused.len()), (1, 1));
        ended("then")
    });
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Partial, "{:?}", run.error);
    assert_eq!((run.actions[0].counts.failed, run.actions[0].reconciled), (2, Some(true)));
    let items = house.items().await;
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item.state.status() == ItemStatus::Retrying && item.attempts == 1));
    assert!(!serde_json::to_string(&items).unwrap().contains("hush-hush"));

    // The job of the items is due when the first of them is.
    let due = house.jobs().await[0].due;
    house.clock.set(due.plus(std::time::Duration::from_mins(1)));
    house.far.pull_one(|id| if id == "B" { Ok(Some(account("B", "B"))) } else { Ok(None) });
    let retry = house.work_due().await;
    assert_eq!((&retry.trigger, retry.status), (&Trigger::Retry, RunStatus::Succeeded));
    assert_eq!(house.far.pulls().len(), 1, "nothing but the items is pulled");
    assert!(house.items().await.iter().all(|item| item.state == ItemState::Resolved));
    assert_eq!(house.accounts().await.keys().collect::<Vec<_>>(), ["A", "B"]);
    assert!(house.jobs().await.is_empty());
}

#[tokio::test]
async fn a_record_that_is_refused_for_good_is_a_dead_letter_and_keeps_no_other_back() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        let mut page = page(&["A"], "1", Some(2));
        page.records.push(PulledRecord { external_id: "B".to_owned(), data: Some("{}".to_owned()) });
        commit(&sink, page).await?;
        ended("then")
    });
    house
        .far
        .pull_one(|_| Ok(Some(PulledRecord { external_id: "B".to_owned(), data: Some("{}".to_owned()) })));
    house.run().await;
    for attempt in 2..=6 {
        let item = &house.items().await[0];
        let ItemState::Retrying { next_at } = item.state else { panic!("{attempt}: {:?}", item.state) };
        house.clock.set(next_at);
        assert_eq!(house.work_due().await.status, RunStatus::Partial);
    }
    let item = &house.items().await[0];
    assert_eq!((&item.state, item.attempts), (&ItemState::Dead, 6));
    assert!(house.jobs().await.is_empty());
}

#[tokio::test]
async fn a_record_without_an_id_that_cannot_be_mapped_is_a_dead_letter_at_once() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        let mut page = page(&[], "1", Some(1));
        let error = PluginError::failed("malformed", "it is no record");
        page.failures.push(RecordFailure { external_id: None, error, data: Some("<x/>".to_owned()) });
        commit(&sink, page).await?;
        ended("then")
    });
    assert_eq!(house.run().await.status, RunStatus::Partial);
    assert_eq!(house.items().await[0].state, ItemState::Dead);
    assert!(house.jobs().await.is_empty());
}

#[tokio::test]
async fn a_cursor_that_the_plugin_cannot_read_any_more_is_given_up() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, request, sink| async move {
        match request.cursor.as_deref() {
            None if request.page_size == 500 => {}
            _ => return Err(PluginError::failed("unreadable-cursor", "it is from another release").into()),
        }
        commit(&sink, page(&["A"], "1", Some(2))).await?;
        Err(CallError::Plugin(PluginError::retryable("busy")))
    });
    let first = house.run().await;
    house.far.pull(|_, request, sink| async move {
        if request.cursor.is_some() {
            return Err(PluginError::failed("unreadable-cursor", "it is from another release").into());
        }
        commit(&sink, page(&["A", "B"], "2", Some(2))).await?;
        ended("then")
    });
    house.clock.set(first.next_attempt_at.unwrap());
    assert_eq!(house.work_due().await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn more_failures_than_a_run_may_have_stop_it() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, sink| async move {
        for number in 0..4 {
            let mut page = page(&[], &number.to_string(), None);
            page.records = (0..4_000)
                .map(|id| PulledRecord { external_id: format!("{number}-{id}"), data: Some("{}".to_owned()) })
                .collect();
            commit(&sink, page).await?;
        }
        ended("then")
    });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "too-many-failures"));
    assert_eq!(run.actions[0].counts.failed, 12_000);
}
