//! The one thread that writes: it takes what is queued, writes it as one batch of the tree, and acknowledges all of it
//! after one flush.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::id::TenantId;
use tokio::sync::{mpsc, oneshot};

use super::codec::{number_value, read_number};
use super::commit::commit;
use super::group::Group;
use super::prepare::Prepared;
use super::{Shared, job_writes, keys, of_sled};
use crate::{Claim, Lease, LeasedJob, Sequence, StoreError};

/// Requests that wait before callers have to.
const QUEUE: usize = 1_024;
/// Most requests of one flush.
const MAX_GROUP: usize = 256;
/// No further request joins a flush that writes more keys than this.
const MAX_KEYS: usize = 50_000;
/// Numbers reserved on disk at a time.
const BLOCK: u64 = 100;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;
type Acknowledgement = Box<dyn FnOnce(Option<&str>)>;

/// What the writer is asked for.
pub(super) enum Request {
    Commit(Box<Prepared>, Answer<Sequence>),
    Reserve { tenant: TenantId, name: String, count: u64, answer: Answer<u64> },
    Claim(Claim, Answer<Vec<LeasedJob>>),
    Renew { tenant: TenantId, lease: Lease, now: Timestamp, duration: Duration, answer: Answer<Timestamp> },
    Check(Answer<()>),
}

/// The way to the writer's thread. The thread ends, with everything queued done, when this is dropped.
pub(super) struct Writer {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let last = shared.tree.get(keys::SEQUENCE).map_err(of_sled)?;
        let last = last.map(|value| read_number(&value, "the sequence of the last batch")).transpose()?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        // What a crash lost before its flush may have been seen: its sequences are not used for something else.
        let sequence = last.unwrap_or(0) + MAX_GROUP as u64;
        let loop_of_writer = Loop { shared, sequence, numbers: HashMap::new(), failure: None };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || loop_of_writer.run(receiver))
            .map_err(|error| StoreError::Unavailable {
                message: "the writer's thread cannot be started".to_owned(),
                source: Some(Box::new(error)),
            })?;
        Ok(Self { requests: Some(sender), thread: Some(thread) })
    }

    /// Asks the writer for something and waits until it is done.
    pub(super) async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        requests.send(request(sender)).await.map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable { message: "the store's writer has stopped".to_owned(), source: None }
}

struct Loop {
    shared: Arc<Shared>,
    sequence: u64,
    numbers: HashMap<(u32, String), Block>,
    /// Why nothing is written any more. What is on disk is not known after a failed write.
    failure: Option<String>,
}

/// Numbers that are reserved on disk and not handed out.
struct Block {
    next: u64,
    end: u64,
}

impl Loop {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            self.serve(first, &mut requests);
        }
        self.give_back_numbers();
    }

    fn serve(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) {
        let shared = Arc::clone(&self.shared);
        let mut group = Group::new(&shared);
        let mut acknowledgements = vec![self.handle(first, &mut group)];
        while acknowledgements.len() < MAX_GROUP
            && group.len() < MAX_KEYS
            && let Ok(next) = requests.try_recv()
        {
            acknowledgements.push(self.handle(next, &mut group));
        }
        let frees_jobs = group.frees_jobs;
        if self.failure.is_none()
            && let Err(error) = self.write(group)
        {
            tracing::error!(%error, "the store cannot write and takes no more writes: restart the host");
            self.failure = Some(format!("a write failed ({error}); nothing is written until a restart"));
        }
        for acknowledge in acknowledgements {
            acknowledge(self.failure.as_deref());
        }
        if frees_jobs {
            shared.wake.announce();
        }
    }

    fn write(&self, mut group: Group<'_>) -> Result<(), StoreError> {
        if group.len() == 0 {
            return Ok(());
        }
        group.insert(keys::SEQUENCE.to_vec(), number_value(self.sequence));
        self.shared.write_and_flush(group.into_batch())
    }

    fn handle(&mut self, request: Request, group: &mut Group<'_>) -> Acknowledgement {
        if self.failure.is_some() {
            return refuse(request);
        }
        match request {
            Request::Commit(prepared, answer) => {
                let committed = commit(group, *prepared, self.sequence + 1);
                if committed.is_ok() {
                    self.sequence += 1;
                }
                acknowledgement(answer, committed)
            }
            Request::Reserve { tenant, name, count, answer } => {
                acknowledgement(answer, self.reserve(group, &tenant, name, count))
            }
            Request::Claim(claim, answer) => {
                self.shared.wake.note_claim(claim.now);
                acknowledgement(answer, job_writes::claim(group, &claim))
            }
            Request::Renew { tenant, lease, now, duration, answer } => {
                acknowledgement(answer, job_writes::renew(&self.shared, &tenant, &lease, now, duration))
            }
            Request::Check(answer) => {
                group.insert(keys::PROBE.to_vec(), number_value(self.sequence));
                acknowledgement(answer, Ok(()))
            }
        }
    }

    fn reserve(
        &mut self,
        group: &mut Group<'_>,
        tenant: &TenantId,
        name: String,
        count: u64,
    ) -> Result<u64, StoreError> {
        let tenant = group.tenant(tenant)?;
        let key = keys::numbers(tenant, &name);
        let block = match self.numbers.entry((tenant, name)) {
            std::collections::hash_map::Entry::Occupied(block) => block.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let stored = group.get(&key)?.map(|value| read_number(&value, "a count")).transpose()?;
                let next = stored.unwrap_or(1);
                place.insert(Block { next, end: next })
            }
        };
        let first = block.next;
        let next = first
            .checked_add(count)
            .ok_or_else(|| StoreError::Invalid("there are no numbers left of this name".to_owned()))?;
        if next > block.end {
            block.end = first.saturating_add(count.max(BLOCK));
            group.insert(key, number_value(block.end));
        }
        block.next = next;
        Ok(first)
    }

    /// Numbers that nobody took in an orderly run are taken in the next.
    fn give_back_numbers(&self) {
        if self.failure.is_some() {
            return;
        }
        let mut batch = sled::Batch::default();
        for ((tenant, name), block) in &self.numbers {
            batch.insert(keys::numbers(*tenant, name), number_value(block.next));
        }
        if let Err(error) = self.shared.write_and_flush(batch) {
            tracing::warn!(%error, "reserved numbers could not be given back: there will be a gap");
        }
    }
}

/// Answers after the flush. A failed flush fails what would have succeeded.
fn acknowledgement<T: 'static>(answer: Answer<T>, result: Result<T, StoreError>) -> Acknowledgement {
    Box::new(move |failure| {
        let result = match failure {
            Some(message) if result.is_ok() => Err(failed(message)),
            _ => result,
        };
        // Who asked may be gone: it is written all the same.
        let _ = answer.send(result);
    })
}

fn refuse(request: Request) -> Acknowledgement {
    fn refused<T: 'static>(answer: Answer<T>) -> Acknowledgement {
        Box::new(move |failure| {
            let _ = answer.send(Err(failed(failure.unwrap_or_default())));
        })
    }
    match request {
        Request::Commit(_, answer) => refused(answer),
        Request::Reserve { answer, .. } => refused(answer),
        Request::Claim(_, answer) => refused(answer),
        Request::Renew { answer, .. } => refused(answer),
        Request::Check(answer) => refused(answer),
    }
}

fn failed(message: &str) -> StoreError {
    StoreError::Unavailable { message: message.to_owned(), source: None }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::embedded::blobs::Blobs;
    use crate::embedded::board::Board;
    use crate::embedded::catalogue::Catalogue;
    use crate::embedded::prepare::prepare;
    use crate::embedded::wake::Wake;
    use crate::{Batch, Origin};

    /// A store whose disk fails: the null device cannot be synced.
    fn on_a_failing_disk(directory: &Path) -> Arc<Shared> {
        let tree = sled::Config::new().temporary(true).open().unwrap();
        let catalogue = Catalogue::open(&tree, &[], |_, _, _| Ok(Vec::new())).unwrap();
        Arc::new(Shared {
            tree,
            file: File::open("/dev/null").unwrap(),
            catalogue,
            board: Mutex::new(Board::default()),
            blobs: Blobs::open(directory.join("blobs")).unwrap(),
            wake: Wake::new(),
        })
    }

    #[tokio::test]
    async fn a_failed_flush_is_not_acknowledged_and_nothing_is_written_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::start(on_a_failing_disk(directory.path())).unwrap();
        let tenant: TenantId = "acme".parse().unwrap();
        for _ in 0..2 {
            let batch = Batch::new(tenant.clone(), Origin::Host, Timestamp::from_millis(0));
            let prepared = Box::new(prepare(batch).unwrap());
            let committed = writer.ask(|answer| Request::Commit(prepared, answer)).await;
            match committed {
                Err(StoreError::Unavailable { message, .. }) => {
                    assert!(message.contains("until a restart"), "{message}");
                }
                other => panic!("{other:?}"),
            }
            assert!(matches!(writer.ask(Request::Check).await, Err(StoreError::Unavailable { .. })));
        }
    }
}
