//! Records of one kind in memory: found by number, listed by time of change, kept as the JSON that is sent.

use std::{collections::HashMap, marker::PhantomData};

use axum::body::Bytes;
use rand::{Rng, RngExt};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    moment::Moment,
    record::{Facets, Record},
};

/// Numbers have six digits, so that they sort as text.
pub(crate) const MAX_RECORDS: u32 = 999_999;

/// How often a random pick may meet a deleted record before the oldest live one is taken.
const RANDOM_PICKS: usize = 32;

/// Records of one kind.
///
/// A slot is a record's number less one; slots never move, and the order of slots is the order of numbers.
#[derive(Debug)]
pub(crate) struct Shelf<R> {
    slots: Vec<Option<Shelved>>,
    /// Every live record by time of change, then number.
    by_change: Vec<(Moment, u32)>,
    /// In the order of deletion.
    tombstones: Vec<Tombstone>,
    /// What each idempotency key created.
    creations: HashMap<String, Creation>,
    kind: PhantomData<fn() -> R>,
}

/// A live record.
#[derive(Clone, Debug)]
pub(crate) struct Shelved {
    pub(crate) json: Bytes,
    pub(crate) revision: u32,
    updated_at: Moment,
    facets: Facets,
}

/// What is left of a deleted record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The field that held the number: `customerNo` or `invoiceNo`.
    pub key_field: &'static str,
    /// The record's number.
    pub key: String,
    /// The last revision it had.
    pub revision: u32,
    /// When it was deleted.
    pub deleted_at: Moment,
}

/// A create request that was carried out.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    /// Of the request's body.
    pub(crate) digest: u64,
    pub(crate) key: String,
}

/// Which records a list asks for.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Changed at this time or later.
    pub(crate) since: Option<Moment>,
    pub(crate) facets: Facets,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// Part of a list, and the length of the whole.
#[derive(Clone, Debug)]
pub(crate) struct Selected<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: usize,
}

impl<R: Record> Shelf<R> {
    /// A shelf of records whose numbers are 1, 2, 3 in this order.
    pub(crate) fn filled(records: impl Iterator<Item = R>) -> Result<Self, serde_json::Error> {
        let slots = records.map(|record| shelved(&record).map(Some)).collect::<Result<Vec<_>, _>>()?;
        let mut by_change: Vec<_> =
            (0u32..).zip(slots.iter().flatten()).map(|(slot, shelved)| (shelved.updated_at, slot)).collect();
        by_change.sort_unstable();
        Ok(Self { slots, by_change, tombstones: Vec::new(), creations: HashMap::new(), kind: PhantomData })
    }

    /// The live record of that number.
    pub(crate) fn get(&self, key: &str) -> Option<&Shelved> {
        self.slots.get(slot_of::<R>(key)?)?.as_ref()
    }

    /// The position that the next new record gets: 1 for the first; none when the shelf is full.
    pub(crate) fn next_position(&self) -> Option<u32> {
        u32::try_from(self.slots.len()).ok().filter(|count| *count < MAX_RECORDS).map(|count| count + 1)
    }

    /// Puts a new record at the next position.
    pub(crate) fn append(&mut self, record: &R) -> Result<Shelved, serde_json::Error> {
        let shelved = shelved(record)?;
        if let Some(position) = self.next_position() {
            self.slots.push(Some(shelved.clone()));
            self.index(shelved.updated_at, position - 1);
        }
        Ok(shelved)
    }

    /// Puts a changed record in the place of the one with that number.
    pub(crate) fn replace(&mut self, key: &str, record: &R) -> Result<Shelved, serde_json::Error> {
        let shelved = shelved(record)?;
        if self.take(key).is_some()
            && let Some(slot) = slot_of::<R>(key)
        {
            self.slots[slot] = Some(shelved.clone());
            self.index(shelved.updated_at, u32::try_from(slot).unwrap_or(u32::MAX));
        }
        Ok(shelved)
    }

    /// Deletes the record of that number and leaves a tombstone.
    pub(crate) fn bury(&mut self, key: &str, deleted_at: Moment) {
        if let Some(shelved) = self.take(key) {
            self.tombstones.push(Tombstone {
                key_field: R::KEY_FIELD,
                key: key.to_owned(),
                revision: shelved.revision,
                deleted_at,
            });
        }
    }

    /// Part of the records that match, ordered by time of change, then number.
    pub(crate) fn select(&self, selection: &Selection) -> Selected<Bytes> {
        let start = selection
            .since
            .map_or(0, |since| self.by_change.partition_point(|(changed, _)| *changed < since));
        let candidates = self.by_change.get(start..).unwrap_or_default();
        let shelved = |(_, slot): &(Moment, u32)| self.slots.get(*slot as usize)?.as_ref();
        if selection.facets.is_any() {
            let page = candidates.iter().skip(selection.offset).take(selection.limit);
            return Selected {
                items: page.filter_map(shelved).map(|record| record.json.clone()).collect(),
                total: candidates.len(),
            };
        }
        let matching: Vec<_> = candidates
            .iter()
            .filter_map(shelved)
            .filter(|record| record.facets.satisfy(&selection.facets))
            .collect();
        let page = matching.iter().skip(selection.offset).take(selection.limit);
        Selected { items: page.map(|record| record.json.clone()).collect(), total: matching.len() }
    }

    /// Every deletion at that time or later, in order.
    pub(crate) fn tombstones(&self, since: Option<Moment>) -> &[Tombstone] {
        let start = since
            .map_or(0, |since| self.tombstones.partition_point(|tombstone| tombstone.deleted_at < since));
        self.tombstones.get(start..).unwrap_or_default()
    }

    /// Every live record, in the order of numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Bytes> {
        self.slots.iter().flatten().map(|shelved| &shelved.json)
    }

    /// The number of a live record, picked at random.
    pub(crate) fn pick(&self, rng: &mut impl Rng) -> Option<String> {
        if self.by_change.is_empty() {
            return None;
        }
        let slot = (0..RANDOM_PICKS)
            .map(|_| rng.random_range(0..self.slots.len()))
            .find(|slot| self.slots[*slot].is_some())
            .or_else(|| self.slots.iter().position(Option::is_some))?;
        Some(key_of::<R>(u32::try_from(slot).ok()? + 1))
    }

    /// What an idempotency key created.
    pub(crate) fn creation(&self, idempotency_key: &str) -> Option<&Creation> {
        self.creations.get(idempotency_key)
    }

    /// Remembers what an idempotency key created; as bounded as the records are.
    pub(crate) fn remember(&mut self, idempotency_key: &str, creation: Creation) {
        self.creations.insert(idempotency_key.to_owned(), creation);
    }

    fn take(&mut self, key: &str) -> Option<Shelved> {
        let slot = slot_of::<R>(key)?;
        let shelved = self.slots.get_mut(slot)?.take()?;
        let entry = (shelved.updated_at, u32::try_from(slot).ok()?);
        if let Ok(position) = self.by_change.binary_search(&entry) {
            self.by_change.remove(position);
        }
        Some(shelved)
    }

    fn index(&mut self, changed: Moment, slot: u32) {
        let entry = (changed, slot);
        let position = self.by_change.partition_point(|other| *other < entry);
        self.by_change.insert(position, entry);
    }
}

impl Serialize for Tombstone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(self.key_field, &self.key)?;
        map.serialize_entry("revision", &self.revision)?;
        map.serialize_entry("deletedAt", &self.deleted_at)?;
        map.end()
    }
}

/// The number of the record at a position, which starts at 1.
pub(crate) fn key_of<R: Record>(position: u32) -> String {
    format!("{}{position:06}", R::KEY_PREFIX)
}

fn slot_of<R: Record>(key: &str) -> Option<usize> {
    let digits = key.strip_prefix(R::KEY_PREFIX)?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<usize>().ok()?.checked_sub(1)
}

fn shelved<R: Record>(record: &R) -> Result<Shelved, serde_json::Error> {
    Ok(Shelved {
        json: serde_json::to_vec(record)?.into(),
        revision: record.revision(),
        updated_at: record.updated_at(),
        facets: record.facets(),
    })
}
