//! Building indexes that were declared since the store was last open, and dropping those that are no more.

use std::collections::HashMap;

use mortise_query::Index;
use serde_json::Value;
use sled::Tree;

use super::catalogue::{StoredIndex, next_number};
use super::codec::{EntryValue, id_bytes, read_document, read_entry, read_id, repeating_entry, unique_entry};
use super::{keys, of_sled};
use crate::limits::index_entries;
use crate::{Collection, StoreError};

/// Entries written at a time.
const CHUNK: usize = 5_000;

/// Brings the indexes of all declared collections up to date.
pub(super) struct Indexing<'a> {
    tree: &'a Tree,
    stored: HashMap<String, StoredIndex>,
}

impl<'a> Indexing<'a> {
    /// Reads which indexes there are.
    pub(super) fn of(tree: &'a Tree) -> Result<Self, StoreError> {
        let mut stored = HashMap::new();
        for entry in tree.scan_prefix(keys::INDEXES) {
            let (key, value) = entry.map_err(of_sled)?;
            let name = key.get(keys::INDEXES.len()..).and_then(|name| std::str::from_utf8(name).ok());
            let index = serde_json::from_slice(&value)
                .map_err(|error| StoreError::Corrupt(format!("an index does not read back: {error}")))?;
            stored.insert(name.unwrap_or_default().to_owned(), index);
        }
        Ok(Self { tree, stored })
    }

    /// The numbers of a collection's indexes, all of them built.
    pub(super) fn bring_up(
        &mut self,
        collection: &'static Collection,
        number: u32,
        tenants: &[u32],
    ) -> Result<Vec<u32>, StoreError> {
        let prefix = format!("{}/", collection.name);
        let wanted = |name: &str, stored: &StoredIndex| {
            collection.indexes.iter().any(|index| {
                name.strip_prefix(&prefix) == Some(index.name)
                    && stored.built
                    && stored.definition == definition(index)
            })
        };
        let stale: Vec<String> = self
            .stored
            .iter()
            .filter(|(name, stored)| name.starts_with(&prefix) && !wanted(name, stored))
            .map(|(name, _)| name.clone())
            .collect();
        for name in stale {
            self.drop_index(&name, tenants)?;
        }
        collection.indexes.iter().map(|index| self.number_of(collection, number, index, tenants)).collect()
    }

    fn number_of(
        &mut self,
        collection: &'static Collection,
        collection_number: u32,
        index: &'static Index,
        tenants: &[u32],
    ) -> Result<u32, StoreError> {
        let name = format!("{}/{}", collection.name, index.name);
        if let Some(stored) = self.stored.get(&name) {
            return Ok(stored.number);
        }
        let number = next_number(self.stored.values().map(|stored| stored.number))?;
        self.keep(&name, StoredIndex { number, definition: definition(index), built: false })?;
        let mut n_documents = 0_u64;
        for tenant in tenants {
            n_documents += self.build(collection, collection_number, index, number, *tenant)?;
        }
        if n_documents > 0 {
            tracing::info!(
                collection = collection.name,
                index = index.name,
                n_documents,
                "an index was built"
            );
        }
        self.tree.flush().map_err(of_sled)?;
        self.keep(&name, StoredIndex { number, definition: definition(index), built: true })?;
        Ok(number)
    }

    fn keep(&mut self, name: &str, index: StoredIndex) -> Result<(), StoreError> {
        let value = serde_json::to_vec(&index)
            .map_err(|error| StoreError::Corrupt(format!("an index does not serialise: {error}")))?;
        self.tree.insert(keys::name(keys::INDEXES, name), value).map_err(of_sled)?;
        self.tree.flush().map_err(of_sled)?;
        self.stored.insert(name.to_owned(), index);
        Ok(())
    }

    fn drop_index(&mut self, name: &str, tenants: &[u32]) -> Result<(), StoreError> {
        let Some(index) = self.stored.remove(name) else { return Ok(()) };
        for tenant in tenants {
            let mut batch = Pending::new(self.tree);
            for entry in self.tree.scan_prefix(keys::entries(*tenant, index.number)) {
                batch.remove(&entry.map_err(of_sled)?.0)?;
            }
            batch.write()?;
        }
        self.tree.remove(keys::name(keys::INDEXES, name)).map_err(of_sled)?;
        self.tree.flush().map_err(of_sled)?;
        Ok(())
    }

    fn build(
        &self,
        collection: &'static Collection,
        collection_number: u32,
        index: &'static Index,
        number: u32,
        tenant: u32,
    ) -> Result<u64, StoreError> {
        let documents = keys::documents(tenant, collection_number);
        let mut batch = Pending::new(self.tree);
        let mut n_documents = 0;
        for entry in self.tree.scan_prefix(&documents) {
            let (key, value) = entry.map_err(of_sled)?;
            let id = read_id(key.get(documents.len()..).unwrap_or_default())?;
            let id_bytes = id_bytes(&id);
            let (_, body) = read_document(&value)?;
            let document: Value = serde_json::from_str(body).map_err(|error| {
                StoreError::Corrupt(format!("{}/{id} does not read back: {error}", collection.name))
            })?;
            for entry in index_entries(collection, &id, index, &document)? {
                let mut key = keys::entries(tenant, number);
                key.extend(entry.key);
                if !entry.unique {
                    key.extend_from_slice(&id_bytes);
                    batch.insert(key, repeating_entry(&id_bytes))?;
                } else if let Some(other) = batch.get(&key)? {
                    let EntryValue::Unique(other) = read_entry(&other)? else { continue };
                    return Err(StoreError::Invalid(format!(
                        "the index `{}` of {} cannot be unique: {other} and {id} have the same key; change one of \
                         them with the version of Mortise that wrote them",
                        index.name, collection.name
                    )));
                } else {
                    batch.insert(key, unique_entry(&id_bytes))?;
                }
            }
            n_documents += 1;
        }
        batch.write()?;
        Ok(n_documents)
    }
}

/// What an index is built from, as text.
fn definition(index: &Index) -> String {
    let fields: Vec<String> =
        index.fields.iter().map(|field| format!("{}:{:?}", field.path, field.value_type)).collect();
    format!("{};unique={};many={}", fields.join(","), index.unique, index.many)
}

/// Writes that are made in chunks.
struct Pending<'a> {
    tree: &'a Tree,
    writes: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Pending<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self { tree, writes: HashMap::new() }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => Ok(self.tree.get(key).map_err(of_sled)?.map(|value| value.to_vec())),
        }
    }

    fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.writes.insert(key, Some(value));
        self.write_if_many()
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.writes.insert(key.to_vec(), None);
        self.write_if_many()
    }

    fn write_if_many(&mut self) -> Result<(), StoreError> {
        if self.writes.len() < CHUNK { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in self.writes.drain() {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.tree.apply_batch(batch).map_err(of_sled)
    }
}
