//! What can be done for a batch before the writer has it: checks, and the index entries of new documents.

use mortise_query::IndexEntry;
use serde_json::Value;

use crate::limits::{check_batch, index_entries};
use crate::{Batch, Collection, DocumentId, StoreError, Write};

/// A batch that is within bounds.
pub(super) struct Prepared {
    pub(super) batch: Batch,
    /// The index entries of each document that is written; nothing for other writes.
    pub(super) entries: Vec<Entries>,
}

/// The entries of a document, one list for each index of its collection.
pub(super) type Entries = Vec<Vec<IndexEntry>>;

/// Checks a batch and works out its index entries.
pub(super) fn prepare(batch: Batch) -> Result<Prepared, StoreError> {
    check_batch(&batch)?;
    let entries = batch
        .writes
        .iter()
        .map(|write| match write {
            Write::Put { collection, id, body, .. } => {
                let document: Value = serde_json::from_str(body).map_err(|error| {
                    StoreError::Invalid(format!("{}/{id} is not JSON: {error}", collection.name))
                })?;
                entries_of(collection, id, &document)
            }
            _ => Ok(Vec::new()),
        })
        .collect::<Result<_, _>>()?;
    Ok(Prepared { batch, entries })
}

/// The entries of a document in every index.
fn entries_of(collection: &Collection, id: &DocumentId, document: &Value) -> Result<Entries, StoreError> {
    collection.indexes.iter().map(|index| index_entries(collection, id, index, document)).collect()
}

/// The entries that a stored document has.
pub(super) fn stored_entries(
    collection: &Collection,
    id: &DocumentId,
    body: &str,
) -> Result<Entries, StoreError> {
    if collection.indexes.is_empty() {
        return Ok(Vec::new());
    }
    let document: Value = serde_json::from_str(body).map_err(|error| {
        StoreError::Corrupt(format!("{}/{id} does not read back: {error}", collection.name))
    })?;
    Ok(collection.indexes.iter().map(|index| index.entries(&document)).collect())
}
