//! Reading single documents, and jobs.

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
    let holder = |key: &[u8]| -> Result<Option<DocumentId>, StoreError> {
        let value = shared.tree.get(key).map_err(of_sled)?;
        Ok(match value.as_deref().map(read_entry).transpose()? {
            Some(EntryValue::Unique(id)) => Some(id),
            _ => None,
        })
    };
    values
        .iter()
        .map(|text| {
            let key = [prefix.as_slice(), &index.key([&Scalar::from(text)])].concat();
            let mut holding = holder(&key)?;
            // The document may change hands while it is read: it counts when the entry was its before and after.
            while let Some(id) = holding {
                let document = read(shared, tenant, indexed.number, &id)?;
                let now_holding = holder(&key)?;
                if document.is_some() && now_holding.as_ref() == Some(&id) {
                    return Ok(document);
                }
                holding = now_holding.filter(|now| *now != id);
            }
            Ok(None)
        })
        .collect()
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
