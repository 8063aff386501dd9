//! The embedded engine: one machine, one directory, nothing to install.
//!
//! Everything that must change together is in one `sled` tree. One thread writes it: it plans each batch against what
//! is stored and what the batches before it in the same flush write, and acknowledges after the flush. Readers go to
//! the tree directly; between finding a document in an index and reading it the document may change, so what was
//! found is checked again on the body. Blobs are files beside the tree.

mod blobs;
mod board;
mod catalogue;
mod changes;
mod codec;
mod commit;
mod format;
mod group;
mod indexing;
mod job_record;
mod job_writes;
mod keys;
mod lookup;
mod prepare;
mod query;
mod scan;
mod wake;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use mortise_model::clock::Timestamp;
use mortise_model::id::{Digest, TenantId};
use mortise_query::Query;

use self::blobs::Blobs;
use self::board::Board;
use self::catalogue::Catalogue;
use self::indexing::Indexing;
use self::job_record::JobRecord;
use self::wake::Wake;
use self::writer::{Request, Writer};
use crate::limits::{MAX_LOOKUPS, MAX_NUMBERS, MAX_NUMBERS_NAME, check_id, check_job_name};
use crate::{
    Batch, ChangeSet, Claim, Collection, Document, DocumentId, Found, JobFilter, JobView, Lease, LeasedJob,
    Sequence, Store, StoreError, collections,
};

/// How long to wait for another process that is just ending to let go of the directory.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// Batches with more writes than this are prepared on a thread for blocking work.
const PREPARE_ASIDE: usize = 32;

/// How the embedded engine works.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// Every collection that is read or written. An index of theirs that is not there yet is built.
    pub collections: &'static [&'static Collection],
    /// Memory for pages of the tree, in bytes.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    /// The host's collections, and 256 MiB for pages.
    fn default() -> Self {
        Self { collections: collections::ALL, cache_bytes: 256 * 1024 * 1024 }
    }
}

/// A store in a directory of this machine.
///
/// Cheap to clone; the clones are one store. When the last is dropped, what was queued is written first.
#[derive(Clone)]
pub struct SledStore {
    // The writer comes first: it ends before what it writes to is let go.
    writer: Arc<Writer>,
    shared: Arc<Shared>,
}

/// What readers and the writer share.
struct Shared {
    tree: sled::Db,
    /// The tree's file, to have the disk keep what the tree has flushed to it.
    file: File,
    catalogue: Catalogue,
    board: Mutex<Board>,
    blobs: Blobs,
    wake: Wake,
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a batch so that it survives a crash of the process and of the machine.
    fn write_and_flush(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.tree.apply_batch(batch).map_err(of_sled)?;
        self.tree.flush().map_err(of_sled)?;
        // The tree asks for its pages to be written, not for the file's length and the disk's cache.
        self.file.sync_data().map_err(|error| StoreError::Unavailable {
            message: "the store's file cannot be synced".to_owned(),
            source: Some(Box::new(error)),
        })
    }
}

impl SledStore {
    /// Opens the store in a directory, which is created when it is not there. Blocks while indexes are built.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`] when a newer version of Mortise wrote it, [`StoreError::Unavailable`] when another
    /// process has it or the disk fails.
    pub fn open(path: &Path, options: &SledOptions) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(of_io("create", path))?;
        let tree_path = path.join("tree");
        make_tree(path, &tree_path, options)?;
        let tree = open_tree(&tree_path, options)?;
        format::open(&tree)?;
        let file_path = tree_path.join("db");
        let file = File::open(&file_path).map_err(of_io("open", &file_path))?;
        let mut indexing = Indexing::of(&tree)?;
        let catalogue = Catalogue::open(&tree, options.collections, |collection, number, tenants| {
            indexing.bring_up(collection, number, tenants)
        })?;
        tree.flush().map_err(of_sled)?;
        let board = Mutex::new(read_jobs(&tree)?);
        let blobs = Blobs::open(path.join("blobs"))?;
        let shared = Arc::new(Shared { tree, file, catalogue, board, blobs, wake: Wake::new() });
        let writer = Arc::new(Writer::start(Arc::clone(&shared))?);
        Ok(Self { writer, shared })
    }

    /// Runs what may take long where it does not hold up other tasks.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Unavailable {
        message: "the work was stopped or panicked".to_owned(),
        source: Some(Box::new(error)),
    })?
}

/// Makes the tree where there is none, aside and under its name once it is on the disk: sled syncs neither its
/// configuration nor the directories that have its files' names, and does not open what a power cut left of them.
fn make_tree(directory: &Path, path: &Path, options: &SledOptions) -> Result<(), StoreError> {
    let lock_path = directory.join("tree.lock");
    let lock = File::create(&lock_path).map_err(of_io("create", &lock_path))?;
    lock.lock().map_err(of_io("lock", &lock_path))?;
    if path.exists() {
        return Ok(());
    }
    let new = directory.join("tree.new");
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(of_io("remove", &new)(error)),
        _ => {}
    }
    let tree = open_tree(&new, options)?;
    format::open(&tree)?;
    drop(tree);
    for entry in fs::read_dir(&new).map_err(of_io("read", &new))? {
        blobs::sync(&entry.map_err(of_io("read", &new))?.path())?;
    }
    blobs::sync(&new)?;
    fs::rename(&new, path).map_err(of_io("rename", &new))?;
    blobs::sync(directory)?;
    directory.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), blobs::sync)
}

fn open_tree(path: &Path, options: &SledOptions) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new().path(path).cache_capacity(options.cache_bytes);
    let started = Instant::now();
    let mut is_cleared = false;
    loop {
        match config.open() {
            Ok(tree) => return Ok(tree),
            Err(sled::Error::Corruption { .. }) if !is_cleared && remove_unfinished_snapshots(path)? => {
                is_cleared = true;
            }
            Err(error) if !is_locked(&error) => return Err(of_sled(error)),
            Err(_) if started.elapsed() < LOCK_WAIT => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => {
                return Err(StoreError::Unavailable {
                    message: format!(
                        "another process has the store in {}: stop it, or choose another data directory",
                        path.display()
                    ),
                    source: Some(Box::new(error)),
                });
            }
        }
    }
}

/// Removes snapshots that a crash left half-written. sled takes one for the latest snapshot and then for damage;
/// without it, it goes on from the snapshot before, or reads the whole log. Answers whether there were any.
fn remove_unfinished_snapshots(tree: &Path) -> Result<bool, StoreError> {
    let mut is_any = false;
    for entry in fs::read_dir(tree).map_err(of_io("read", tree))? {
        let path = entry.map_err(of_io("read", tree))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!(path = %path.display(), "a snapshot that a crash left half-written is removed");
            fs::remove_file(&path).map_err(of_io("remove", &path))?;
            is_any = true;
        }
    }
    Ok(is_any)
}

/// Whether another process has the tree. sled tells it by text alone.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// The state of all jobs. Nobody works on a job that was leased when the store was closed: its lease has ended.
fn read_jobs(tree: &sled::Db) -> Result<Board, StoreError> {
    let mut board = Board::default();
    for entry in tree.scan_prefix(keys::JOBS) {
        let (key, value) = entry.map_err(of_sled)?;
        let mut reader = codec::Reader::new(&key, "the key of a job");
        reader.byte()?;
        let tenant = u32::try_from(reader.varint()?)
            .map_err(|_| StoreError::Corrupt("the tenant of a job is not a number".to_owned()))?;
        let job = (tenant, reader.array()?);
        board.set(job, JobRecord::decode(&value)?.entry(i64::MIN));
    }
    Ok(board)
}

fn of_sled(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Corrupt(format!("the tree is damaged: {error}")),
        error => StoreError::Unavailable { message: error.to_string(), source: Some(Box::new(error)) },
    }
}

fn of_io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let message = format!("cannot {what} {}", path.display());
    move |error| StoreError::Unavailable {
        message: format!("{message}: {error}"),
        source: Some(Box::new(error)),
    }
}

#[async_trait]
impl Store for SledStore {
    async fn get(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        check_id(collection, id)?;
        lookup::get(&self.shared, tenant, collection, id)
    }

    async fn find_unique(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        index: &'static str,
        values: &[String],
    ) -> Result<Vec<Option<Document>>, StoreError> {
        if values.len() > MAX_LOOKUPS {
            let found = values.len();
            return Err(StoreError::Invalid(format!(
                "at most {MAX_LOOKUPS} texts are looked up at once, not {found}"
            )));
        }
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, values) = (tenant.clone(), values.to_vec());
        self.aside(move |shared| lookup::find_unique(shared, &tenant, collection, index, &values)).await
    }

    async fn query(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        query: &Query,
    ) -> Result<Found, StoreError> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.aside(move |shared| query::run(shared, &tenant, collection, &query)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Sequence, StoreError> {
        let prepared = if batch.writes.len() > PREPARE_ASIDE {
            blocking(move || prepare::prepare(batch)).await?
        } else {
            prepare::prepare(batch)?
        };
        self.writer.ask(|answer| Request::Commit(Box::new(prepared), answer)).await
    }

    async fn reserve_numbers(&self, tenant: &TenantId, name: &str, count: u64) -> Result<u64, StoreError> {
        if !(1..=MAX_NUMBERS).contains(&count) {
            return Err(StoreError::Invalid(format!(
                "1 to {MAX_NUMBERS} numbers are reserved at once, not {count}"
            )));
        }
        if name.is_empty() || name.len() > MAX_NUMBERS_NAME {
            let found = name.len();
            return Err(StoreError::Invalid(format!(
                "numbers are counted under a name of 1 to {MAX_NUMBERS_NAME} bytes, not {found}"
            )));
        }
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.writer.ask(|answer| Request::Reserve { tenant, name, count, answer }).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        let tenant = tenant.clone();
        self.aside(move |shared| changes::read(shared, &tenant, after, limit)).await
    }

    async fn put_blob(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        self.aside(move |shared| shared.blobs.put(&bytes)).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let digest = *digest;
        self.aside(move |shared| shared.blobs.get(&digest)).await
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError> {
        let digest = *digest;
        self.aside(move |shared| shared.blobs.delete(&digest)).await
    }

    async fn claim_jobs(&self, claim: &Claim) -> Result<Vec<LeasedJob>, StoreError> {
        check_job_name("worker", &claim.worker)?;
        let claim = claim.clone();
        self.writer.ask(|answer| Request::Claim(claim, answer)).await
    }

    async fn renew_lease(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        now: Timestamp,
        duration: Duration,
    ) -> Result<Timestamp, StoreError> {
        let (tenant, lease) = (tenant.clone(), lease.clone());
        self.writer.ask(|answer| Request::Renew { tenant, lease, now, duration, answer }).await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        limit: usize,
    ) -> Result<Vec<JobView>, StoreError> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.aside(move |shared| lookup::jobs(shared, &tenant, &filter, limit)).await
    }

    async fn wait_for_jobs(&self, timeout: Duration) {
        self.shared.wake.wait(timeout, |now| self.shared.board().next_time(now)).await;
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.writer.ask(Request::Check).await
    }
}
