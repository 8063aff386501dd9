//! The change feed: one value for each batch that changed something published.

use mortise_model::clock::Timestamp;
use mortise_model::id::TenantId;

use super::codec::{Reader, id_bytes, instance_id, made_id, put_varint, read_id};
use super::{Shared, keys, of_sled};
use crate::{Change, ChangeKind, ChangeSet, DocumentId, Origin, Sequence, StoreError};

const BY_HOST: u8 = 0;
const BY_API: u8 = 1;
const BY_INSTANCE: u8 = 2;

/// A changed document, by its collection's number.
pub(super) struct Changed {
    pub(super) collection: u32,
    pub(super) id: DocumentId,
    pub(super) kind: ChangeKind,
}

/// The bytes of a set of changes.
pub(super) fn change_set_value(
    origin: &Origin,
    at: Timestamp,
    changed: &[Changed],
) -> Result<Vec<u8>, StoreError> {
    let mut value = Vec::with_capacity(32 + changed.len() * 6);
    value.extend(at.as_millis().to_be_bytes());
    match origin {
        Origin::Host => value.push(BY_HOST),
        Origin::Api => value.push(BY_API),
        Origin::Instance(instance) => {
            value.push(BY_INSTANCE);
            value.extend(made_id(instance.as_str())?);
        }
    }
    put_varint(&mut value, changed.len() as u64);
    for change in changed {
        put_varint(&mut value, change.collection.into());
        value.push(match change.kind {
            ChangeKind::Created => 0,
            ChangeKind::Updated => 1,
            ChangeKind::Deleted => 2,
        });
        let id = id_bytes(&change.id);
        put_varint(&mut value, id.len() as u64);
        value.extend(id);
    }
    Ok(value)
}

/// Reads the feed after a place.
pub(super) fn read(
    shared: &Shared,
    tenant: &TenantId,
    after: Sequence,
    limit: usize,
) -> Result<Vec<ChangeSet>, StoreError> {
    let (Some(tenant), Some(first)) = (shared.catalogue.tenant(tenant), after.0.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let (_, end) = keys::below(&keys::changes(tenant));
    let range = (std::ops::Bound::Included(keys::change_set(tenant, first)), end);
    let sets = shared.tree.range(range).take(limit);
    sets.map(|entry| {
        let (key, value) = entry.map_err(of_sled)?;
        let sequence = key.get(key.len().saturating_sub(8)..).and_then(|bytes| bytes.try_into().ok());
        let sequence = sequence.ok_or_else(|| StoreError::Corrupt("a change has no place".to_owned()))?;
        decode(shared, Sequence(u64::from_be_bytes(sequence)), &value)
    })
    .collect()
}

fn decode(shared: &Shared, sequence: Sequence, value: &[u8]) -> Result<ChangeSet, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the changes of batch {} do not read back", sequence.0));
    let mut reader = Reader::new(value, "a set of changes");
    let at = Timestamp::from_millis(i64::from_be_bytes(reader.array()?));
    let origin = match reader.byte()? {
        BY_HOST => Origin::Host,
        BY_API => Origin::Api,
        BY_INSTANCE => Origin::Instance(instance_id(reader.array()?)?),
        _ => return Err(corrupt()),
    };
    let count = reader.varint()?;
    let mut changes = Vec::new();
    for _ in 0..count {
        let collection = u32::try_from(reader.varint()?).map_err(|_| corrupt())?;
        let kind = match reader.byte()? {
            0 => ChangeKind::Created,
            1 => ChangeKind::Updated,
            2 => ChangeKind::Deleted,
            _ => return Err(corrupt()),
        };
        let length = usize::try_from(reader.varint()?).map_err(|_| corrupt())?;
        let id = read_id(reader.take(length)?)?;
        changes.push(Change {
            collection: shared.catalogue.collection_name(collection)?.to_owned(),
            id,
            kind,
        });
    }
    Ok(ChangeSet { sequence, origin, at, changes })
}
