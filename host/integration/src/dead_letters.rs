//! Failed items: those that are tried again, and dead letters.

use mortise_model::id::{InstanceId, ItemId, TenantId};
use mortise_model::item::{FailedItem, ItemStatus};

use crate::IntegrationError;
use crate::integration::Inner;

/// Failed items of a tenant.
pub struct DeadLetters<'a> {
    pub(crate) inner: &'a Inner,
}

impl DeadLetters<'_> {
    /// Failed items, of one instance or of all, in one status or in any, the oldest first, from `offset`, at
    /// most `limit`.
    pub async fn list(
        &self,
        tenant: &TenantId,
        instance: Option<&InstanceId>,
        status: Option<ItemStatus>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<FailedItem>, IntegrationError> {
        let _ = (self.inner, tenant, instance, status, offset, limit);
        todo!()
    }

    /// One failed item.
    pub async fn get(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Has an item tried again now, with its attempts counted anew. The run that does it is put into the queue.
    pub async fn replay(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Gives an item up.
    pub async fn discard(&self, tenant: &TenantId, id: &ItemId) -> Result<FailedItem, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }
}
