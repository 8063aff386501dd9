//! What holds while a job is leased, and what is void after.

use std::sync::Arc;
use std::time::Duration;

use mortise_store::{Batch, Expect, Lease, Store, StoreError, Write};
use serde_json::json;

use crate::fixture::{
    assert_invalid, at, batch, claim, claim_one, commit, enqueue, job, other_tenant, put, read, tenant,
};

fn assert_lost<T: std::fmt::Debug>(answer: Result<T, StoreError>, lease: &Lease) {
    match answer {
        Err(StoreError::LeaseLost(job)) => assert_eq!(job, lease.job),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn an_ended_lease_is_offered_again_and_counts(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let first = claim_one(&store, 0).await;
    assert_eq!(claim(&store, 29).await, []);
    let second = claim_one(&store, 31).await;
    assert_eq!((second.attempt, second.lease.job.clone()), (2, first.lease.job.clone()));
    assert!(second.lease.token > first.lease.token);
}

pub(crate) async fn a_renewed_lease_lasts(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let first = claim_one(&store, 0).await;
    let renewed = store.renew_lease(&tenant(), &first.lease, at(20), Duration::from_secs(30)).await;
    assert_eq!(renewed.unwrap(), at(50));
    assert_eq!(claim(&store, 49).await, []);
    claim_one(&store, 51).await;
    assert_lost(
        store.renew_lease(&tenant(), &first.lease, at(52), Duration::from_secs(30)).await,
        &first.lease,
    );
}

pub(crate) async fn a_lost_lease_writes_nothing(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let lost = claim_one(&store, 0).await.lease;
    let held = claim_one(&store, 31).await.lease;
    let ends = [
        Write::Fence(lost.clone()),
        Write::Complete(lost.clone()),
        Write::Retry { lease: lost.clone(), due: at(0), reason: String::new() },
        Write::Release(lost.clone()),
        Write::Bury { lease: lost.clone(), reason: String::new() },
    ];
    for end in ends {
        let writes = vec![put(1, Expect::Any, &json!({})), Write::Enqueue(job(0)), end];
        assert_lost(commit(&store, writes).await, &lost);
    }
    assert_eq!((read(&store, 1).await, claim(&store, 32).await), (None, vec![]));
    commit(&store, vec![Write::Complete(held.clone())]).await.unwrap();
    assert_lost(commit(&store, vec![Write::Complete(held.clone())]).await, &held);
}

pub(crate) async fn a_fence_holds_for_as_long_as_the_lease(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let lease = claim_one(&store, 0).await.lease;
    for id in 1..=2 {
        let writes = vec![Write::Fence(lease.clone()), put(id, Expect::Absent, &json!({}))];
        commit(&store, writes).await.unwrap();
    }
    let writes =
        vec![Write::Fence(lease.clone()), put(3, Expect::Absent, &json!({})), Write::Complete(lease.clone())];
    commit(&store, writes).await.unwrap();
    assert_lost(commit(&store, vec![Write::Fence(lease.clone())]).await, &lease);
}

pub(crate) async fn a_lease_ends_once(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let lease = claim_one(&store, 0).await.lease;
    let both = vec![Write::Complete(lease.clone()), Write::Release(lease.clone())];
    assert_invalid(commit(&store, both).await, "twice");
    commit(&store, vec![Write::Complete(lease)]).await.unwrap();
}

pub(crate) async fn a_lease_is_of_its_tenant(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let lease = claim_one(&store, 0).await.lease;
    let theirs = Batch { tenant: other_tenant(), ..batch(vec![Write::Complete(lease.clone())]) };
    assert_lost(store.commit(theirs).await, &lease);
    assert_lost(store.renew_lease(&other_tenant(), &lease, at(0), Duration::from_secs(1)).await, &lease);
    commit(&store, vec![Write::Complete(lease)]).await.unwrap();
}
