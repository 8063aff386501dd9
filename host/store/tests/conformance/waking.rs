//! Waiting for jobs without looking all the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mortise_store::{Store, Write};

use crate::fixture::{claim, claim_one, commit, enqueue, job, job_in_lane};

/// Longer than any test may take: who waits this long was not woken.
const LONG: Duration = Duration::from_mins(2);

fn waiter(store: &Arc<dyn Store>) -> tokio::task::JoinHandle<()> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.wait_for_jobs(LONG).await })
}

async fn assert_wakes(waiter: tokio::task::JoinHandle<()>) {
    tokio::time::timeout(LONG / 2, waiter).await.expect("who waits is woken").unwrap();
}

pub(crate) async fn a_new_job_wakes_who_waits(store: Arc<dyn Store>) {
    assert_eq!(claim(&store, 0).await, []);
    let waiter = waiter(&store);
    enqueue(&store, vec![job(0)]).await;
    assert_wakes(waiter).await;
    claim_one(&store, 0).await;
}

pub(crate) async fn a_job_added_since_the_last_look_is_not_waited_for(store: Arc<dyn Store>) {
    assert_eq!(claim(&store, 0).await, []);
    enqueue(&store, vec![job(0)]).await;
    assert_wakes(waiter(&store)).await;
}

pub(crate) async fn a_lane_that_is_freed_wakes_who_waits(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_in_lane(0, "a"), job_in_lane(0, "a")]).await;
    let first = claim_one(&store, 0).await;
    assert_eq!(claim(&store, 0).await, []);
    let waiter = waiter(&store);
    commit(&store, vec![Write::Complete(first.lease)]).await.unwrap();
    assert_wakes(waiter).await;
    claim_one(&store, 0).await;
}

pub(crate) async fn who_waits_wakes_when_a_job_is_due(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(1)]).await;
    assert_eq!(claim(&store, 0).await, []);
    assert_wakes(waiter(&store)).await;
}

pub(crate) async fn who_waits_for_nothing_wakes_at_the_timeout(store: Arc<dyn Store>) {
    assert_eq!(claim(&store, 0).await, []);
    let started = Instant::now();
    store.wait_for_jobs(Duration::from_millis(30)).await;
    assert!(started.elapsed() >= Duration::from_millis(30));
}
