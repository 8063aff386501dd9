//! The bounds of what a store takes. Every engine holds them, with an error that names the bound.

use std::collections::HashSet;

use mortise_query::{Index, IndexEntry};
use serde_json::Value;

use crate::{Batch, Collection, DocumentId, NewJob, StoreError, Write};

/// Longest body of a document, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// Longest id of a document, in bytes: a plugin's longest storage key with its instance before it fits.
pub const MAX_ID: usize = 576;
/// Most writes of one batch.
pub const MAX_WRITES: usize = 20_000;
/// Most bytes of the bodies and payloads of one batch together.
pub const MAX_BATCH: usize = 128 * 1024 * 1024;
/// Longest key of an index entry, in bytes. A text takes about as many bytes as it has.
pub const MAX_INDEX_KEY: usize = 2_048;
/// Most entries that one document has in one index.
pub const MAX_INDEX_ENTRIES: usize = 1_000;
/// Longest payload of a job as text, in bytes.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Longest kind, key or lane of a job and longest name of a worker, in bytes.
pub const MAX_JOB_NAME: usize = 1_024;
/// Longest reason that is kept of why a job failed, in characters. A longer one is cut off.
pub const MAX_REASON: usize = 2_000;
/// Most matching documents that are sorted in memory because no index has the order that is asked for.
pub const MAX_SORTED: usize = 200_000;
/// Most texts of one look-up in a unique index.
pub const MAX_LOOKUPS: usize = 20_000;
/// Most numbers reserved at once.
pub const MAX_NUMBERS: u64 = 1_000_000;
/// Longest name that numbers are counted under, in bytes.
pub const MAX_NUMBERS_NAME: usize = 64;
/// Largest blob, in bytes.
pub const MAX_BLOB: usize = 256 * 1024 * 1024;

/// Checks what can be told from a batch alone.
pub(crate) fn check_batch(batch: &Batch) -> Result<(), StoreError> {
    if batch.writes.len() > MAX_WRITES {
        let found = batch.writes.len();
        return Err(StoreError::Invalid(format!(
            "a batch has at most {MAX_WRITES} writes, this one has {found}"
        )));
    }
    let mut written = HashSet::new();
    let mut bytes = 0_usize;
    for write in &batch.writes {
        match write {
            Write::Put { collection, id, body, .. } => {
                check_id(collection, id)?;
                check_once(&mut written, collection, id)?;
                if body.len() > MAX_BODY {
                    return Err(StoreError::Invalid(format!(
                        "a document has at most {MAX_BODY} bytes, {}/{id} has {}",
                        collection.name,
                        body.len()
                    )));
                }
                bytes = bytes.saturating_add(body.len());
            }
            Write::Delete { collection, id, .. } => {
                check_id(collection, id)?;
                check_once(&mut written, collection, id)?;
            }
            Write::Check { collection, id, .. } => check_id(collection, id)?,
            Write::Enqueue(job) => bytes = bytes.saturating_add(check_job(job)?),
            Write::Fence(_)
            | Write::Complete(_)
            | Write::Retry { .. }
            | Write::Release(_)
            | Write::Bury { .. }
            | Write::Cancel(_) => {}
        }
    }
    if bytes > MAX_BATCH {
        return Err(StoreError::Invalid(format!(
            "the documents and jobs of a batch have at most {MAX_BATCH} bytes together, these have {bytes}"
        )));
    }
    Ok(())
}

/// Checks a document's id.
pub(crate) fn check_id(collection: &Collection, id: &DocumentId) -> Result<(), StoreError> {
    match id {
        DocumentId::Text(text) if text.is_empty() => {
            Err(StoreError::Invalid(format!("a document of {} has an empty id", collection.name)))
        }
        DocumentId::Text(text) if text.len() > MAX_ID => Err(StoreError::Invalid(format!(
            "the id of a document has at most {MAX_ID} bytes, one of {} has {}",
            collection.name,
            text.len()
        ))),
        _ => Ok(()),
    }
}

fn check_once<'a>(
    written: &mut HashSet<(&'static str, &'a DocumentId)>,
    collection: &'static Collection,
    id: &'a DocumentId,
) -> Result<(), StoreError> {
    if written.insert((collection.name, id)) {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!("a batch writes {}/{id} twice: write it once", collection.name)))
    }
}

/// Checks a job and answers how many bytes its payload has.
fn check_job(job: &NewJob) -> Result<usize, StoreError> {
    check_job_name("kind", &job.kind)?;
    check_job_name("key", job.key.as_deref().unwrap_or_default())?;
    check_job_name("lane", job.lane.as_deref().unwrap_or_default())?;
    let bytes = job.payload.to_string().len();
    if bytes > MAX_PAYLOAD {
        return Err(StoreError::Invalid(format!(
            "the payload of a job has at most {MAX_PAYLOAD} bytes, that of {} has {bytes}",
            job.id
        )));
    }
    Ok(bytes)
}

/// Checks a name that jobs are told apart by.
pub(crate) fn check_job_name(what: &str, name: &str) -> Result<(), StoreError> {
    if name.len() > MAX_JOB_NAME {
        let found = name.len();
        return Err(StoreError::Invalid(format!(
            "the {what} of a job has at most {MAX_JOB_NAME} bytes, not {found}"
        )));
    }
    Ok(())
}

/// The entries of a document in an index, within bounds.
pub(crate) fn index_entries(
    collection: &Collection,
    id: &DocumentId,
    index: &Index,
    document: &Value,
) -> Result<Vec<IndexEntry>, StoreError> {
    let entries = index.entries(document);
    if entries.len() > MAX_INDEX_ENTRIES {
        return Err(StoreError::Invalid(format!(
            "a document has at most {MAX_INDEX_ENTRIES} entries in one index, {}/{id} has {} in `{}`",
            collection.name,
            entries.len(),
            index.name
        )));
    }
    if let Some(entry) = entries.iter().find(|entry| entry.key.len() > MAX_INDEX_KEY) {
        return Err(StoreError::Invalid(format!(
            "what a document is found by has at most {MAX_INDEX_KEY} bytes, {}/{id} has {} in the index `{}`",
            collection.name,
            entry.key.len(),
            index.name
        )));
    }
    Ok(entries)
}
