//! A store that tells when leases are renewed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mortise_model::clock::Timestamp;
use mortise_model::id::{Digest, TenantId};
use mortise_query::Query;
use mortise_store::{
    Batch, ChangeSet, Claim, Collection, Document, DocumentId, Found, JobFilter, JobView, Lease, LeasedJob,
    Sequence, Store, StoreError,
};
use tokio::sync::watch;

use crate::house::LONG;

/// Passes everything on, and counts renewals.
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    renewals: watch::Sender<u64>,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, renewals: watch::Sender::new(0) }
    }

    /// Waits until a lease was renewed that was asked for after this.
    pub(crate) async fn renewal(&self) {
        let mut renewals = self.renewals.subscribe();
        let before = *renewals.borrow();
        // One may be on its way already.
        let later = renewals.wait_for(|count| *count >= before + 2);
        assert!(tokio::time::timeout(LONG, later).await.is_ok(), "no lease was renewed");
    }
}

#[async_trait]
impl Store for Watched {
    async fn get(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        self.store.get(tenant, collection, id).await
    }

    async fn find_unique(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        index: &'static str,
        values: &[String],
    ) -> Result<Vec<Option<Document>>, StoreError> {
        self.store.find_unique(tenant, collection, index, values).await
    }

    async fn query(
        &self,
        tenant: &TenantId,
        collection: &'static Collection,
        query: &Query,
    ) -> Result<Found, StoreError> {
        self.store.query(tenant, collection, query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Sequence, StoreError> {
        self.store.commit(batch).await
    }

    async fn reserve_numbers(&self, tenant: &TenantId, name: &str, count: u64) -> Result<u64, StoreError> {
        self.store.reserve_numbers(tenant, name, count).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        self.store.changes(tenant, after, limit).await
    }

    async fn put_blob(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        self.store.put_blob(bytes).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.store.get_blob(digest).await
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError> {
        self.store.delete_blob(digest).await
    }

    async fn claim_jobs(&self, claim: &Claim) -> Result<Vec<LeasedJob>, StoreError> {
        self.store.claim_jobs(claim).await
    }

    async fn renew_lease(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        now: Timestamp,
        duration: Duration,
    ) -> Result<Timestamp, StoreError> {
        let renewed = self.store.renew_lease(tenant, lease, now, duration).await;
        self.renewals.send_modify(|count| *count += 1);
        renewed
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        limit: usize,
    ) -> Result<Vec<JobView>, StoreError> {
        self.store.jobs(tenant, filter, limit).await
    }

    async fn wait_for_jobs(&self, timeout: Duration) {
        self.store.wait_for_jobs(timeout).await;
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }
}
