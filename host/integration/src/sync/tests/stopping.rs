//! Runs that end before they are done.

use std::sync::Arc;
use std::time::Duration;

use mortise_model::clock::Clock as _;
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, JobId, RunId};
use mortise_model::instance::InstanceState;
use mortise_model::log::{LogLevel, LogLine, LogSource};
use mortise_model::run::{Run, RunStatus, Trigger};
use mortise_runtime::{CallError, Limit};
use mortise_scheduler::{JobContext, JobEnd};
use mortise_store::{Expect, JobStatus, Origin, StoreExt as _};
use tokio_util::sync::CancellationToken;

use super::house::{House, PULL, commit, ended, failed_code, page};

fn detached() -> (CancellationToken, JobContext) {
    let stop = CancellationToken::new();
    (stop.clone(), JobContext::detached(stop))
}

#[tokio::test]
async fn wrong_credentials_pause_the_instance_and_say_what_to_do() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, _| async {
        Err(PluginError::Unauthorized { message: "401 for hush-hush".to_owned() }.into())
    });
    let run = house.run().await;
    assert_eq!((run.status, run.next_attempt_at), (RunStatus::Failed, None));
    let InstanceState::Paused { reason } = house.instance().await.state else { panic!("it is not paused") };
    assert!(reason.contains("401 for ***") && reason.contains("resume the instance"), "{reason}");
    assert!(house.jobs().await.is_empty());

    house.enqueue(Trigger::Manual).await;
    let job = house.claim().await.unwrap();
    assert_eq!(house.work(&job, &detached().1).await, JobEnd::Completed);
    assert_eq!(house.runs().await.len(), 1, "a paused instance does not run");
}

#[tokio::test]
async fn an_instance_that_is_not_configured_fails_at_once_and_is_not_tried_again() {
    let house = House::with(&[PULL]).await;
    house.far.misconfigured(PluginError::failed("configuration", "the secret `token` has no value: set it"));
    let run = house.run().await;
    assert_eq!(
        (run.status, failed_code(&run), run.next_attempt_at),
        (RunStatus::Failed, "configuration", None)
    );
    assert_eq!(house.log(&run).await, ["the secret `token` has no value: set it (configuration)"]);
    assert!(house.jobs().await.is_empty());
    assert!(house.far.pulls().is_empty());
}

#[tokio::test]
async fn a_page_on_its_way_to_the_disk_when_the_time_is_up_is_not_taken_for_a_cancellation() {
    let house = Arc::new(House::with(&[PULL]).await);
    let inside = Arc::clone(&house);
    house.far.pull(move |_, _, sink| {
        let inside = Arc::clone(&inside);
        async move {
            let written = async {
                while inside.accounts().await.is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                () = written => {}
                _ = commit(&sink, page(&["A-1"], "1", Some(2))) => {}
            }
            Err(CallError::Limit { limit: Limit::Wall(Duration::from_secs(1)) })
        }
    });
    let run = house.run().await;
    assert_eq!((run.status, failed_code(&run)), (RunStatus::Failed, "limit"));
    assert_eq!(run.actions[0].counts.created, 1);
    assert_eq!(house.accounts().await.len(), 1);
}

#[tokio::test]
async fn a_person_stops_a_run_on_this_host_and_what_landed_is_kept() {
    let house = Arc::new(House::with(&[PULL]).await);
    let inside = Arc::clone(&house);
    house.far.pull(move |call, _, sink| {
        let inside = Arc::clone(&inside);
        async move {
            commit(&sink, page(&["A"], "1", Some(2))).await?;
            assert!(inside.live.cancel(&inside.last_run().await.id));
            call.cancelled.cancelled().await;
            Err(CallError::Stopped)
        }
    });
    let run = house.run().await;
    assert_eq!((run.status, run.error, run.next_attempt_at), (RunStatus::Cancelled, None, None));
    assert_eq!(house.accounts().await.len(), 1);
    assert!(house.jobs().await.is_empty());
    assert!(!house.live.cancel(&run.id), "it is over");
}

#[tokio::test]
async fn a_person_stops_a_run_on_another_host_and_no_page_is_taken_any_more() {
    let house = Arc::new(House::with(&[PULL]).await);
    let inside = Arc::clone(&house);
    house.far.pull(move |_, _, sink| {
        let inside = Arc::clone(&inside);
        async move {
            commit(&sink, page(&["A"], "1", Some(2))).await?;
            let mut run = inside.last_run().await;
            run.status = RunStatus::Cancelled;
            let mut batch = inside.batch(Origin::Api);
            batch.put(&run, Expect::Any).unwrap();
            inside.store.commit(batch).await.unwrap();
            assert!(commit(&sink, page(&["B"], "2", Some(2))).await.is_err());
            ended("then")
        }
    });
    let run = house.run().await;
    assert_eq!((run.status, run.actions[0].counts.records), (RunStatus::Cancelled, 1));
    assert!(run.ended_at.is_some());
    assert_eq!(house.accounts().await.len(), 1);
    assert!(house.jobs().await.is_empty());
}

#[tokio::test]
async fn a_host_that_shuts_down_gives_the_job_to_another_that_goes_on() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|call, request, sink| async move {
        if request.cursor.is_none() {
            commit(&sink, page(&["A"], "1", Some(2))).await?;
            call.cancelled.cancelled().await;
            return Err(PluginError::retryable("the run is cancelled").into());
        }
        commit(&sink, page(&["B"], "2", Some(2))).await?;
        ended("then")
    });
    house.enqueue(Trigger::Manual).await;
    let job = house.claim().await.unwrap();
    let (stop, context) = detached();
    let (end, ()) = tokio::join!(house.work(&job, &context), async {
        while house.accounts().await.is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    });
    assert_eq!(end, JobEnd::Settled);
    let first = house.last_run().await;
    assert_eq!(first.status, RunStatus::Failed);
    assert!(first.error.unwrap().to_string().contains("shutting down"));
    let second = house.work_due().await;
    assert_eq!((second.status, second.attempt), (RunStatus::Succeeded, 1), "the attempt does not count");
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let house = Arc::new(House::with(&[PULL]).await);
    let inside = Arc::clone(&house);
    house.far.pull(move |_, request, sink| {
        let inside = Arc::clone(&inside);
        async move {
            if request.cursor.is_none() && inside.far.pulls().len() == 1 {
                commit(&sink, page(&["A"], "1", Some(2))).await?;
                // Another worker takes the job over, closes the run that was left, and finishes.
                inside.clock.advance(Duration::from_secs(31));
                let job = inside.claim().await.unwrap();
                let end = Box::pin(inside.work(&job, &detached().1)).await;
                assert_eq!(end, JobEnd::Settled);
                assert!(commit(&sink, page(&["late"], "2", Some(2))).await.is_err());
                return ended("late");
            }
            commit(&sink, page(&["B"], "2", Some(2))).await?;
            ended("then")
        }
    });
    house.enqueue(Trigger::Manual).await;
    let job = house.claim().await.unwrap();
    assert_eq!(house.work(&job, &detached().1).await, JobEnd::Settled);
    let mut runs = house.runs().await;
    runs.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(
        runs.iter().map(|run| run.status).collect::<Vec<_>>(),
        [RunStatus::Failed, RunStatus::Succeeded]
    );
    assert!(runs[0].error.as_ref().unwrap().to_string().contains("the host stopped before the run ended"));
    assert_eq!(house.state(PULL).await.bookmark.as_deref(), Some("then"));
    assert_eq!(house.accounts().await.keys().collect::<Vec<_>>(), ["A", "B"]);
}

#[tokio::test]
async fn code_of_the_host_that_panics_ends_the_run_and_the_job_is_tried_again() {
    let house = House::with(&[PULL]).await;
    house.far.pull(|_, _, _| async { panic!("a bug") });
    let run = house.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error.unwrap().to_string().contains("panicked"));
    let job = &house.jobs().await[0];
    assert_eq!((job.status, Some(job.due)), (JobStatus::Waiting, run.next_attempt_at));
}

#[tokio::test]
async fn an_instance_that_is_gone_leaves_nothing_to_do() {
    let house = House::with(&[PULL]).await;
    house.enqueue(Trigger::Manual).await;
    let mut batch = house.batch(Origin::Api);
    batch.delete::<mortise_model::instance::Instance>(house.instance.as_str(), Expect::Any);
    house.store.commit(batch).await.unwrap();
    let job = house.claim().await.unwrap();
    assert_eq!(house.work(&job, &detached().1).await, JobEnd::Completed);
    assert!(house.runs().await.is_empty());
}

#[tokio::test]
async fn lines_of_the_plugin_are_kept_with_its_pages_and_without_secrets() {
    let house = Arc::new(House::with(&[PULL]).await);
    let inside = Arc::clone(&house);
    house.far.pull(move |call, _, sink| {
        let inside = Arc::clone(&inside);
        async move {
            call.log.write(LogLine {
                at: inside.clock.now(),
                level: LogLevel::Info,
                source: LogSource::Plugin,
                message: "the token is hush-hush".to_owned(),
                fields: std::collections::BTreeMap::new(),
            });
            commit(&sink, page(&["A"], "1", Some(1))).await?;
            let run: Run = inside.last_run().await;
            assert_eq!(inside.log(&run).await, ["the token is ***"]);
            let (stored, _) =
                inside.store.load::<Run>(&inside.tenant, run.id.as_str()).await.unwrap().unwrap();
            assert_eq!((stored.status, stored.actions[0].counts.records), (RunStatus::Running, 1));
            ended("then")
        }
    });
    let run = house.run().await;
    assert_eq!(house.log(&run).await, ["the token is ***", "pull-account: 1 records, the far side has 1"]);
}

#[tokio::test]
async fn a_job_whose_run_a_person_stopped_is_not_begun_again_when_its_host_is_gone() {
    let house = House::with(&[PULL]).await;
    house.enqueue(Trigger::Manual).await;
    let lost = house.claim().await.unwrap();
    let run = Run { job: lost.lease.job.clone(), ..cancelled_run(&house) };
    let mut batch = house.batch(Origin::Api);
    batch.put(&run, Expect::Absent).unwrap();
    house.store.commit(batch).await.unwrap();
    house.clock.advance(Duration::from_secs(31));
    let job = house.claim().await.unwrap();
    assert_eq!(house.work(&job, &detached().1).await, JobEnd::Completed);
    assert!(house.far.pulls().is_empty());
}

fn cancelled_run(house: &House) -> Run {
    Run {
        id: RunId::new(),
        instance: house.instance.clone(),
        release: Digest::of(b"release"),
        job: JobId::new(),
        attempt: 1,
        trigger: Trigger::Manual,
        status: RunStatus::Cancelled,
        actions: Vec::new(),
        error: None,
        started_at: house.clock.now(),
        ended_at: None,
        next_attempt_at: None,
    }
}
