//! What can go wrong in a store.

use mortise_model::id::JobId;

use crate::{DocumentId, Expect};

/// Why a store did not do what it was asked for. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A precondition does not hold any more: read again and decide again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The lease ended and the job went to another worker: stop working on it.
    #[error("the lease of {0} is lost: another worker has the job, or it was cancelled")]
    LeaseLost(JobId),
    /// The request itself is wrong: a bug of the caller, or a bound exceeded.
    #[error("the store refused the request: {0}")]
    Invalid(String),
    /// What is stored does not read back. The message says what; nothing was repaired.
    #[error("the store holds something it cannot read: {0}")]
    Corrupt(String),
    /// The store was written by a newer version of Mortise.
    #[error(
        "the store has format {found}, this version of Mortise reads up to {supported}: run the newer version"
    )]
    NewerFormat {
        /// What the store has.
        found: u32,
        /// What this version reads.
        supported: u32,
    },
    /// The disk or the database failed. Trying again may help.
    #[error("the store is not available: {message}")]
    Unavailable {
        /// What failed.
        message: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// A precondition of a batch that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A document is not what was expected.
    #[error("{collection}/{id} is not as expected ({expected:?}): it was changed meanwhile")]
    Document {
        /// The collection's name.
        collection: &'static str,
        /// The document.
        id: DocumentId,
        /// What it was expected to be.
        expected: Expect,
    },
    /// Another document has the same value in a unique index.
    #[error("another document of {collection} has the same {index}: {id}")]
    NotUnique {
        /// The collection's name.
        collection: &'static str,
        /// The index's name.
        index: &'static str,
        /// The document that has it.
        id: DocumentId,
    },
}
