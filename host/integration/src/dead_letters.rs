//! Failed items: those that are tried again, and dead letters.

use mortise_model::id::{InstanceId, ItemId, TenantId};
use mortise_model::instance::{Instance, InstanceState};
use mortise_model::item::{FailedItem, ItemState, ItemStatus};
use mortise_query::Filter;
use mortise_store::{Batch, Expect, Origin, StoreError, StoreExt as _, Version, Write};

use crate::integration::Inner;
use crate::{IntegrationError, listing, sync};

/// Failed items of a tenant.
pub struct DeadLetters<'a> {
    pub(crate) inner: &'a Inner,
}

impl DeadLetters<'_> {
    /// Failed items, of one instance or of all, in one status or in any, the oldest first, from `offset`, at
    /// most `limit`.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when `limit` is not 1 to 500 or `offset` is over 10,000.
    pub async fn list(
        &self,
        tenant: &TenantId,
        instance: Option<&InstanceId>,
        status: Option<ItemStatus>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<FailedItem>, IntegrationError> {
        let instance = instance.map(|instance| Filter::eq("instance", instance.as_str()));
        let status = status.map(|status| Filter::eq("state/status", status.name()));
        let filter = [instance, status].into_iter().flatten().reduce(Filter::and);
        // Ids are in the order in which items failed first.
        listing::part(self.inner.store.as_ref(), tenant, filter, Vec::new(), offset, limit).await
    }

    /// One failed item.
    pub async fn get(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        Ok(self.load(tenant, id).await?.0)
    }

    /// Has an item tried again now, with its attempts counted anew. The run that does it is put into the queue.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when the item is decided already, or its instance is paused or removed.
    pub async fn replay(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        let (mut item, version) = self.load(tenant, id).await?;
        if !is_open(&item.state) {
            return Err(IntegrationError::Conflict(format!(
                "the item {id} is {}: only one that waits for its next attempt or is dead is tried again",
                item.state.status().name()
            )));
        }
        let instance = self.inner.store.load::<Instance>(tenant, item.instance.as_str()).await?;
        let Some((instance, _)) = instance else {
            return Err(IntegrationError::Conflict(format!(
                "the instance {} is gone: the item {id} can only be discarded",
                item.instance
            )));
        };
        if let InstanceState::Paused { .. } = instance.state {
            return Err(IntegrationError::Conflict(format!(
                "the instance `{}` is paused: resume it first, then try the item again",
                instance.name
            )));
        }
        let now = self.inner.clock.now();
        item.state = ItemState::Retrying { next_at: now };
        item.attempts = 0;
        let job = Write::Enqueue(sync::retry_job(&instance, now));
        let item = self.write(tenant, item, version, Some(job)).await?;
        tracing::info!(%tenant, item = %id, "a failed item is tried again");
        Ok(item)
    }

    /// Gives an item up. One that was given up before stays as it is.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when it was carried over meanwhile.
    pub async fn discard(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        let (mut item, version) = self.load(tenant, id).await?;
        match item.state {
            ItemState::Discarded => return Ok(item),
            ItemState::Resolved => {
                return Err(IntegrationError::Conflict(format!(
                    "the item {id} was carried over in the end: there is nothing to give up"
                )));
            }
            ItemState::Dead | ItemState::Retrying { .. } => item.state = ItemState::Discarded,
        }
        let item = self.write(tenant, item, version, None).await?;
        tracing::info!(%tenant, item = %id, "a failed item was given up");
        Ok(item)
    }

    async fn write(
        &self,
        tenant: &TenantId,
        mut item: FailedItem,
        version: Version,
        also: Option<Write>,
    ) -> Result<FailedItem, IntegrationError> {
        let now = self.inner.clock.now();
        item.updated_at = now;
        let mut batch = Batch::new(tenant.clone(), Origin::Api, now);
        batch.put(&item, Expect::At(version))?;
        batch.writes.extend(also);
        match self.inner.store.commit(batch).await {
            Ok(_) => Ok(item),
            Err(StoreError::Conflict(_)) => {
                Err(IntegrationError::Changed { what: "failed item", id: item.id.to_string() })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn load(&self, tenant: &TenantId, id: &ItemId) -> Result<(FailedItem, Version), IntegrationError> {
        self.inner
            .store
            .load::<FailedItem>(tenant, id.as_str())
            .await?
            .ok_or_else(|| IntegrationError::NotFound { what: "failed item", id: id.to_string() })
    }
}

/// Whether nobody decided about the item yet.
fn is_open(state: &ItemState) -> bool {
    matches!(state, ItemState::Dead | ItemState::Retrying { .. })
}
