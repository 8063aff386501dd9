//! Leasing jobs, keeping the leases, and what becomes of jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mortise_model::clock::Clock as _;
use mortise_scheduler::{JobEnd, SchedulerConfig};
use mortise_store::{JobStatus, NewJob, Write};
use tokio::sync::Semaphore;

use crate::house::{House, LONG, config, count, in_turn, stop, told};
use crate::watched::Watched;

fn retry(after: Option<u64>) -> JobEnd {
    JobEnd::Retry { after: after.map(Duration::from_secs), reason: "not yet".to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_done_is_gone_and_one_that_failed_is_kept() {
    let house = House::new();
    let ends = in_turn(vec![JobEnd::Completed, JobEnd::Failed { reason: "never".to_owned() }]);
    let (handler, mut begun) = told(move |_, _| std::future::ready(ends()));
    let scheduler = house.start(config(), vec![handler]);
    house.enqueue(vec![house.job()]).await;
    begun.next().await;
    house.until(<[_]>::is_empty).await;
    house.enqueue(vec![house.job()]).await;
    let jobs = house.until(|jobs| count(jobs, JobStatus::Dead) == 1).await;
    assert_eq!(jobs[0].reason.as_deref(), Some("never"));
    stop(scheduler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_tried_again_with_longer_waits_and_then_buried() {
    let house = House::new();
    let (handler, mut begun) = told(|_, _| std::future::ready(retry(None)));
    let scheduler = house.start(config(), vec![handler]);
    house.enqueue(vec![house.job()]).await;
    for (attempt, ceiling) in [(1, 10), (2, 20)] {
        assert_eq!(begun.next().await.attempt, attempt);
        let jobs = house.until(|jobs| count(jobs, JobStatus::Waiting) == 1).await;
        let wait = jobs[0].due.since(house.clock.now());
        assert!(wait >= Duration::from_secs(ceiling) / 2 && wait <= Duration::from_secs(ceiling), "{wait:?}");
        assert_eq!(jobs[0].reason.as_deref(), Some("not yet"));
        house.clock.advance(wait);
    }
    assert_eq!(begun.next().await.attempt, 3);
    house.until(|jobs| count(jobs, JobStatus::Dead) == 1).await;
    stop(scheduler).await;
    assert!(begun.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_the_handler_asks_for_is_kept_but_ends_with_the_attempts() {
    let house = House::new();
    let (handler, mut begun) = told(|_, _| std::future::ready(retry(Some(1_000))));
    let scheduler = house.start(config(), vec![handler]);
    house.enqueue(vec![house.job()]).await;
    for attempt in 1..=2 {
        assert_eq!(begun.next().await.attempt, attempt);
        let jobs = house.until(|jobs| count(jobs, JobStatus::Waiting) == 1).await;
        assert_eq!(jobs[0].due.since(house.clock.now()), Duration::from_secs(1_000));
        house.clock.advance(Duration::from_secs(1_000));
    }
    house.until(|jobs| count(jobs, JobStatus::Dead) == 1).await;
    stop(scheduler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_costs_an_attempt_and_nothing_else() {
    let house = House::new();
    let first = AtomicUsize::new(0);
    let (handler, mut begun) = told(move |_, _| {
        let is_first = first.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!is_first, "the first attempt panics, as the test wants");
            JobEnd::Completed
        }
    });
    let scheduler = house.start(config(), vec![handler]);
    house.enqueue(vec![house.job()]).await;
    begun.next().await;
    let jobs = house.until(|jobs| count(jobs, JobStatus::Waiting) == 1).await;
    assert!(jobs[0].reason.as_deref().unwrap().contains("panicked"));
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(begun.next().await.attempt, 2);
    house.until(<[_]>::is_empty).await;
    stop(scheduler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_host_ended_too_often_is_buried_unbegun() {
    let house = House::new();
    house.enqueue(vec![house.job()]).await;
    for _ in 0..3 {
        assert_eq!(house.claim("sync").await.len(), 1);
        house.clock.advance(Duration::from_secs(31));
    }
    let (handler, begun) = told(|_, _| std::future::ready(JobEnd::Completed));
    let scheduler = house.start(config(), vec![handler]);
    let jobs = house.until(|jobs| count(jobs, JobStatus::Dead) == 1).await;
    assert!(jobs[0].reason.as_deref().unwrap().contains("begun 3 times"));
    stop(scheduler).await;
    assert!(begun.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_kept_for_as_long_as_the_work_goes_on() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut begun) = told({
        let gate = Arc::clone(&gate);
        move |_, _| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                JobEnd::Completed
            }
        }
    });
    let watched = Arc::new(Watched::new(Arc::clone(&house.store)));
    let short = SchedulerConfig { lease: Duration::from_millis(150), ..config() };
    let scheduler = house.start_on(watched.clone(), short, vec![handler]);
    house.enqueue(vec![house.job()]).await;
    begun.next().await;
    for _ in 0..4 {
        house.clock.advance(Duration::from_millis(140));
        watched.renewal().await;
    }
    assert!(house.claim("sync").await.is_empty());
    assert!(begun.is_empty());
    gate.add_permits(1);
    house.until(<[_]>::is_empty).await;
    stop(scheduler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lease_stops_the_work_and_leaves_the_job_to_who_has_it() {
    let house = House::new();
    let (sender, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let (handler, mut begun) = told(move |_, context| {
        let sender = sender.clone();
        async move {
            context.stop().cancelled().await;
            let _ = sender.send(context.is_lease_lost());
            JobEnd::Completed
        }
    });
    let short = SchedulerConfig { lease: Duration::from_millis(300), ..config() };
    let scheduler = house.start(short, vec![handler]);
    house.enqueue(vec![house.job()]).await;
    let job = begun.next().await;
    // The scheduler's own renewals move the end of the lease, so the claim takes what it can get.
    let taken = async {
        loop {
            house.clock.advance(Duration::from_mins(1));
            let claimed = house.claim("sync").await;
            if let Some(theirs) = claimed.into_iter().next() {
                return theirs;
            }
        }
    };
    let theirs = tokio::time::timeout(LONG, taken).await.unwrap();
    assert!(theirs.lease.token > job.lease.token);
    assert_eq!(tokio::time::timeout(LONG, stopped.recv()).await.unwrap(), Some(true));
    stop(scheduler).await;
    // Its `Completed` was void: the job is still there for who has it.
    house.commit(vec![Write::Complete(theirs.lease)]).await;
}

/// A handler that is busy until it may end, and how many of its jobs go on at the same time at most.
fn busy(house: &House) -> (Arc<dyn mortise_scheduler::JobHandler>, crate::house::Begun, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let store = Arc::clone(&house.store);
    let (handler, begun) = told({
        let gate = Arc::clone(&gate);
        move |_, _| {
            let (gate, store) = (Arc::clone(&gate), Arc::clone(&store));
            async move {
                gate.acquire().await.unwrap().forget();
                store.check().await.unwrap();
                JobEnd::Completed
            }
        }
    });
    (handler, begun, gate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_jobs_go_on_than_there_are_slots_and_each_tenant_may_have() {
    for (concurrency, per_tenant) in [(2, 10), (10, 2)] {
        let house = House::new();
        let (handler, mut begun, gate) = busy(&house);
        let scheduler = house.start(SchedulerConfig { concurrency, per_tenant, ..config() }, vec![handler]);
        house.enqueue((0..6).map(|_| house.job()).collect()).await;
        for done in 0..6 {
            if done < 2 {
                begun.next().await;
                continue;
            }
            let jobs = house.until(|jobs| count(jobs, JobStatus::Leased) == 2).await;
            assert_eq!(jobs.len(), 8 - done);
            assert!(begun.is_empty());
            gate.add_permits(1);
            begun.next().await;
        }
        gate.add_permits(2);
        house.until(<[_]>::is_empty).await;
        stop(scheduler).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_has_one_job_at_a_time_in_order() {
    let house = House::new();
    let (handler, mut begun, gate) = busy(&house);
    let scheduler = house.start(config(), vec![handler]);
    let jobs: Vec<NewJob> = (0..3)
        .map(|place| NewJob {
            lane: Some("lane".to_owned()),
            due: house.clock.now().minus(Duration::from_secs(10 - place)),
            ..house.job()
        })
        .collect();
    house.enqueue(jobs.clone()).await;
    for job in &jobs {
        assert_eq!(begun.next().await.lease.job, job.id);
        assert!(begun.is_empty());
        let leased = house.until(|jobs| count(jobs, JobStatus::Leased) == 1).await;
        assert_eq!(leased.iter().filter(|other| other.status == JobStatus::Leased).count(), 1);
        gate.add_permits(1);
    }
    house.until(<[_]>::is_empty).await;
    stop(scheduler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_jobs_that_end_and_takes_back_those_that_stop() {
    let house = House::new();
    let (handler, mut begun) = told(|job, context| async move {
        context.stop().cancelled().await;
        if job.payload == serde_json::json!("finish") { JobEnd::Completed } else { JobEnd::Released }
    });
    let scheduler = house.start(config(), vec![handler]);
    let finishing = NewJob { payload: serde_json::json!("finish"), ..house.job() };
    let released = house.job();
    house.enqueue(vec![finishing, released.clone()]).await;
    begun.next().await;
    begun.next().await;
    stop(scheduler).await;
    let jobs = house.jobs("sync").await;
    assert_eq!(
        jobs.iter().map(|job| (&job.id, job.status, job.attempt)).collect::<Vec<_>>(),
        [(&released.id, JobStatus::Waiting, 0)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_stop_in_time_is_stopped_and_given_back() {
    let house = House::new();
    let (handler, mut begun) = told(|_, _| std::future::pending());
    let hasty = SchedulerConfig { drain: Duration::from_millis(20), ..config() };
    let scheduler = house.start(hasty, vec![handler]);
    house.enqueue(vec![house.job()]).await;
    begun.next().await;
    stop(scheduler).await;
    assert_eq!(count(&house.jobs("sync").await, JobStatus::Waiting), 1);
}
