//! One job at a time.

use std::sync::Arc;

use mortise_store::{Batch, Claim, NewJob, Store, Write};

use crate::fixture::{at, batch, claim, claim_at, claim_one, commit, enqueue, job_in_lane, other_tenant};

pub(crate) async fn a_lane_has_one_job_at_a_time(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_in_lane(0, "a"), job_in_lane(1, "a"), job_in_lane(2, "b")]).await;
    let leased = claim(&store, 10).await;
    assert_eq!(leased.iter().map(|job| job.due).collect::<Vec<_>>(), [at(0), at(2)]);
    assert_eq!(claim(&store, 10).await, []);
}

pub(crate) async fn a_lane_is_free_when_its_job_ends(store: Arc<dyn Store>) {
    enqueue(&store, (0..5).map(|due| job_in_lane(due, "a")).collect()).await;
    let lease = claim_one(&store, 10).await.lease;
    commit(&store, vec![Write::Complete(lease)]).await.unwrap();
    let leased = claim_one(&store, 10).await;
    assert_eq!(leased.due, at(1));
    commit(&store, vec![Write::Retry { lease: leased.lease, due: at(50), reason: String::new() }])
        .await
        .unwrap();
    let leased = claim_one(&store, 10).await;
    assert_eq!(leased.due, at(2));
    commit(&store, vec![Write::Bury { lease: leased.lease, reason: String::new() }]).await.unwrap();
    let leased = claim_one(&store, 10).await;
    assert_eq!(leased.due, at(3));
    commit(&store, vec![Write::Release(leased.lease)]).await.unwrap();
    assert_eq!(claim_one(&store, 10).await.due, at(3));
}

pub(crate) async fn a_lane_is_of_its_tenant(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_in_lane(0, "a")]).await;
    let theirs = Batch { tenant: other_tenant(), ..batch(vec![Write::Enqueue(job_in_lane(0, "a"))]) };
    store.commit(theirs).await.unwrap();
    assert_eq!(claim(&store, 10).await.len(), 2);
}

pub(crate) async fn jobs_of_all_kinds_share_a_lane(store: Arc<dyn Store>) {
    let hook = NewJob { kind: "hook".to_owned(), ..job_in_lane(0, "a") };
    enqueue(&store, vec![hook, job_in_lane(1, "a")]).await;
    let both = Claim { kinds: vec!["sync".to_owned(), "hook".to_owned()], ..claim_at(10) };
    let leased = store.claim_jobs(&both).await.unwrap();
    assert_eq!(leased.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["hook"]);
    assert_eq!(claim(&store, 10).await, []);
}

pub(crate) async fn an_ended_lease_keeps_its_lane_for_the_same_job(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_in_lane(5, "a"), job_in_lane(6, "a")]).await;
    let first = claim_one(&store, 10).await;
    enqueue(&store, vec![job_in_lane(0, "a")]).await;
    let again = claim_one(&store, 41).await;
    assert_eq!((again.lease.job, again.attempt), (first.lease.job, 2));
}
