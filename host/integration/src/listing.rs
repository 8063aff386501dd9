//! Reading many documents: all of them, or a part of a list.

use mortise_model::error::FieldError;
use mortise_model::id::TenantId;
use mortise_query::{Cursor, Filter, PageRequest, Query, SortKey};
use mortise_store::{Collection, Document, DocumentId, Entity, Store, StoreError, StoreExt as _};
use serde_json::Value;

use crate::IntegrationError;

/// Documents read at a time.
const PAGE: u32 = 500;
/// Most documents of a part.
const MAX_LIMIT: u32 = 500;
/// Furthest place a part starts at.
const MAX_OFFSET: u32 = 10_000;

/// Every document that matches, by id.
pub(crate) async fn all<T: Entity + Send>(
    store: &dyn Store,
    tenant: &TenantId,
    filter: Option<Filter>,
) -> Result<Vec<T>, StoreError> {
    let mut entities = Vec::new();
    let mut page = PageRequest::first(PAGE);
    loop {
        let query = Query { filter: filter.clone(), page, ..Query::default() };
        let found = store.query(tenant, T::COLLECTION, &query).await?;
        for document in &found.documents {
            entities.push(document.decode()?);
        }
        match found.documents.last() {
            Some(last) if found.more => page = PageRequest::after(after(last), PAGE),
            _ => return Ok(entities),
        }
    }
}

/// The ids of all documents that begin so, without the beginning.
pub(crate) async fn with_prefix(
    store: &dyn Store,
    tenant: &TenantId,
    collection: &'static Collection,
    prefix: &str,
) -> Result<Vec<String>, StoreError> {
    let mut rests = Vec::new();
    let mut after = prefix.to_owned();
    loop {
        // Ids are in order: those that begin so follow the beginning itself.
        let cursor = Cursor { values: Vec::new(), id: Value::from(after.as_str()) };
        let query = Query { page: PageRequest::after(cursor, PAGE), ..Query::default() };
        let found = store.query(tenant, collection, &query).await?;
        for document in &found.documents {
            match &document.id {
                DocumentId::Text(id) if id.starts_with(prefix) => {
                    rests.extend(id.strip_prefix(prefix).map(str::to_owned));
                    after.clone_from(id);
                }
                _ => return Ok(rests),
            }
        }
        if !found.more {
            return Ok(rests);
        }
    }
}

/// How many documents match.
pub(crate) async fn count(
    store: &dyn Store,
    tenant: &TenantId,
    collection: &'static Collection,
    filter: Option<Filter>,
) -> Result<u64, StoreError> {
    let query = Query { filter, page: PageRequest::first(1), count: true, ..Query::default() };
    let found = store.query(tenant, collection, &query).await?;
    Ok(found.total.unwrap_or_default())
}

/// The documents that match from place `offset`, at most `limit`.
///
/// # Errors
/// [`IntegrationError::Invalid`] when the part is too large or too far on.
pub(crate) async fn part<T: Entity + Send>(
    store: &dyn Store,
    tenant: &TenantId,
    filter: Option<Filter>,
    order: Vec<SortKey>,
    offset: u32,
    limit: u32,
) -> Result<Vec<T>, IntegrationError> {
    let mut errors = Vec::new();
    if !(1..=MAX_LIMIT).contains(&limit) {
        let message = format!("a part has 1 to {MAX_LIMIT} entries, not {limit}");
        errors.push(FieldError::new("/limit", "out-of-range", message));
    }
    if offset > MAX_OFFSET {
        let message = format!("a part starts at {MAX_OFFSET} at most: ask for fewer, by instance or status");
        errors.push(FieldError::new("/offset", "out-of-range", message));
    }
    if !errors.is_empty() {
        return Err(IntegrationError::Invalid(errors));
    }
    let page = PageRequest::first(offset.saturating_add(limit));
    let query = Query { filter, order, page, count: false };
    let found = store.select::<T>(tenant, &query).await?;
    Ok(found.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).collect())
}

fn after(last: &Document) -> Cursor {
    let id = match &last.id {
        DocumentId::Number(number) => Value::from(*number),
        DocumentId::Text(text) => Value::from(text.as_str()),
    };
    Cursor { values: Vec::new(), id }
}
