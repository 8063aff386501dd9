//! The keys of the one tree. The first byte says what is behind it.
//!
//! | key | value |
//! |---|---|
//! | `00 f` | the format's number |
//! | `00 s` | the sequence of the last batch |
//! | `00 p` | written by [`crate::Store::check`] |
//! | `01 t name`, `01 c name` | the short number of a tenant, of a collection |
//! | `01 i collection/index` | an index: its number, its definition, whether it is built |
//! | `02 tenant collection id` | a document: version, body |
//! | `03 tenant index key [id]` | an index entry |
//! | `04 tenant sequence` | a set of changes |
//! | `05 tenant id` | a job |
//! | `06 tenant name` | the number up to which numbers are reserved |
//!
//! Tenants, collections and indexes are their short numbers, in a form of which none is the beginning of another.

use std::ops::Bound;

use mortise_query::key::successor;

use super::codec::{put_id, put_varint};
use crate::DocumentId;

/// Where the format's number is.
pub(super) const FORMAT: &[u8] = b"\x00f";
/// Where the sequence of the last batch is.
pub(super) const SEQUENCE: &[u8] = b"\x00s";
/// What a check of the store writes.
pub(super) const PROBE: &[u8] = b"\x00p";
/// Before the names of tenants.
pub(super) const TENANTS: &[u8] = b"\x01t";
/// Before the names of collections.
pub(super) const COLLECTIONS: &[u8] = b"\x01c";
/// Before the names of indexes.
pub(super) const INDEXES: &[u8] = b"\x01i";
/// Before all jobs.
pub(super) const JOBS: &[u8] = b"\x05";

const DOCUMENT: u8 = 2;
const ENTRY: u8 = 3;
const CHANGES: u8 = 4;
const JOB: u8 = 5;
const NUMBERS: u8 = 6;

/// The key of a name.
pub(super) fn name(prefix: &[u8], name: &str) -> Vec<u8> {
    [prefix, name.as_bytes()].concat()
}

/// Before the documents of a collection.
pub(super) fn documents(tenant: u32, collection: u32) -> Vec<u8> {
    numbered(DOCUMENT, tenant, Some(collection))
}

/// A document.
pub(super) fn document(tenant: u32, collection: u32, id: &DocumentId) -> Vec<u8> {
    let mut key = documents(tenant, collection);
    put_id(&mut key, id);
    key
}

/// Before the entries of an index.
pub(super) fn entries(tenant: u32, index: u32) -> Vec<u8> {
    numbered(ENTRY, tenant, Some(index))
}

/// Before the sets of changes of a tenant.
pub(super) fn changes(tenant: u32) -> Vec<u8> {
    numbered(CHANGES, tenant, None)
}

/// A set of changes.
pub(super) fn change_set(tenant: u32, sequence: u64) -> Vec<u8> {
    let mut key = changes(tenant);
    key.extend(sequence.to_be_bytes());
    key
}

/// A job.
pub(super) fn job(tenant: u32, id: [u8; 16]) -> Vec<u8> {
    let mut key = numbered(JOB, tenant, None);
    key.extend(id);
    key
}

/// Numbers of a name.
pub(super) fn numbers(tenant: u32, name: &str) -> Vec<u8> {
    let mut key = numbered(NUMBERS, tenant, None);
    key.extend_from_slice(name.as_bytes());
    key
}

fn numbered(space: u8, tenant: u32, of_tenant: Option<u32>) -> Vec<u8> {
    let mut key = Vec::with_capacity(24);
    key.push(space);
    put_varint(&mut key, tenant.into());
    if let Some(number) = of_tenant {
        put_varint(&mut key, number.into());
    }
    key
}

/// Everything that begins with `prefix`.
pub(super) fn below(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let upper = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Bound::Included(prefix.to_vec()), upper)
}
