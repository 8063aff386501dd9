//! The trait that every engine implements.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mortise_model::clock::Timestamp;
use mortise_model::id::{Digest, TenantId};
use mortise_query::Query;

use crate::{
    Batch, ChangeSet, Claim, Collection, Document, DocumentId, Entity, JobFilter, JobView, Lease, LeasedJob,
    Sequence, StoreError,
};

/// What a query found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The documents of the page, in order.
    pub documents: Vec<Document>,
    /// How many match in all, when the query asked to count.
    pub total: Option<u64>,
    /// Whether documents follow after the page.
    pub more: bool,
}

/// Documents, blobs, batches, queries, a change feed and leased jobs.
///
/// Every engine passes one conformance suite. Methods may be called from many tasks at once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads one document.
    async fn get(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError>;

    /// Finds, for each text, the document that has it in a unique index. The answers are in the order of `values`.
    async fn find_unique(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        index: &'static str,
        values: &[String],
    ) -> Result<Vec<Option<Document>>, StoreError>;

    /// Reads a page of the documents that match.
    async fn query(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        query: &Query,
    ) -> Result<Found, StoreError>;

    /// Writes everything in the batch or nothing. Answers when it is safe on disk.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] and [`StoreError::LeaseLost`] when a precondition does not hold.
    async fn commit(&self, batch: Batch) -> Result<Sequence, StoreError>;

    /// Reserves `count` numbers and answers the first. Numbers of a name start at 1, never come twice, may have gaps.
    async fn reserve_numbers(&self, tenant: &TenantId, name: &str, count: u64) -> Result<u64, StoreError>;

    /// Reads the change feed after a place, at most `limit` sets.
    async fn changes(
        &self,
        tenant: &TenantId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError>;

    /// Keeps a blob and answers its digest. Keeping the same bytes twice is keeping them once.
    async fn put_blob(&self, bytes: Bytes) -> Result<Digest, StoreError>;

    /// Reads a blob. Bytes that do not match the digest are [`StoreError::Corrupt`].
    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError>;

    /// Removes a blob. Removing what is not there succeeds.
    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError>;

    /// Leases jobs to a worker. A job in a lane that is busy is not offered.
    async fn claim_jobs(&self, claim: &Claim) -> Result<Vec<LeasedJob>, StoreError>;

    /// Makes a lease last until `now + lease`.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when it is void.
    async fn renew_lease(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        now: Timestamp,
        duration: Duration,
    ) -> Result<Timestamp, StoreError>;

    /// Shows jobs of a tenant, the earliest due first, at most `limit`.
    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        limit: usize,
    ) -> Result<Vec<JobView>, StoreError>;

    /// Waits until a job may be due that was not when this was called, or until `timeout`. May return early.
    async fn wait_for_jobs(&self, timeout: Duration);

    /// Whether the store answers and can write.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Typed reading for every store.
#[async_trait]
pub trait StoreExt {
    /// Reads one typed document with its version.
    async fn load<T: Entity>(
        &self,
        tenant: &TenantId,
        id: impl Into<DocumentId> + Send,
    ) -> Result<Option<(T, crate::Version)>, StoreError>;

    /// Reads typed documents that match.
    async fn select<T: Entity + Send>(&self, tenant: &TenantId, query: &Query) -> Result<Vec<T>, StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> StoreExt for S {
    async fn load<T: Entity>(
        &self,
        tenant: &TenantId,
        id: impl Into<DocumentId> + Send,
    ) -> Result<Option<(T, crate::Version)>, StoreError> {
        let id = id.into();
        let document = self.get(tenant, T::COLLECTION, &id).await?;
        document.map(|document| Ok((document.decode()?, document.version))).transpose()
    }

    async fn select<T: Entity + Send>(&self, tenant: &TenantId, query: &Query) -> Result<Vec<T>, StoreError> {
        let found = self.query(tenant, T::COLLECTION, query).await?;
        found.documents.iter().map(Document::decode).collect()
    }
}
