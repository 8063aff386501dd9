//! Why a record was not written.

use mortise_model::entity::EntityKind;
use mortise_model::error::FieldError;
use mortise_store::StoreError;

/// Why a record was not read or written. Nothing changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record breaks rules. Every broken rule is listed.
    #[error("the record was refused: {}", join(.0))]
    Refused(Vec<FieldError>),
    /// There is no such record in the tenant.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// The entity.
        kind: EntityKind,
        /// The number that was asked for.
        id: u64,
    },
    /// The record changed since it was read.
    #[error("{kind} {id} changed since it was read: read it again and repeat the change")]
    Changed {
        /// The entity.
        kind: EntityKind,
        /// The record.
        id: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
