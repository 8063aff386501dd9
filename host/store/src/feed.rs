//! The change feed: what changed, in the order in which it was committed.

use mortise_model::clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DocumentId, Origin};

/// A place in a tenant's change feed. Rises with every batch; gaps are ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

/// What one batch changed in published collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSet {
    /// The batch's place.
    pub sequence: Sequence,
    /// Who caused it.
    pub origin: Origin,
    /// When.
    pub at: Timestamp,
    /// The documents, in the order of the batch.
    pub changes: Vec<Change>,
}

/// One changed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The collection's name.
    pub collection: String,
    /// The document.
    pub id: DocumentId,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It was written again.
    Updated,
    /// It was removed.
    Deleted,
}
