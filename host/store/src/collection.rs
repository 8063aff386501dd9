//! Which documents there are, and by what they are found.

use mortise_query::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::DocumentId;

/// A kind of document. Declared once, as a static: see [`crate::collections`].
#[derive(Debug)]
pub struct Collection {
    /// The name: 1 to 32 of `a-z`, `0-9` and `-`. Never reused for something else.
    pub name: &'static str,
    /// By what its documents are found beside their id. An index that is added later is built when the store opens.
    pub indexes: &'static [Index],
    /// Whether changes of it appear in the change feed.
    pub feed: FeedMembership,
}

/// Whether a collection's changes appear in the change feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedMembership {
    /// They do: other systems are told of them.
    Published,
    /// They do not: they are the host's own book-keeping.
    Private,
}

/// A type that is stored as documents of one collection.
pub trait Entity: Serialize + DeserializeOwned {
    /// Its collection.
    const COLLECTION: &'static Collection;

    /// The document's id.
    fn document_id(&self) -> DocumentId;
}
