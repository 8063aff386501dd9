//! What several batches write together, before it is written.

use std::collections::HashMap;

use mortise_model::id::TenantId;
use sled::IVec;

use super::codec::number_value;
use super::{Shared, keys, of_sled};
use crate::StoreError;

/// The pending writes of one flush, over what is stored.
pub(super) struct Group<'a> {
    pub(super) shared: &'a Shared,
    writes: HashMap<Vec<u8>, Option<IVec>>,
    /// Whether jobs may be due that were not before.
    pub(super) frees_jobs: bool,
}

impl<'a> Group<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self { shared, writes: HashMap::new(), frees_jobs: false }
    }

    /// What is at a key, pending writes included.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.shared.tree.get(key).map_err(of_sled),
        }
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value.into()));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// How many keys are written.
    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// The number of a tenant. A tenant that has none is given one.
    pub(super) fn tenant(&mut self, tenant: &TenantId) -> Result<u32, StoreError> {
        if let Some(number) = self.shared.catalogue.tenant(tenant) {
            return Ok(number);
        }
        let number = self.shared.catalogue.add_tenant(tenant)?;
        self.insert(keys::name(keys::TENANTS, tenant.as_str()), number_value(number.into()));
        Ok(number)
    }

    /// The writes as one batch of the tree.
    pub(super) fn into_batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}
