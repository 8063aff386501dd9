//! Keys in byte order: what is kept, and what the call wrote over it.

use std::collections::BTreeSet;
use std::ops::Bound;

use mortise_query::{Cursor, PageRequest, Query};
use mortise_store::Document;
use mortise_store::collections::PLUGIN_STORAGE;

use super::{KeyPage, Storage, Written, unavailable};
use crate::bindings::contract::types::Error;
use crate::bounds::STORAGE_KEYS;
use crate::translate;

/// Documents that one query reads.
const STEP: u32 = 200;

/// Reads the instance's documents in the order of their keys.
pub(super) struct Scan {
    /// The id after which the next query begins. None at the end.
    after: Option<String>,
}

impl Scan {
    /// Reads all of them.
    pub(super) fn from_the_beginning(storage: &Storage) -> Self {
        Self { after: Some(storage.path("")) }
    }

    /// Reads those after a key, which need not exist.
    fn after(storage: &Storage, key: &str) -> Self {
        Self { after: Some(storage.path(key)) }
    }

    /// The next keys and documents. None when there are no more.
    pub(super) async fn next(&mut self, storage: &Storage) -> Result<Option<Vec<(String, Document)>>, Error> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let cursor = Cursor { values: Vec::new(), id: after.into() };
        let query = Query { page: PageRequest::after(cursor, STEP), ..Query::default() };
        let found =
            storage.store.query(&storage.call.tenant, &PLUGIN_STORAGE, &query).await.map_err(unavailable)?;
        let prefix = storage.path("");
        let mut documents = Vec::with_capacity(found.documents.len());
        for document in found.documents {
            let id = document.id.to_string();
            let Some(key) = id.strip_prefix(&prefix) else { return Ok(Some(documents)) };
            documents.push((key.to_owned(), document));
        }
        if found.more {
            self.after = documents.last().map(|(key, _)| storage.path(key));
        }
        Ok(Some(documents))
    }
}

impl Storage {
    pub(in crate::capability) async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<KeyPage, Error> {
        if !(1..=STORAGE_KEYS).contains(&limit) {
            return Err(translate::fault(
                "limit",
                format!("1 to {STORAGE_KEYS} keys are listed at a time, not {limit}"),
            ));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let start = match cursor {
            Some(cursor) if cursor >= prefix => Bound::Excluded(cursor),
            _ => Bound::Included(prefix),
        };
        let mut keys = self.kept_keys(prefix, start, limit).await?;
        for (key, written) in self.written.range::<str, _>((start, Bound::Unbounded)) {
            if !key.starts_with(prefix) {
                break;
            }
            if matches!(written, Written::Value { .. }) {
                keys.insert(key.clone());
            }
        }
        let more = keys.len() > limit;
        let keys: Vec<String> = keys.into_iter().take(limit).collect();
        Ok(KeyPage { cursor: keys.last().filter(|_| more).cloned(), keys })
    }

    /// Kept keys from `start` on that the call did not write over: all of them, or the first ones and at least one
    /// more than `limit`.
    async fn kept_keys(
        &self,
        prefix: &str,
        start: Bound<&str>,
        limit: usize,
    ) -> Result<BTreeSet<String>, Error> {
        let mut keys = BTreeSet::new();
        let (mut scan, first) = match start {
            Bound::Excluded(key) => (Scan::after(self, key), None),
            // A scan begins after a key, and this one may be there.
            Bound::Included(key) if !key.is_empty() => (Scan::after(self, key), Some(key)),
            Bound::Included(_) | Bound::Unbounded => (Scan::from_the_beginning(self), None),
        };
        if let Some(key) = first
            && super::check_key(key).is_ok()
            && !self.written.contains_key(key)
            && self.kept(key).await?.is_some()
        {
            keys.insert(key.to_owned());
        }
        while keys.len() <= limit
            && let Some(documents) = scan.next(self).await?
        {
            for (key, _) in documents {
                if !key.starts_with(prefix) {
                    return Ok(keys);
                }
                if !self.written.contains_key(&key) {
                    keys.insert(key);
                }
            }
        }
        Ok(keys)
    }
}
