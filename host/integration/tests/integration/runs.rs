//! Runs and their logs.

use std::time::Duration;

use mortise_integration::RunFilter;
use mortise_model::clock::Timestamp;
use mortise_model::id::{Digest, InstanceId, JobId, RunId};
use mortise_model::run::{Run, RunStatus, Trigger};
use mortise_store::collections::RUN_LOGS;
use mortise_store::{Batch, Expect, Origin, Write};
use serde_json::json;

use crate::expect::{conflict, invalid_at, not_found};
use crate::house::House;

fn run(instance: &InstanceId, status: RunStatus, started_at: Timestamp) -> Run {
    Run {
        id: RunId::new(),
        instance: instance.clone(),
        release: Digest::of(b"release"),
        job: JobId::new(),
        attempt: 1,
        trigger: Trigger::Manual,
        status,
        actions: Vec::new(),
        error: None,
        started_at,
        ended_at: status.is_final().then_some(started_at),
        next_attempt_at: None,
    }
}

/// Writes a chunk of a log whose lines say their number.
async fn chunk(house: &House, run: &RunId, number: u32, first_line: u64, count: u64) {
    let lines: Vec<_> = (first_line..first_line + count)
        .map(|line| json!({ "at": "2026-03-01T09:30:00Z", "level": "info", "source": "plugin", "message": line.to_string() }))
        .collect();
    let body = json!({ "run": run, "number": number, "firstLine": first_line, "lines": lines });
    let mut batch = Batch::new(house.tenant.clone(), Origin::Host, house.now());
    batch.push(Write::Put {
        collection: &RUN_LOGS,
        id: format!("{run}/{number:08}").into(),
        expect: Expect::Absent,
        body: body.to_string(),
    });
    house.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn runs_are_listed_the_latest_first() {
    let house = House::new();
    let (one, two) = (InstanceId::new(), InstanceId::new());
    let mut runs = Vec::new();
    for (seconds, instance, status) in [
        (1, &one, RunStatus::Succeeded),
        (2, &two, RunStatus::Failed),
        (3, &one, RunStatus::Failed),
        (4, &one, RunStatus::Running),
    ] {
        let run = run(instance, status, house.now().plus(Duration::from_secs(seconds)));
        house.put(&house.tenant, &run).await;
        runs.push(run);
    }
    let of =
        |instance: Option<&InstanceId>, status| RunFilter { instance: instance.cloned(), status, job: None };
    for (filter, offset, limit, expected) in [
        (of(None, None), 0, 10, vec![3, 2, 1, 0]),
        (of(None, None), 1, 2, vec![2, 1]),
        (of(None, None), 4, 2, vec![]),
        (of(Some(&one), None), 0, 10, vec![3, 2, 0]),
        (of(None, Some(RunStatus::Failed)), 0, 10, vec![2, 1]),
        (of(Some(&two), Some(RunStatus::Running)), 0, 10, vec![]),
        (RunFilter { job: Some(runs[1].job.clone()), ..RunFilter::default() }, 0, 10, vec![1]),
    ] {
        let found = house.integration.runs().list(&house.tenant, &filter, offset, limit).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|place: usize| runs[place].clone()).collect();
        assert_eq!(found, expected, "{filter:?} {offset} {limit}");
    }
    let list = |offset, limit| {
        let house = &house;
        async move { house.integration.runs().list(&house.tenant, &RunFilter::default(), offset, limit).await }
    };
    invalid_at(list(0, 0).await, "/limit", "out-of-range");
    invalid_at(list(0, 501).await, "/limit", "out-of-range");
    invalid_at(list(10_001, 1).await, "/offset", "out-of-range");
}

#[tokio::test]
async fn a_log_is_read_from_any_line_on() {
    let house = House::new();
    let run = run(&InstanceId::new(), RunStatus::Succeeded, house.now());
    house.put(&house.tenant, &run).await;
    chunk(&house, &run.id, 1, 0, 3).await;
    chunk(&house, &run.id, 2, 3, 1).await;
    chunk(&house, &run.id, 3, 4, 4).await;
    for (from, limit, lines, next, complete) in [
        (0, 100, vec![0, 1, 2, 3, 4, 5, 6, 7], 8, true),
        (0, 2, vec![0, 1], 2, false),
        (2, 3, vec![2, 3, 4], 5, false),
        (3, 5, vec![3, 4, 5, 6, 7], 8, true),
        (7, 1, vec![7], 8, true),
        (8, 10, vec![], 8, true),
    ] {
        let page = house.integration.runs().log(&house.tenant, &run.id, from, limit).await.unwrap();
        let messages: Vec<_> = page.lines.iter().map(|line| line.message.clone()).collect();
        let expected: Vec<_> = lines.iter().map(u32::to_string).collect();
        assert_eq!((messages, page.next, page.complete), (expected, next, complete), "{from} {limit}");
    }
    invalid_at(
        house.integration.runs().log(&house.tenant, &run.id, 0, 1_001).await,
        "/limit",
        "out-of-range",
    );
    not_found(house.integration.runs().log(&house.tenant, &RunId::new(), 0, 1).await, "run");
}

#[tokio::test]
async fn a_log_of_many_small_chunks_is_read_to_its_end() {
    let house = House::new();
    let run = run(&InstanceId::new(), RunStatus::Running, house.now());
    house.put(&house.tenant, &run).await;
    for number in 0..120_u32 {
        chunk(&house, &run.id, number + 1, number.into(), 1).await;
    }
    let mut from = 0;
    let mut read = Vec::new();
    loop {
        let page = house.integration.runs().log(&house.tenant, &run.id, from, 1_000).await.unwrap();
        assert!(!page.complete, "the run is not over");
        if page.lines.is_empty() {
            break;
        }
        read.extend(page.lines.into_iter().map(|line| line.message));
        from = page.next;
    }
    assert_eq!(read, (0..120).map(|line: u32| line.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_in_progress_is_cancelled_once() {
    let house = House::new();
    let running = run(&InstanceId::new(), RunStatus::Running, house.now());
    house.put(&house.tenant, &running).await;
    house.clock.advance(Duration::from_secs(5));
    let runs = house.integration.runs();
    let cancelled = runs.cancel(&house.tenant, &running.id).await.unwrap();
    assert_eq!((cancelled.status, cancelled.ended_at), (RunStatus::Cancelled, Some(house.now())));
    assert_eq!(runs.get(&house.tenant, &running.id).await.unwrap(), cancelled);
    assert!(conflict(runs.cancel(&house.tenant, &running.id).await).contains("is over"));
    not_found(runs.cancel(&house.tenant, &RunId::new()).await, "run");
}

#[tokio::test]
async fn an_instance_with_a_run_in_progress_is_not_removed() {
    let house = House::new();
    let id = house.instance().await.id;
    let running = run(&id, RunStatus::Running, house.now());
    house.put(&house.tenant, &running).await;
    let message = conflict(house.integration.instances().remove(&house.tenant, &id).await);
    assert!(message.contains(running.id.as_str()), "{message}");
    house.integration.runs().cancel(&house.tenant, &running.id).await.unwrap();
    house.integration.instances().remove(&house.tenant, &id).await.unwrap();
    assert_eq!(house.integration.runs().get(&house.tenant, &running.id).await.unwrap().instance, id);
}
