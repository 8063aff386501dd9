//! `kill -9`: what was acknowledged is there, whole.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use mortise_query::{Filter, PageRequest, SortKey, ValueType};
use mortise_store::{Expect, Sequence, Store};
use serde_json::json;

use super::open_in;
use crate::fixture::{THINGS, commit, enqueue, find, job, numbers, put, query, tenant};

/// Tells this binary that it is the one to be killed, and where it writes.
const DIRECTORY: &str = "MORTISE_CRASH_TEST_DIRECTORY";
/// How often a writer is killed.
const KILLS: u64 = 10;
/// Documents of one batch.
const WIDTH: u64 = 20;
/// Tasks that write at the same time.
const WRITERS: u64 = 4;

/// The writer: batches of [`WIDTH`] documents without end, each told on standard output once it is acknowledged.
/// Does nothing unless the test below starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_will_be_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store: Arc<dyn Store> = Arc::new(open_in(Path::new(&directory)).unwrap());
    let round = store.reserve_numbers(&tenant(), "round", 1).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for turn in 0.. {
                let group = (round * WRITERS + writer) * 1_000_000 + turn;
                let body = json!({"name": format!("{group}"), "state": format!("{}", group % 7), "pad": "x".repeat(300)});
                let writes = (0..WIDTH).map(|place| put(group * WIDTH + place, Expect::Absent, &body)).collect();
                let sequence = commit(&store, writes).await.unwrap();
                enqueue(&store, vec![job(0)]).await;
                // The number reserved is as durable as the rest.
                let number = store.reserve_numbers(&tenant(), "number", 3).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {group} {} {number}", sequence.0).unwrap();
                out.flush().unwrap();
            }
        });
    }
    tasks.join_all().await;
}

/// Starts the writer, kills it after so many acknowledgements, and answers them: group, sequence, number.
fn write_and_kill(directory: &Path, acknowledgements: u64) -> Vec<[u64; 3]> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sled_store::crash::a_writer_that_will_be_killed",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines {
        // The last line may be torn by the kill: the batch counts as not acknowledged.
        let line = line.unwrap_or_default();
        let Some((_, told)) = line.split_once("acknowledged ") else { continue };
        let values: Vec<u64> = told.split(' ').filter_map(|value| value.parse().ok()).collect();
        if let [group, sequence, number] = values.as_slice() {
            acknowledged.push([*group, *sequence, *number]);
        }
        if acknowledged.len() as u64 == acknowledgements {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(acknowledged.len() as u64 >= acknowledgements, "the writer ended by itself: {status}");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    let mut highest_number = 0;
    for kill in 0..KILLS {
        let path = directory.path().to_owned();
        // A different moment each time, in the middle of whatever the four writers do.
        let told = tokio::task::spawn_blocking(move || write_and_kill(&path, 1 + kill * 7)).await.unwrap();
        for [group, sequence, number] in told {
            assert!(acknowledged.insert(group, sequence).is_none(), "the group {group} was written twice");
            highest_number = highest_number.max(number);
        }
        let store: Arc<dyn Store> = Arc::new(open_in(directory.path()).unwrap());
        let sets = whole_feed(&store).await;
        for (group, sequence) in &acknowledged {
            assert_eq!(sets.get(group), Some(sequence), "the group {group} is not in the feed");
        }
        // Whatever is there, acknowledged or not, is there whole: documents, index entries and feed.
        let all = find(&store, &query(None, vec![], PageRequest::first(u32::MAX))).await;
        let mut members: BTreeMap<u64, u64> = BTreeMap::new();
        for id in numbers(&all.documents) {
            *members.entry(id / WIDTH).or_default() += 1;
        }
        assert!(members.values().all(|count| *count == WIDTH), "a batch is torn");
        assert_eq!(members.keys().collect::<Vec<_>>(), sets.keys().collect::<Vec<_>>());
        let by_name = vec![SortKey::ascending("name", ValueType::Text)];
        let in_index = find(&store, &query(None, by_name, PageRequest::first(u32::MAX))).await;
        assert_eq!(in_index.documents.len(), all.documents.len());
        let last = acknowledged.last_key_value().map(|(group, _)| group.to_string()).unwrap_or_default();
        let one =
            find(&store, &query(Filter::eq_ignore_case("name", last), vec![], PageRequest::first(100))).await;
        assert_eq!(one.documents.len() as u64, WIDTH);
        assert!(store.reserve_numbers(&tenant(), "number", 3).await.unwrap() >= highest_number + 3);
        let jobs = store.jobs(&tenant(), &mortise_store::JobFilter::default(), usize::MAX).await.unwrap();
        assert!(jobs.len() >= acknowledged.len());
    }
}

/// The groups of the feed, each with the sequence of the batch that wrote all of it.
async fn whole_feed(store: &Arc<dyn Store>) -> BTreeMap<u64, u64> {
    let sets = store.changes(&tenant(), Sequence(0), usize::MAX).await.unwrap();
    sets.iter()
        .map(|set| {
            let ids: Vec<u64> =
                set.changes.iter().map(|change| change.id.to_string().parse().unwrap()).collect();
            let group = ids[0] / WIDTH;
            assert_eq!(ids, (group * WIDTH..(group + 1) * WIDTH).collect::<Vec<_>>());
            assert!(set.changes.iter().all(|change| change.collection == THINGS.name));
            (group, set.sequence.0)
        })
        .collect()
}
