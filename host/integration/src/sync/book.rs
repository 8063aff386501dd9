//! The document of a run, and the batches that a run writes: each under the lease, each only while nobody else wrote
//! the document.

use std::sync::Arc;

use mortise_model::clock::Clock;
use mortise_model::id::TenantId;
use mortise_model::run::{Run, RunStatus};
use mortise_store::{
    Batch, Conflict, Entity as _, Expect, Lease, Origin, Store, StoreError, StoreExt as _, Version, Write,
};
use tokio::sync::Mutex;

use crate::sync::log::RunLog;
use crate::sync::progress::put;
use crate::sync::stop::Stop;

/// A run that is in progress.
pub(crate) struct RunBook {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tenant: TenantId,
    lease: Lease,
    log: Arc<RunLog>,
    open: Mutex<OpenRun>,
}

struct OpenRun {
    run: Run,
    expect: Expect,
}

/// Why a batch of a run was not written.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Something that the batch was made of changed: read it again.
    Conflict(Conflict),
    /// The run has to stop.
    Stop(Stop),
}

/// Whether a batch ends the work on the job or goes on with it.
enum Hold<'a> {
    Fence(&'a Lease),
    /// The end of the job is among the writes and has the lease itself.
    Ends,
}

impl RunBook {
    /// Writes the document of a run that begins, together with `writes`.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tenant: TenantId,
        lease: Lease,
        log: Arc<RunLog>,
        run: Run,
        writes: Vec<Write>,
    ) -> Result<Self, CommitError> {
        let open = Mutex::new(OpenRun { run, expect: Expect::Absent });
        let book = Self { store, clock, tenant, lease, log, open };
        book.commit(Origin::Host, writes, |_| ()).await?;
        Ok(book)
    }

    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The log.
    pub(crate) fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// The run as it was last written.
    pub(crate) async fn run(&self) -> Run {
        self.open.lock().await.run.clone()
    }

    /// Writes a batch, and the run as `update` leaves it.
    pub(crate) async fn commit(
        &self,
        origin: Origin,
        writes: Vec<Write>,
        update: impl FnOnce(&mut Run) + Send,
    ) -> Result<Version, CommitError> {
        self.write(Hold::Fence(&self.lease), origin, writes, update).await
    }

    /// Writes the end of the run: among `writes` is the end of its job.
    pub(crate) async fn close(
        &self,
        writes: Vec<Write>,
        update: impl FnOnce(&mut Run) + Send,
    ) -> Result<(), CommitError> {
        self.write(Hold::Ends, Origin::Host, writes, update).await.map(|_| ())
    }

    async fn write(
        &self,
        hold: Hold<'_>,
        origin: Origin,
        writes: Vec<Write>,
        update: impl FnOnce(&mut Run) + Send,
    ) -> Result<Version, CommitError> {
        let mut open = self.open.lock().await;
        let mut run = open.run.clone();
        update(&mut run);
        let waiting = self.log.waiting();
        let mut batch = Batch::new(self.tenant.clone(), origin, self.clock.now());
        if let Hold::Fence(lease) = hold {
            batch.push(Write::Fence(lease.clone()));
        }
        batch.writes.extend(writes);
        batch.push(put(&run, open.expect)?);
        for chunk in &waiting.chunks {
            batch.push(put(chunk, Expect::Absent)?);
        }
        match self.store.commit(batch).await {
            Ok(sequence) => {
                let version = Version(sequence.0);
                *open = OpenRun { run, expect: Expect::At(version) };
                self.log.keep(&waiting);
                Ok(version)
            }
            Err(StoreError::Conflict(conflict)) if is_about(&conflict, &run) => {
                Err(CommitError::Stop(self.adopt(&mut open).await?))
            }
            Err(StoreError::Conflict(conflict)) => Err(CommitError::Conflict(conflict)),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what somebody else made of the run. The next batch is written over it.
    async fn adopt(&self, open: &mut OpenRun) -> Result<Stop, CommitError> {
        let found = self.store.load::<Run>(&self.tenant, open.run.id.as_str()).await?;
        let Some((run, version)) = found else {
            open.expect = Expect::Absent;
            return Ok(Stop::Cancelled);
        };
        open.expect = Expect::At(version);
        // A worker that lost its lease finds its run closed by the one that came after.
        let by_another_worker = run.status.is_final() && run.status != RunStatus::Cancelled;
        Ok(if by_another_worker { Stop::LeaseLost } else { Stop::Cancelled })
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Stop(error.into())
    }
}

impl From<Stop> for CommitError {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

fn is_about(conflict: &Conflict, run: &Run) -> bool {
    match conflict {
        Conflict::Document { collection, id, .. } => {
            *collection == Run::COLLECTION.name && *id == run.document_id()
        }
        _ => false,
    }
}
