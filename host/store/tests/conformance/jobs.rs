//! Adding, claiming and ending jobs.

use std::sync::Arc;

use mortise_store::{
    Batch, Claim, Expect, JobFilter, JobStatus, JobView, Lease, NewJob, Store, StoreError, Write,
};
use serde_json::json;

use crate::fixture::{
    at, batch, claim, claim_at, claim_one, commit, enqueue, job, job_in_lane, job_with_key, other_tenant,
    put, read, tenant,
};

pub(crate) async fn shown(store: &Arc<dyn Store>) -> Vec<JobView> {
    store.jobs(&tenant(), &JobFilter::default(), 1_000).await.unwrap()
}

fn retry(lease: &Lease, due: i64) -> Write {
    Write::Retry { lease: lease.clone(), due: at(due), reason: "the far side is down".to_owned() }
}

pub(crate) async fn a_job_is_leased_when_it_is_due(store: Arc<dyn Store>) {
    let new = NewJob { payload: json!({"a": [1, "x"]}), ..job(10) };
    enqueue(&store, vec![new.clone()]).await;
    assert_eq!(claim(&store, 9).await, []);
    let leased = claim_one(&store, 10).await;
    assert_eq!(leased.tenant, tenant());
    assert_eq!((leased.kind, leased.payload, leased.lease.job), (new.kind, new.payload, new.id));
    assert_eq!((leased.attempt, leased.due, leased.until), (1, at(10), at(40)));
    assert_eq!(claim(&store, 11).await, []);
    let shown = shown(&store).await;
    assert_eq!((shown[0].status, shown[0].worker.as_deref()), (JobStatus::Leased, Some("worker-1")));
}

pub(crate) async fn the_oldest_due_job_comes_first(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(30), job_in_lane(10, "a"), job_in_lane(40, "b"), job(20)]).await;
    let theirs = Batch { tenant: other_tenant(), ..batch(vec![Write::Enqueue(job(15))]) };
    store.commit(theirs).await.unwrap();
    let first = store.claim_jobs(&Claim { limit: 3, ..claim_at(100) }).await.unwrap();
    assert_eq!(first.iter().map(|job| job.due).collect::<Vec<_>>(), [at(10), at(15), at(20)]);
    let rest = claim(&store, 100).await;
    assert_eq!(rest.iter().map(|job| job.due).collect::<Vec<_>>(), [at(30), at(40)]);
}

pub(crate) async fn a_key_has_one_waiting_job_due_no_later(store: Arc<dyn Store>) {
    let first = job_with_key(50, "sync");
    enqueue(&store, vec![first.clone()]).await;
    enqueue(&store, vec![job_with_key(60, "sync"), job_with_key(20, "sync"), job_with_key(70, "other")])
        .await;
    let shown = shown(&store).await;
    assert_eq!(shown.iter().map(|job| job.due).collect::<Vec<_>>(), [at(20), at(70)]);
    assert_eq!((&shown[0].id, &shown[0].payload), (&first.id, &first.payload));
    let theirs = Batch { tenant: other_tenant(), ..batch(vec![Write::Enqueue(job_with_key(0, "sync"))]) };
    store.commit(theirs).await.unwrap();
    assert_eq!(claim_one(&store, 0).await.tenant, other_tenant());
}

pub(crate) async fn a_key_is_free_while_its_job_is_worked_on(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_with_key(0, "sync")]).await;
    let leased = claim_one(&store, 0).await;
    enqueue(&store, vec![job_with_key(5, "sync"), job_with_key(6, "sync")]).await;
    let next = claim_one(&store, 10).await;
    assert_ne!(leased.lease.job, next.lease.job);
}

pub(crate) async fn a_job_that_is_done_is_gone(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let leased = claim_one(&store, 0).await;
    commit(&store, vec![Write::Complete(leased.lease)]).await.unwrap();
    assert_eq!((shown(&store).await, claim(&store, 1_000).await), (vec![], vec![]));
}

pub(crate) async fn a_retry_waits_until_it_is_due_and_says_why(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let leased = claim_one(&store, 0).await;
    commit(&store, vec![retry(&leased.lease, 60)]).await.unwrap();
    let waiting = &shown(&store).await[0];
    assert_eq!((waiting.status, waiting.attempt, waiting.due), (JobStatus::Waiting, 1, at(60)));
    assert_eq!((waiting.reason.as_deref(), waiting.worker.as_deref()), (Some("the far side is down"), None));
    assert_eq!(claim(&store, 59).await, []);
    let again = claim_one(&store, 60).await;
    assert_eq!((again.attempt, again.lease.job.clone()), (2, leased.lease.job.clone()));
    assert_ne!(again.lease.token, leased.lease.token);
}

pub(crate) async fn a_release_does_not_count_as_an_attempt(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(5)]).await;
    let leased = claim_one(&store, 10).await;
    commit(&store, vec![Write::Release(leased.lease.clone())]).await.unwrap();
    let again = claim_one(&store, 10).await;
    assert_eq!((again.attempt, again.due), (1, at(5)));
    assert_ne!(again.lease.token, leased.lease.token);
}

pub(crate) async fn a_buried_job_is_kept_and_not_offered(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_with_key(0, "sync")]).await;
    let leased = claim_one(&store, 0).await;
    let bury = Write::Bury { lease: leased.lease.clone(), reason: "it never will".to_owned() };
    commit(&store, vec![bury]).await.unwrap();
    assert_eq!(claim(&store, 1_000).await, []);
    let dead = &shown(&store).await[0];
    assert_eq!((dead.status, dead.reason.as_deref()), (JobStatus::Dead, Some("it never will")));
    enqueue(&store, vec![job_with_key(0, "sync")]).await;
    assert_ne!(claim_one(&store, 0).await.lease.job, leased.lease.job);
}

pub(crate) async fn a_waiting_or_dead_job_is_cancelled(store: Arc<dyn Store>) {
    let waiting = job_with_key(100, "sync");
    enqueue(&store, vec![job(0), waiting.clone()]).await;
    let leased = claim_one(&store, 0).await;
    commit(&store, vec![Write::Bury { lease: leased.lease.clone(), reason: String::new() }]).await.unwrap();
    commit(&store, vec![Write::Cancel(waiting.id.clone()), Write::Cancel(leased.lease.job)]).await.unwrap();
    commit(&store, vec![Write::Cancel(waiting.id)]).await.unwrap();
    assert_eq!((shown(&store).await, claim(&store, 1_000).await), (vec![], vec![]));
    enqueue(&store, vec![job_with_key(100, "sync")]).await;
    assert_eq!(shown(&store).await.len(), 1);
}

pub(crate) async fn a_leased_job_is_not_cancelled(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let leased = claim_one(&store, 0).await;
    commit(&store, vec![Write::Cancel(leased.lease.job.clone())]).await.unwrap();
    commit(&store, vec![Write::Complete(leased.lease)]).await.unwrap();
}

pub(crate) async fn kinds_that_are_not_asked_for_are_not_offered(store: Arc<dyn Store>) {
    let tick = NewJob { kind: "tick".to_owned(), ..job(0) };
    enqueue(&store, vec![tick.clone(), job(5)]).await;
    assert_eq!(claim_one(&store, 10).await.kind, "sync");
    let both = Claim { kinds: vec!["sync".to_owned(), "tick".to_owned()], ..claim_at(10) };
    assert_eq!(store.claim_jobs(&both).await.unwrap()[0].lease.job, tick.id);
    assert_eq!(store.claim_jobs(&Claim { kinds: vec![], ..claim_at(1_000) }).await.unwrap(), []);
}

pub(crate) async fn a_tenant_has_no_more_jobs_than_allowed(store: Arc<dyn Store>) {
    enqueue(&store, (0..5).map(job).collect()).await;
    let limited = |now| Claim { per_tenant: 2, ..claim_at(now) };
    let first = store.claim_jobs(&limited(10)).await.unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(store.claim_jobs(&limited(10)).await.unwrap(), []);
    commit(&store, vec![Write::Complete(first[0].lease.clone())]).await.unwrap();
    assert_eq!(store.claim_jobs(&limited(10)).await.unwrap().len(), 1);
    // Both leases end: their jobs come back, and no third is begun beside them.
    let again = store.claim_jobs(&limited(100)).await.unwrap();
    assert_eq!(again.iter().map(|job| job.attempt).collect::<Vec<_>>(), [2, 2]);
}

pub(crate) async fn one_tenants_backlog_does_not_hold_up_another(store: Arc<dyn Store>) {
    enqueue(&store, (0..300).map(|n| job_in_lane(n, if n % 2 == 0 { "a" } else { "b" })).collect()).await;
    let theirs = Batch { tenant: other_tenant(), ..batch(vec![Write::Enqueue(job(500))]) };
    store.commit(theirs).await.unwrap();
    let limited = Claim { per_tenant: 1, limit: 2, ..claim_at(1_000) };
    let leased = store.claim_jobs(&limited).await.unwrap();
    assert_eq!(leased.iter().map(|job| job.tenant.clone()).collect::<Vec<_>>(), [tenant(), other_tenant()]);
}

pub(crate) async fn a_job_is_added_only_with_its_batch(store: Arc<dyn Store>) {
    let writes = vec![Write::Enqueue(job(0)), put(1, Expect::At(mortise_store::Version(9)), &json!({}))];
    assert!(matches!(commit(&store, writes).await, Err(StoreError::Conflict(_))));
    assert_eq!(claim(&store, 0).await, []);
    commit(&store, vec![Write::Enqueue(job(0)), put(1, Expect::Absent, &json!({}))]).await.unwrap();
    claim_one(&store, 0).await;
    assert!(read(&store, 1).await.is_some());
}

pub(crate) async fn jobs_are_shown_by_status_and_lane_the_earliest_due_first(store: Arc<dyn Store>) {
    enqueue(&store, vec![job_in_lane(30, "a"), job_in_lane(10, "a"), job_in_lane(20, "b"), job(40)]).await;
    store.claim_jobs(&Claim { limit: 1, ..claim_at(100) }).await.unwrap();
    let shown = async |status, lane: Option<&str>, limit| {
        let filter = JobFilter { status, lane: lane.map(str::to_owned) };
        let jobs = store.jobs(&tenant(), &filter, limit).await.unwrap();
        jobs.into_iter().map(|job| job.due).collect::<Vec<_>>()
    };
    assert_eq!(shown(None, None, 3).await, [at(10), at(20), at(30)]);
    assert_eq!(shown(None, Some("a"), 9).await, [at(10), at(30)]);
    assert_eq!(shown(Some(JobStatus::Waiting), Some("a"), 9).await, [at(30)]);
    assert_eq!(shown(Some(JobStatus::Leased), None, 9).await, [at(10)]);
    assert_eq!(shown(Some(JobStatus::Dead), None, 9).await, []);
    assert_eq!(store.jobs(&other_tenant(), &JobFilter::default(), 9).await.unwrap(), []);
}

pub(crate) async fn a_job_that_comes_back_gives_way_to_one_that_waits_under_its_key(store: Arc<dyn Store>) {
    for back in [|lease: &Lease| retry(lease, 60), |lease: &Lease| Write::Release(lease.clone())] {
        enqueue(&store, vec![job_with_key(0, "sync")]).await;
        let leased = claim_one(&store, 0).await;
        let next = job_with_key(90, "sync");
        enqueue(&store, vec![next.clone()]).await;
        commit(&store, vec![back(&leased.lease)]).await.unwrap();
        let shown = shown(&store).await;
        assert_eq!(shown.iter().map(|job| &job.id).collect::<Vec<_>>(), [&next.id]);
        assert!(shown[0].due < at(90));
        commit(&store, vec![Write::Cancel(next.id)]).await.unwrap();
    }
}
