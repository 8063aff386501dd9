//! The short numbers of tenants, collections and indexes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use mortise_model::id::TenantId;
use mortise_query::Index;
use serde::{Deserialize, Serialize};
use sled::Tree;

use super::codec::{number_value, read_number};
use super::{keys, of_sled};
use crate::{Collection, StoreError};

/// What the store has numbers for.
pub(super) struct Catalogue {
    collections: HashMap<&'static str, Indexed>,
    /// Every collection there ever was.
    collection_names: HashMap<u32, String>,
    tenants: RwLock<Tenants>,
}

#[derive(Default)]
struct Tenants {
    numbers: HashMap<TenantId, u32>,
    names: HashMap<u32, TenantId>,
}

/// A collection that is declared, with its numbers.
pub(super) struct Indexed {
    pub(super) collection: &'static Collection,
    pub(super) number: u32,
    /// The number of each of its indexes, in their order.
    indexes: Vec<u32>,
}

/// An index as the store knows it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredIndex {
    pub(super) number: u32,
    /// What it was built from. Another definition is another index.
    pub(super) definition: String,
    /// Whether every document is in it.
    pub(super) built: bool,
}

impl Indexed {
    /// The indexes with their numbers.
    pub(super) fn indexes(&self) -> impl Iterator<Item = (&'static Index, u32)> {
        self.collection.indexes.iter().zip(self.indexes.iter().copied())
    }

    /// The number of an index that is declared.
    pub(super) fn index_number(&self, index: &Index) -> Option<u32> {
        self.indexes().find(|(other, _)| other.name == index.name).map(|(_, number)| number)
    }
}

impl Catalogue {
    /// Reads the numbers, and gives numbers to collections that have none. `indexes` answers the numbers of a
    /// collection's indexes, all of them built.
    pub(super) fn open(
        tree: &Tree,
        declared: &[&'static Collection],
        mut indexes: impl FnMut(&'static Collection, u32, &[u32]) -> Result<Vec<u32>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut tenants = Tenants::default();
        for (name, number) in names(tree, keys::TENANTS)? {
            let system = TenantId::system();
            let tenant = if name == system.as_str() {
                system
            } else {
                name.parse()
                    .map_err(|error| StoreError::Corrupt(format!("a tenant does not read back: {error}")))?
            };
            tenants.names.insert(number, tenant.clone());
            tenants.numbers.insert(tenant, number);
        }
        let tenant_numbers: Vec<u32> = tenants.names.keys().copied().collect();

        let mut collection_names: HashMap<u32, String> =
            names(tree, keys::COLLECTIONS)?.into_iter().map(|(name, number)| (number, name)).collect();
        let mut collections = HashMap::new();
        for collection in declared {
            let known = collection_names.iter().find(|(_, name)| *name == collection.name);
            let number = if let Some((number, _)) = known {
                *number
            } else {
                let number = next_number(collection_names.keys().copied())?;
                tree.insert(keys::name(keys::COLLECTIONS, collection.name), number_value(number.into()))
                    .map_err(of_sled)?;
                collection_names.insert(number, collection.name.to_owned());
                number
            };
            let numbers = indexes(collection, number, &tenant_numbers)?;
            let with_numbers = Indexed { collection, number, indexes: numbers };
            if collections.insert(collection.name, with_numbers).is_some() {
                return Err(StoreError::Invalid(format!(
                    "the collection `{}` is declared twice",
                    collection.name
                )));
            }
        }
        Ok(Self { collections, collection_names, tenants: RwLock::new(tenants) })
    }

    /// A declared collection.
    pub(super) fn collection(&self, collection: &Collection) -> Result<&Indexed, StoreError> {
        self.collections.get(collection.name).ok_or_else(|| {
            StoreError::Invalid(format!(
                "the collection `{}` was not declared when the store was opened: add it to collections::ALL",
                collection.name
            ))
        })
    }

    /// The name of a collection.
    pub(super) fn collection_name(&self, number: u32) -> Result<&str, StoreError> {
        self.collection_names
            .get(&number)
            .map(String::as_str)
            .ok_or_else(|| StoreError::Corrupt(format!("there is no collection number {number}")))
    }

    /// The number of a tenant that was ever written to.
    pub(super) fn tenant(&self, tenant: &TenantId) -> Option<u32> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).numbers.get(tenant).copied()
    }

    /// The tenant of a number.
    pub(super) fn tenant_name(&self, number: u32) -> Result<TenantId, StoreError> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let name = tenants.names.get(&number).cloned();
        name.ok_or_else(|| StoreError::Corrupt(format!("there is no tenant number {number}")))
    }

    /// Gives a number to a tenant. The caller writes it down.
    pub(super) fn add_tenant(&self, tenant: &TenantId) -> Result<u32, StoreError> {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let number = next_number(tenants.names.keys().copied())?;
        tenants.names.insert(number, tenant.clone());
        tenants.numbers.insert(tenant.clone(), number);
        Ok(number)
    }
}

/// The number after the greatest.
pub(super) fn next_number(taken: impl Iterator<Item = u32>) -> Result<u32, StoreError> {
    taken
        .max()
        .unwrap_or(0)
        .checked_add(1)
        .ok_or_else(|| StoreError::Invalid("the store has no short numbers left for names".to_owned()))
}

fn names(tree: &Tree, prefix: &[u8]) -> Result<Vec<(String, u32)>, StoreError> {
    let mut names = Vec::new();
    for entry in tree.scan_prefix(prefix) {
        let (key, value) = entry.map_err(of_sled)?;
        let name = key.get(prefix.len()..).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(|| StoreError::Corrupt("a name is not text".to_owned()))?;
        let number = u32::try_from(read_number(&value, "the number of a name")?)
            .map_err(|_| StoreError::Corrupt(format!("the number of `{name}` is too large")))?;
        names.push((name.to_owned(), number));
    }
    Ok(names)
}
