//! Working out what a batch writes, and whether it may.

use std::collections::HashMap;

use mortise_model::clock::Timestamp;
use mortise_query::IndexEntry;

use super::changes::{Changed, change_set_value};
use super::codec::{
    EntryValue, document_value, id_bytes, read_document, read_entry, repeating_entry, unique_entry,
};
use super::group::Group;
use super::job_writes;
use super::keys;
use super::prepare::{Entries, Prepared, stored_entries};
use crate::{
    ChangeKind, Collection, Conflict, DocumentId, Expect, FeedMembership, Origin, Sequence, StoreError,
    Version, Write,
};

/// Index entries, each with the place of its index.
type Placed = Vec<(usize, IndexEntry)>;

/// The writes to one document.
struct Effect {
    collection: &'static Collection,
    id: DocumentId,
    key: Vec<u8>,
    body: Option<String>,
    kind: ChangeKind,
    removed: Placed,
    added: Placed,
}

/// Adds a batch to the group when its preconditions hold, as number `sequence`. Otherwise the group stays as it was.
pub(super) fn commit(
    group: &mut Group<'_>,
    prepared: Prepared,
    sequence: u64,
) -> Result<Sequence, StoreError> {
    let Prepared { batch, entries } = prepared;
    let tenant = group.tenant(&batch.tenant)?;
    let mut effects = Vec::new();
    let mut job_writes = Vec::new();
    for (write, entries) in batch.writes.into_iter().zip(entries) {
        match write {
            Write::Put { collection, id, expect, body } => {
                effects.extend(put(group, tenant, (collection, id), expect, (body, entries))?);
            }
            Write::Delete { collection, id, expect } => {
                effects.extend(delete(group, tenant, (collection, id), expect)?);
            }
            Write::Check { collection, id, expect } => {
                read_expected(group, tenant, (collection, &id), expect)?;
            }
            other => job_writes.push(other),
        }
    }
    let index_writes = index_writes(group, tenant, &effects)?;
    job_writes::check(group.shared, tenant, &job_writes)?;
    let job_writes = job_writes::prepare(group, tenant, job_writes)?;
    let change_set = change_set(group, &batch.origin, batch.at, &effects)?;

    for (key, value) in index_writes {
        match value {
            Some(value) => group.insert(key, value),
            None => group.remove(key),
        }
    }
    for effect in effects {
        match &effect.body {
            Some(body) => group.insert(effect.key, document_value(Version(sequence), body)),
            None => group.remove(effect.key),
        }
    }
    if let Some(value) = change_set {
        group.insert(keys::change_set(tenant, sequence), value);
    }
    job_writes::apply(group, tenant, job_writes)?;
    Ok(Sequence(sequence))
}

/// What the batch adds to the change feed.
fn change_set(
    group: &Group<'_>,
    origin: &Origin,
    at: Timestamp,
    effects: &[Effect],
) -> Result<Option<Vec<u8>>, StoreError> {
    let published = effects.iter().filter(|effect| effect.collection.feed == FeedMembership::Published);
    let changed = published
        .map(|effect| {
            let collection = group.shared.catalogue.collection(effect.collection)?.number;
            Ok(Changed { collection, id: effect.id.clone(), kind: effect.kind })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    if changed.is_empty() { Ok(None) } else { change_set_value(origin, at, &changed).map(Some) }
}

fn put(
    group: &Group<'_>,
    tenant: u32,
    (collection, id): (&'static Collection, DocumentId),
    expect: Expect,
    (body, entries): (String, Entries),
) -> Result<Option<Effect>, StoreError> {
    let (key, current) = read_expected(group, tenant, (collection, &id), expect)?;
    let old = current.as_deref().map(|body| stored_entries(collection, &id, body)).transpose()?;
    let kind = if current.is_some() { ChangeKind::Updated } else { ChangeKind::Created };
    let (removed, added) = difference(old.unwrap_or_default(), entries);
    Ok(Some(Effect { collection, id, key, body: Some(body), kind, removed, added }))
}

fn delete(
    group: &Group<'_>,
    tenant: u32,
    (collection, id): (&'static Collection, DocumentId),
    expect: Expect,
) -> Result<Option<Effect>, StoreError> {
    let (key, current) = read_expected(group, tenant, (collection, &id), expect)?;
    let Some(body) = current else { return Ok(None) };
    let old = stored_entries(collection, &id, &body)?;
    let (removed, added) = difference(old, Vec::new());
    Ok(Some(Effect { collection, id, key, body: None, kind: ChangeKind::Deleted, removed, added }))
}

/// Reads the body of a document that must be as expected.
fn read_expected(
    group: &Group<'_>,
    tenant: u32,
    (collection, id): (&'static Collection, &DocumentId),
    expect: Expect,
) -> Result<(Vec<u8>, Option<String>), StoreError> {
    let number = group.shared.catalogue.collection(collection)?.number;
    let key = keys::document(tenant, number, id);
    let value = group.get(&key)?;
    let current = value.as_deref().map(read_document).transpose()?;
    let holds = match expect {
        Expect::Any => true,
        Expect::Absent => current.is_none(),
        Expect::At(version) => current.is_some_and(|(current, _)| current == version),
    };
    if holds {
        Ok((key, current.map(|(_, body)| body.to_owned())))
    } else {
        Err(Conflict::Document { collection: collection.name, id: id.clone(), expected: expect }.into())
    }
}

/// The entries that go and those that come.
fn difference(old: Entries, new: Entries) -> (Placed, Placed) {
    let flat = |entries: Entries| -> Placed {
        let places = entries.into_iter().enumerate();
        places.flat_map(|(place, entries)| entries.into_iter().map(move |entry| (place, entry))).collect()
    };
    let (mut old, mut new) = (flat(old), flat(new));
    // Both are sorted by index and key, so a document with many entries is compared in one pass.
    let is_in = |entries: &[(usize, IndexEntry)], wanted: &(usize, IndexEntry)| {
        entries
            .binary_search_by(|(place, entry)| (place, &entry.key).cmp(&(&wanted.0, &wanted.1.key)))
            .is_ok()
    };
    let kept = old.clone();
    old.retain(|entry| !is_in(&new, entry));
    new.retain(|entry| !is_in(&kept, entry));
    (old, new)
}

/// The index entries that a batch writes. What one of its documents gives up another may take.
fn index_writes(
    group: &Group<'_>,
    tenant: u32,
    effects: &[Effect],
) -> Result<HashMap<Vec<u8>, Option<Vec<u8>>>, StoreError> {
    let mut writes: HashMap<Vec<u8>, Option<Vec<u8>>> = HashMap::new();
    let key_of = |effect: &Effect, place: usize, entry: &IndexEntry| {
        let indexed = group.shared.catalogue.collection(effect.collection)?;
        let number = indexed.indexes().nth(place).map_or(0, |(_, number)| number);
        let mut key = keys::entries(tenant, number);
        key.extend_from_slice(&entry.key);
        if !entry.unique {
            key.extend(id_bytes(&effect.id));
        }
        Ok::<_, StoreError>(key)
    };
    for effect in effects {
        for (place, entry) in &effect.removed {
            writes.insert(key_of(effect, *place, entry)?, None);
        }
    }
    for effect in effects {
        for (place, entry) in &effect.added {
            let key = key_of(effect, *place, entry)?;
            let id = id_bytes(&effect.id);
            if !entry.unique {
                writes.insert(key, Some(repeating_entry(&id)));
                continue;
            }
            let holder = match writes.get(&key) {
                Some(pending) => pending.as_deref().map(read_entry).transpose()?,
                None => group.get(&key)?.as_deref().map(read_entry).transpose()?,
            };
            if let Some(EntryValue::Unique(other)) = holder {
                let index = effect.collection.indexes.get(*place).map_or("", |index| index.name);
                return Err(
                    Conflict::NotUnique { collection: effect.collection.name, index, id: other }.into()
                );
            }
            writes.insert(key, Some(unique_entry(&id)));
        }
    }
    Ok(writes)
}
