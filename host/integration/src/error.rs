//! Why a request about plugins, instances or runs was refused.

use mortise_model::error::{FieldError, PluginError};
use mortise_records::RecordError;
use mortise_runtime::{CallError, Refused, RuntimeError};
use mortise_store::StoreError;

use crate::binding::BindingProblem;

/// Why a request was refused. Nothing changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrationError {
    /// There is no such thing in the tenant.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What it would be: `plugin`, `release`, `instance`, `run`.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// What was sent breaks rules. Every broken rule is listed.
    #[error("the request was refused: {}", join(.0))]
    Invalid(Vec<FieldError>),
    /// It cannot be done as things stand. The message says what to do first.
    #[error("{0}")]
    Conflict(String),
    /// It was changed by somebody else meanwhile.
    #[error("{what} `{id}` changed meanwhile: read it again and repeat the change")]
    Changed {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A limit of the tenant is reached. The message names it.
    #[error("{0}")]
    Limit(String),
    /// The component was refused.
    #[error(transparent)]
    Component(#[from] Refused),
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The plugin, or the far side, said no.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A record was refused.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The host's runtime failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a binding lacks, as the answer to a request that needed it. Pointers start at the instance.
impl From<BindingProblem> for IntegrationError {
    fn from(problem: BindingProblem) -> Self {
        match problem {
            BindingProblem::Settings { errors, .. } => Self::Invalid(below("/settings", errors)),
            BindingProblem::Store(error) => Self::Store(error),
            other => Self::Conflict(other.to_string()),
        }
    }
}

/// The errors of a part, with pointers that start at the whole.
pub(crate) fn below(place: &str, mut errors: Vec<FieldError>) -> Vec<FieldError> {
    for error in &mut errors {
        error.pointer.insert_str(0, place);
    }
    errors
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
