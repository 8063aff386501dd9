//! What happens together or not at all.

use mortise_model::clock::Timestamp;
use mortise_model::id::{InstanceId, JobId, TenantId};
use serde::{Deserialize, Serialize};

use crate::{Collection, DocumentId, Entity, Lease, NewJob, StoreError, Version};

/// Writes that happen together or not at all, in one tenant.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The tenant.
    pub tenant: TenantId,
    /// Who caused it. Kept in the change feed, so that a connector is not told of its own changes.
    pub origin: Origin,
    /// When. Kept in the change feed.
    pub at: Timestamp,
    /// The writes, in order. No two write the same document.
    pub writes: Vec<Write>,
}

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "id", rename_all = "kebab-case")]
pub enum Origin {
    /// The host itself.
    Host,
    /// A caller of the HTTP interface.
    Api,
    /// A connector, through an instance.
    Instance(InstanceId),
}

/// What the document must be for the batch to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything, or nothing.
    Any,
    /// It does not exist.
    Absent,
    /// It exists in this state.
    At(Version),
}

/// One write.
#[derive(Debug, Clone)]
pub enum Write {
    /// Writes a document.
    Put {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: DocumentId,
        /// What it must be now.
        expect: Expect,
        /// The JSON text.
        body: String,
    },
    /// Removes a document. Removing what is not there succeeds unless `expect` says otherwise.
    Delete {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: DocumentId,
        /// What it must be now.
        expect: Expect,
    },
    /// Only checks a document, so that a decision made on it still holds.
    Check {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: DocumentId,
        /// What it must be now.
        expect: Expect,
    },
    /// Adds a job. When its key is taken by a job that waits, that job is left as it is, but is due no later.
    Enqueue(NewJob),
    /// The batch happens only while the lease is held. Every write of a worker has one.
    Fence(Lease),
    /// The job is done. Fails when the lease is lost.
    Complete(Lease),
    /// The job waits again, for its next attempt. Fails when the lease is lost.
    Retry {
        /// The lease.
        lease: Lease,
        /// Not before.
        due: Timestamp,
        /// Why, for people.
        reason: String,
    },
    /// The job waits again and the attempt does not count: the worker stops before it was done.
    Release(Lease),
    /// The job failed for good: kept, and shown, as a dead job. Fails when the lease is lost.
    Bury {
        /// The lease.
        lease: Lease,
        /// Why, for people.
        reason: String,
    },
    /// Removes a job that waits or is dead. Does nothing when it is leased or gone.
    Cancel(JobId),
}

impl Batch {
    /// An empty batch.
    pub fn new(tenant: TenantId, origin: Origin, at: Timestamp) -> Self {
        Self { tenant, origin, at, writes: Vec::new() }
    }

    /// Adds a write.
    pub fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Adds the writing of a typed document.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the value does not serialise, which a plain data type always does.
    pub fn put<T: Entity>(&mut self, entity: &T, expect: Expect) -> Result<(), StoreError> {
        let id = entity.document_id();
        let body = serde_json::to_string(entity)
            .map_err(|error| StoreError::Corrupt(format!("document {id} does not serialise: {error}")))?;
        self.writes.push(Write::Put { collection: T::COLLECTION, id, expect, body });
        Ok(())
    }

    /// Adds the removal of a typed document.
    pub fn delete<T: Entity>(&mut self, id: impl Into<DocumentId>, expect: Expect) {
        self.writes.push(Write::Delete { collection: T::COLLECTION, id: id.into(), expect });
    }
}
