//! Reading single documents, and jobs.

use std::collections::HashMap;

use mortise_model::id::TenantId;
use mortise_query::{Scalar, ValueType};

use super::board::State;
use super::codec::{EntryValue, read_document, read_entry};
use super::job_record::JobRecord;
use super::{Shared, keys, of_sled};
use crate::{Collection, Document, DocumentId, JobFilter, JobStatus, JobView, StoreError};

/// Reads one document.
pub(super) fn get(
    shared: &Shared,
    tenant: &TenantId,
    collection: &'static Collection,
    id: &DocumentId,
) -> Result<Option<Document>, StoreError> {
    let number = shared.catalogue.collection(collection)?.number;
    match shared.catalogue.tenant(tenant) {
        Some(tenant) => read(shared, tenant, number, id),
        None => Ok(None),
    }
}

/// Reads one document by numbers.
pub(super) fn read(
    shared: &Shared,
    tenant: u32,
    collection: u32,
    id: &DocumentId,
) -> Result<Option<Document>, StoreError> {
    let value = shared.tree.get(keys::document(tenant, collection, id)).map_err(of_sled)?;
    value.map(|value| document(id.clone(), &value)).transpose()
}

/// A document from its stored bytes.
pub(super) fn document(id: DocumentId, value: &[u8]) -> Result<Document, StoreError> {
    let (version, body) = read_document(value)?;
    Ok(Document { id, version, body: body.to_owned() })
}

/// Finds the documents that have texts in a unique index.
pub(super) fn find_unique(
    shared: &Shared,
    tenant: &TenantId,
    collection: &'static Collection,
    index_name: &str,
    values: &[String],
) -> Result<Vec<Option<Document>>, StoreError> {
    let indexed = shared.catalogue.collection(collection)?;
    let found = indexed.indexes().find(|(index, _)| index.name == index_name);
    let (index, number) = found
        .ok_or_else(|| StoreError::Invalid(format!("{} has no index `{index_name}`", collection.name)))?;
    let is_text =
        matches!(index.fields, [field] if matches!(field.value_type, ValueType::Text | ValueType::ExactText));
    if !index.unique || !is_text {
        return Err(StoreError::Invalid(format!(
            "documents of {} are not found by a text in `{index_name}`: it is not a unique index of one text",
            collection.name
        )));
    }
    let Some(tenant) = shared.catalogue.tenant(tenant) else { return Ok(vec![None; values.len()]) };
    let prefix = keys::entries(tenant, number);
    let keys: Vec<Vec<u8>> =
        values.iter().map(|text| [prefix.as_slice(), &index.key([&Scalar::from(text)])].concat()).collect();
    let holders = holders(shared, &keys)?;
    let mut documents = Vec::with_capacity(keys.len());
    for holder in &holders {
        let id = holder.as_deref().map(holder_in).transpose()?.flatten();
        documents.push(match id {
            Some(id) => read(shared, tenant, indexed.number, &id)?,
            None => None,
        });
    }
    if holders.iter().all(Option::is_none) {
        return Ok(documents);
    }
    // A document may change hands while it is read: it counts when the entry was its before and after.
    let holders_after = self::holders(shared, &keys)?;
    for (place, key) in keys.iter().enumerate() {
        let is_steady = holders.get(place) == holders_after.get(place);
        if let Some(document) = documents.get_mut(place)
            && (!is_steady || document.is_none() && holders_after.get(place).is_some_and(Option::is_some))
        {
            *document = find_moving(shared, tenant, indexed.number, key)?;
        }
    }
    Ok(documents)
}

/// The document that holds an entry which is changing hands.
fn find_moving(
    shared: &Shared,
    tenant: u32,
    collection: u32,
    key: &[u8],
) -> Result<Option<Document>, StoreError> {
    let holder = || -> Result<Option<DocumentId>, StoreError> {
        let value = shared.tree.get(key).map_err(of_sled)?;
        Ok(value.as_deref().map(holder_in).transpose()?.flatten())
    };
    let mut holding = holder()?;
    while let Some(id) = holding {
        let document = read(shared, tenant, collection, &id)?;
        let now_holding = holder()?;
        if document.is_some() && now_holding.as_ref() == Some(&id) {
            return Ok(document);
        }
        holding = now_holding.filter(|now| *now != id);
    }
    Ok(None)
}

/// The document that an entry of a unique index names.
fn holder_in(value: &[u8]) -> Result<Option<DocumentId>, StoreError> {
    Ok(match read_entry(value)? {
        EntryValue::Unique(id) => Some(id),
        EntryValue::Repeating(_) => None,
    })
}

/// The entries at the keys, in their order: found in one look through what lies between the first and the last of them,
/// or one by one when much else lies between.
///
/// A page of a list is a thousand neighbours, of which at the first pull none is there.
fn holders(shared: &Shared, keys: &[Vec<u8>]) -> Result<Vec<Option<sled::IVec>>, StoreError> {
    let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) else { return Ok(Vec::new()) };
    let mut between = HashMap::new();
    for entry in shared.tree.range(first.as_slice()..=last.as_slice()) {
        if between.len() > keys.len() {
            let one_by_one = keys.iter().map(|key| shared.tree.get(key).map_err(of_sled));
            return one_by_one.collect();
        }
        let (key, value) = entry.map_err(of_sled)?;
        between.insert(key, value);
    }
    Ok(keys.iter().map(|key| between.get(key.as_slice()).cloned()).collect())
}

/// Shows jobs of a tenant.
pub(super) fn jobs(
    shared: &Shared,
    tenant: &TenantId,
    filter: &JobFilter,
    limit: usize,
) -> Result<Vec<JobView>, StoreError> {
    let Some(tenant) = shared.catalogue.tenant(tenant) else { return Ok(Vec::new()) };
    let is_wanted = |status: JobStatus, lane: Option<&str>| {
        filter.status.is_none_or(|wanted| wanted == status)
            && filter.lane.as_deref().is_none_or(|wanted| Some(wanted) == lane)
    };
    let chosen: Vec<_> = shared
        .board()
        .of_tenant(tenant)
        .filter(|(_, entry)| {
            let status = match entry.state {
                State::Waiting => JobStatus::Waiting,
                State::Leased { .. } => JobStatus::Leased,
                State::Dead => JobStatus::Dead,
            };
            is_wanted(status, entry.lane.as_deref())
        })
        .map(|(job, _)| job)
        .take(limit)
        .collect();
    let mut views = Vec::with_capacity(chosen.len());
    for job in chosen {
        // It may have ended since it was chosen.
        let Some(value) = shared.tree.get(keys::job(job.0, job.1)).map_err(of_sled)? else { continue };
        let record = JobRecord::decode(&value)?;
        if is_wanted(record.status, record.lane.as_deref()) {
            views.push(record.view(job.1)?);
        }
    }
    Ok(views)
}
