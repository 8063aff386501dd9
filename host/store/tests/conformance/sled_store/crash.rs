//! `kill -9`: what was acknowledged is there, whole.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use mortise_query::{Filter, PageRequest, SortKey, ValueType};
use mortise_store::{Expect, JobFilter, Sequence, Store};
use serde_json::json;

use super::open_in;
use crate::fixture::{THINGS, claim, commit, enqueue, find, job, numbers, put, query, tenant};

/// Tells this binary that it is the one to be killed, and where it writes.
const DIRECTORY: &str = "MORTISE_CRASH_TEST_DIRECTORY";
/// How often a writer is killed.
const KILLS: u64 = 10;
/// Documents of one batch.
const WIDTH: u64 = 20;
/// How long a writer may be silent.
const HANGING: Duration = Duration::from_secs(30);
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

/// What a writer said that it was told: for each group the sequence of its batch, and the highest number reserved.
#[derive(Default)]
pub(super) struct Acknowledged {
    groups: BTreeMap<u64, u64>,
    highest_number: u64,
}

/// The writer as a process of its own.
pub(super) fn writer(directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "sled_store::crash::a_writer_that_will_be_killed",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped());
    command
}

impl Acknowledged {
    /// Runs a writer until it ends, or kills it after so many acknowledgements. Answers how it ended and how many
    /// batches it was told of.
    pub(super) fn run(&mut self, mut command: Command, most: u64) -> (ExitStatus, u64) {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut count = 0;
        loop {
            match lines.recv_timeout(HANGING) {
                Ok(line) => count += self.take(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    panic!("the writer hangs");
                }
            }
            if count == most {
                child.kill().unwrap();
            }
        }
        reader.join().unwrap();
        (child.wait().unwrap(), count)
    }

    fn take(&mut self, line: &str) -> u64 {
        // The last line may be torn by the kill: the batch counts as not acknowledged.
        let Some((_, told)) = line.split_once("acknowledged ") else { return 0 };
        let values: Vec<u64> = told.split(' ').filter_map(|value| value.parse().ok()).collect();
        let [group, sequence, number] = values[..] else { return 0 };
        assert!(self.groups.insert(group, sequence).is_none(), "the group {group} was written twice");
        self.highest_number = self.highest_number.max(number);
        1
    }

    /// Opens the store again: what was acknowledged is there, and whatever is there is whole.
    pub(super) async fn is_there_whole(&self, directory: &Path) {
        let store: Arc<dyn Store> = Arc::new(open_in(directory).unwrap());
        let sets = whole_feed(&store).await;
        for (group, sequence) in &self.groups {
            assert_eq!(sets.get(group), Some(sequence), "the group {group} is not in the feed");
        }
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
        if let Some((last, _)) = self.groups.last_key_value() {
            let by_name = Filter::eq_ignore_case("name", last.to_string());
            let one = find(&store, &query(by_name, vec![], PageRequest::first(100))).await;
            assert_eq!(one.documents.len() as u64, WIDTH);
            let number = store.reserve_numbers(&tenant(), "number", 3).await.unwrap();
            assert!(number >= self.highest_number + 3);
        }
        let jobs = store.jobs(&tenant(), &JobFilter::default(), usize::MAX).await.unwrap();
        assert!(jobs.len() >= self.groups.len(), "a job is lost");
        let claimed = claim(&store, 0).await;
        assert_eq!(claimed.len(), jobs.len().min(100), "a lease outlives its holder");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for kill in 0..KILLS {
        // A different moment each time, in the middle of whatever the four writers do.
        let (status, count) = acknowledged.run(writer(directory.path()), 1 + kill * 7);
        assert!(count > kill * 7, "the writer ended by itself: {status}");
        acknowledged.is_there_whole(directory.path()).await;
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
