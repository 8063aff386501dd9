//! Schedules, their ticks and the runs they cause.

use std::sync::Arc;
use std::time::Duration;

use mortise_model::clock::Clock as _;
use mortise_model::run::Trigger;
use mortise_model::schedule::{MissedPolicy, OverlapPolicy};
use mortise_scheduler::{JobEnd, SYNC_JOB, SyncPayload, TickHandler, schedules, sync_job};
use mortise_store::{Batch, JobStatus, Origin, Write};

use crate::house::{House, config, count, stop, time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_puts_the_run_and_the_next_tick_into_the_queue_at_once() {
    let house = House::new();
    let schedule = house.schedule("0 * * * *", MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    assert_eq!(schedule.next_at, Some(time("01:00:00")));
    assert_eq!(house.claim("tick").await, []);
    house.set_time("01:00:00");
    assert_eq!(house.tick().await, JobEnd::Settled);

    let runs = house.claim(SYNC_JOB).await;
    assert_eq!(runs.len(), 1);
    let payload: SyncPayload = serde_json::from_value(runs[0].payload.clone()).unwrap();
    let trigger = Trigger::Schedule { schedule: schedule.id.clone(), occurrence: time("01:00:00") };
    assert_eq!(payload, SyncPayload { instance: house.instance.clone(), trigger });
    let ticks = house.jobs("tick").await;
    assert_eq!(ticks.iter().map(|tick| tick.due).collect::<Vec<_>>(), [time("02:00:00")]);
    assert_eq!(house.read(&schedule).await.next_at, Some(time("02:00:00")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn occurrences_that_were_missed_run_once_or_not_at_all() {
    for (missed, n_runs) in [(MissedPolicy::RunOnce, 1), (MissedPolicy::Skip, 0)] {
        let house = House::new();
        let schedule = house.schedule("0 * * * *", missed, OverlapPolicy::Queue).await;
        house.set_time("05:30:00");
        assert_eq!(house.tick().await, JobEnd::Settled);
        assert_eq!(house.jobs(SYNC_JOB).await.len(), n_runs, "{missed:?}");
        assert_eq!(house.read(&schedule).await.next_at, Some(time("06:00:00")));
        house.set_time("06:00:30");
        assert_eq!(house.tick().await, JobEnd::Settled);
        assert_eq!(house.jobs(SYNC_JOB).await.len(), 1, "{missed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_still_going_is_what_the_overlap_policy_decides_about() {
    // Runs waiting beside the one that is worked on, after two more occurrences.
    for (overlap, n_waiting) in
        [(OverlapPolicy::Skip, 0), (OverlapPolicy::Queue, 1), (OverlapPolicy::Allow, 2)]
    {
        let house = House::new();
        house.schedule("0 * * * *", MissedPolicy::RunOnce, overlap).await;
        house.enqueue(vec![sync_job(&house.instance, Trigger::Manual, house.clock.now())]).await;
        let going = house.claim(SYNC_JOB).await;
        assert_eq!(going.len(), 1);
        for hour in ["01:00:00", "02:00:00"] {
            house.set_time(hour);
            assert_eq!(house.tick().await, JobEnd::Settled);
        }
        let jobs = house.jobs(SYNC_JOB).await;
        assert_eq!(count(&jobs, JobStatus::Waiting), n_waiting, "{overlap:?}");
        // Only what may run beside it is offered.
        let is_beside = overlap == OverlapPolicy::Allow;
        house.commit(vec![Write::Fence(going[0].lease.clone())]).await;
        let now = house.clock.now();
        let until = house.store.renew_lease(&house.tenant, &going[0].lease, now, Duration::from_mins(1));
        until.await.unwrap();
        assert_eq!(house.claim(SYNC_JOB).await.len(), if is_beside { 2 } else { 0 }, "{overlap:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_waits_for_its_time_is_no_overlap_but_runs_at_the_occurrence() {
    let house = House::new();
    house.schedule("0 * * * *", MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    house.enqueue(vec![sync_job(&house.instance, Trigger::Manual, house.clock.now())]).await;
    let lease = house.claim(SYNC_JOB).await[0].lease.clone();
    let (due, reason) = (time("04:00:00"), String::new());
    house.commit(vec![Write::Retry { lease, due, reason }]).await;
    house.set_time("01:00:00");
    house.tick().await;
    let jobs = house.jobs(SYNC_JOB).await;
    assert_eq!(jobs.iter().map(|job| job.due).collect::<Vec<_>>(), [time("01:00:00")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tick_of_a_schedule_that_was_changed_ends_without_a_run() {
    let house = House::new();
    let mut schedule = house.schedule("0 * * * *", MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    schedule.cron = "30 * * * *".to_owned();
    house.put(&mut schedule).await;
    assert_eq!(house.jobs("tick").await.len(), 2);
    house.set_time("00:30:00");
    assert_eq!(house.tick().await, JobEnd::Settled);
    assert_eq!(house.jobs(SYNC_JOB).await.len(), 1);
    house.set_time("01:00:00");
    assert_eq!(house.tick().await, JobEnd::Completed);
    assert_eq!(house.jobs(SYNC_JOB).await.len(), 1);
    let ticks = house.jobs("tick").await;
    assert_eq!(ticks.iter().map(|tick| tick.due).collect::<Vec<_>>(), [time("01:30:00")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_is_off_or_removed_does_not_run() {
    let house = House::new();
    let mut off = house.schedule("0 * * * *", MissedPolicy::RunOnce, OverlapPolicy::Allow).await;
    off.enabled = false;
    house.put(&mut off).await;
    assert_eq!(off.next_at, None);
    let removed = house.schedule("1 * * * *", MissedPolicy::RunOnce, OverlapPolicy::Allow).await;
    let mut batch = Batch::new(house.tenant.clone(), Origin::Host, house.clock.now());
    schedules::remove(&mut batch, &removed.id);
    house.store.commit(batch).await.unwrap();
    for minute in ["00:01:00", "01:00:00"] {
        house.set_time(minute);
        assert_eq!(house.tick().await, JobEnd::Completed);
    }
    assert_eq!((house.jobs(SYNC_JOB).await, house.jobs("tick").await), (vec![], vec![]));
    // On again at the same occurrence, while an old tick may still wait.
    off.enabled = true;
    house.put(&mut off).await;
    assert_eq!(house.jobs("tick").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_goes_on_by_itself() {
    let house = House::new();
    house.schedule("* * * * *", MissedPolicy::RunOnce, OverlapPolicy::Queue).await;
    let ticks = Arc::new(TickHandler::new(Arc::clone(&house.store), house.clock()));
    let scheduler = house.start(config(), vec![ticks]);
    for minute in 1..=3 {
        house.set_time(&format!("00:0{minute}:00"));
        let next = time(&format!("00:0{}:00", minute + 1));
        house.until(|jobs| jobs.iter().any(|job| job.kind == "tick" && job.due == next)).await;
        let runs = house.claim(SYNC_JOB).await;
        assert_eq!(runs.len(), 1);
        house.commit(vec![Write::Complete(runs[0].lease.clone())]).await;
    }
    stop(scheduler).await;
}
