//! Reading documents in the order of a plan, or of their ids.

use std::ops::Bound;

use mortise_query::key::successor;
use mortise_query::{Direction, KeyRange, Plan};
use sled::IVec;

use super::codec::{EntryValue, id_bytes, read_entry, read_id};
use super::lookup::{document, read};
use super::{Shared, keys, of_sled};
use crate::{Document, DocumentId, StoreError};

/// A document that may match.
pub(super) struct Candidate {
    pub(super) id: DocumentId,
    /// The document, when it was read on the way.
    pub(super) document: Option<Document>,
}

/// A place behind which to begin.
pub(super) struct Place {
    /// The index key; empty when documents are read by id.
    pub(super) key: Vec<u8>,
    pub(super) id: DocumentId,
}

/// What is read.
pub(super) struct Scan<'a> {
    pub(super) shared: &'a Shared,
    pub(super) tenant: u32,
    /// The collection's number.
    pub(super) collection: u32,
    /// The plan and its index's number. Without one, all documents are read by id.
    pub(super) plan: Option<(&'a Plan<'a>, u32)>,
}

type Candidates<'a> = Box<dyn Iterator<Item = Result<Candidate, StoreError>> + 'a>;

impl<'a> Scan<'a> {
    /// The candidates in order, those behind a place only.
    pub(super) fn candidates(
        &'a self,
        direction: Direction,
        after: Option<&'a Place>,
    ) -> Result<Candidates<'a>, StoreError> {
        match self.plan {
            Some((plan, number)) => self.of_index(plan, number, direction, after),
            None => Ok(self.of_documents(direction, after)),
        }
    }

    /// The document of a candidate as it is now.
    pub(super) fn read(&self, candidate: Candidate) -> Result<Option<Document>, StoreError> {
        match candidate.document {
            Some(document) => Ok(Some(document)),
            None => read(self.shared, self.tenant, self.collection, &candidate.id),
        }
    }

    fn of_documents(&'a self, direction: Direction, after: Option<&'a Place>) -> Candidates<'a> {
        let prefix = keys::documents(self.tenant, self.collection);
        let place = after.map(|place| id_bytes(&place.id));
        let range = full_range(&prefix, (Bound::Unbounded, Bound::Unbounded));
        let range = behind(&prefix, range, place.as_deref(), direction);
        let entries = self.entries(vec![range], direction);
        Box::new(entries.map(move |entry| {
            let (key, value) = entry?;
            let id = read_id(key.get(prefix.len()..).unwrap_or_default())?;
            let document = document(id.clone(), &value)?;
            Ok(Candidate { id, document: Some(document) })
        }))
    }

    fn of_index(
        &'a self,
        plan: &'a Plan<'a>,
        number: u32,
        direction: Direction,
        after: Option<&'a Place>,
    ) -> Result<Candidates<'a>, StoreError> {
        let prefix = keys::entries(self.tenant, number);
        let place = after.map(|place| [place.key.as_slice(), &id_bytes(&place.id)].concat());
        let full = plan.ranges.iter().map(|range| full_range(&prefix, range.clone()));
        let mut ranges: Vec<KeyRange> =
            full.map(|range| behind(&prefix, range, place.as_deref(), direction)).collect();
        if direction == Direction::Descending {
            ranges.reverse();
        }
        let exact = match after {
            Some(place) if direction == Direction::Ascending && plan.index.unique => {
                self.unique_entry_behind(plan, &prefix, place)?
            }
            _ => None,
        };
        let entries = self.entries(ranges, direction);
        let candidates = entries.filter_map(move |entry| {
            let parsed = entry.and_then(|(key, value)| id_of_entry(&prefix, &key, &value));
            match parsed {
                Ok((key, id)) => {
                    let is_before = after
                        .is_some_and(|place| key == place.key && !direction.apply(id.cmp(&place.id)).is_gt());
                    (!is_before).then_some(Ok(Candidate { id, document: None }))
                }
                Err(error) => Some(Err(error)),
            }
        });
        Ok(Box::new(exact.into_iter().map(Ok).chain(candidates)))
    }

    /// An entry that must be unique has no id in its key, so reading on from a key and an id passes it over.
    fn unique_entry_behind(
        &self,
        plan: &Plan<'_>,
        prefix: &[u8],
        place: &Place,
    ) -> Result<Option<Candidate>, StoreError> {
        if !plan.ranges.iter().any(|range| is_within(range, &place.key)) {
            return Ok(None);
        }
        let value = self.shared.tree.get([prefix, &place.key].concat()).map_err(of_sled)?;
        Ok(match value.as_deref().map(read_entry).transpose()? {
            Some(EntryValue::Unique(id)) if id > place.id => Some(Candidate { id, document: None }),
            _ => None,
        })
    }

    fn entries(
        &'a self,
        ranges: Vec<KeyRange>,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(IVec, IVec), StoreError>> + 'a {
        ranges.into_iter().filter(|range| !is_empty(range)).flat_map(move |range| {
            let entries = self.shared.tree.range(range);
            let entries: Box<dyn Iterator<Item = _>> = match direction {
                Direction::Ascending => Box::new(entries),
                Direction::Descending => Box::new(entries.rev()),
            };
            entries.map(|entry| entry.map_err(of_sled))
        })
    }
}

/// The index key and the document's id of an entry.
fn id_of_entry(prefix: &[u8], key: &[u8], value: &[u8]) -> Result<(Vec<u8>, DocumentId), StoreError> {
    let key = key.get(prefix.len()..).unwrap_or_default();
    match read_entry(value)? {
        EntryValue::Unique(id) => Ok((key.to_vec(), id)),
        EntryValue::Repeating(length) => {
            let split = key.len().checked_sub(length).and_then(|end| key.split_at_checked(end));
            let (key, id) =
                split.ok_or_else(|| StoreError::Corrupt("an index entry has no document".to_owned()))?;
            Ok((key.to_vec(), read_id(id)?))
        }
    }
}

/// The range of the tree's keys for a range of an index's keys.
fn full_range(prefix: &[u8], (lower, upper): KeyRange) -> KeyRange {
    let prefixed = |key: Vec<u8>| [prefix, &key].concat();
    let lower = match lower {
        Bound::Unbounded => Bound::Included(prefix.to_vec()),
        bound => bound.map(prefixed),
    };
    let upper = match upper {
        Bound::Unbounded => successor(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        bound => bound.map(prefixed),
    };
    (lower, upper)
}

/// The part of a range that is behind a place.
fn behind(prefix: &[u8], range: KeyRange, place: Option<&[u8]>, direction: Direction) -> KeyRange {
    let Some(place) = place else { return range };
    let place = [prefix, place].concat();
    let (lower, upper) = range;
    match direction {
        Direction::Ascending => {
            let is_inside = match &lower {
                Bound::Included(lower) | Bound::Excluded(lower) => *lower <= place,
                Bound::Unbounded => true,
            };
            (if is_inside { Bound::Excluded(place) } else { lower }, upper)
        }
        Direction::Descending => {
            let is_inside = match &upper {
                Bound::Included(upper) | Bound::Excluded(upper) => *upper >= place,
                Bound::Unbounded => true,
            };
            (lower, if is_inside { Bound::Excluded(place) } else { upper })
        }
    }
}

fn is_within((lower, upper): &KeyRange, key: &[u8]) -> bool {
    let above = match lower {
        Bound::Included(lower) => lower.as_slice() <= key,
        Bound::Excluded(lower) => lower.as_slice() < key,
        Bound::Unbounded => true,
    };
    above
        && match upper {
            Bound::Included(upper) => key <= upper.as_slice(),
            Bound::Excluded(upper) => key < upper.as_slice(),
            Bound::Unbounded => true,
        }
}

fn is_empty((lower, upper): &KeyRange) -> bool {
    match (lower, upper) {
        (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
        (
            Bound::Included(lower) | Bound::Excluded(lower),
            Bound::Excluded(upper) | Bound::Included(upper),
        ) => lower >= upper,
        _ => false,
    }
}
