//! Errors of the lower floors as problems.

use mortise_integration::IntegrationError;
use mortise_model::error::PluginError;
use mortise_query::{CursorError, FilterError, OrderError, PageError};
use mortise_records::RecordError;
use mortise_runtime::{CallError, Refused, RuntimeError};
use mortise_store::{Conflict, StoreError};

use super::{Problem, kind, kind_by_code};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Document { .. }) => {
                Self::new(&kind::CHANGED, "it was changed meanwhile: read it again and repeat the change")
            }
            StoreError::Conflict(_) => {
                Self::new(&kind::CONFLICT, "another one with the same unique value exists")
            }
            StoreError::Invalid(message) => {
                tracing::warn!(message, "the store refused what a request asked of it");
                Self::new(&kind::BEYOND_BOUNDS, message)
            }
            StoreError::Unavailable { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store is not available");
                Self::new(&kind::UNAVAILABLE, "the store is not available: try again later").retry_after(5)
            }
            other => Self::internal(&other),
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refused(errors) => Self::invalid(errors),
            RecordError::NotFound { .. } => Self::new(&kind::NOT_FOUND, error.to_string()),
            RecordError::Changed { .. } => Self::new(&kind::CHANGED, error.to_string()),
            RecordError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<IntegrationError> for Problem {
    fn from(error: IntegrationError) -> Self {
        match error {
            IntegrationError::NotFound { what, id } => Self::not_found(what, &id),
            IntegrationError::Invalid(errors) => Self::invalid(errors),
            IntegrationError::Conflict(message) => Self::new(&kind::CONFLICT, message),
            IntegrationError::Changed { .. } => Self::new(&kind::CHANGED, error.to_string()),
            IntegrationError::Limit(message) => Self::new(&kind::LIMIT, message),
            IntegrationError::Component(refused) => refused.into(),
            IntegrationError::Call(error) => error.into(),
            IntegrationError::Plugin(error) => error.into(),
            IntegrationError::Record(error) => error.into(),
            IntegrationError::Runtime(error) => error.into(),
            IntegrationError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let reason = match &refused {
            Refused::TooLarge { .. } => return Self::new(&kind::TOO_LARGE, refused.to_string()),
            Refused::NotWasm => "not-wasm",
            Refused::CoreModule => "core-module",
            Refused::Invalid(_) => "invalid",
            Refused::World(_) => "world",
            Refused::Contract { .. } => "contract",
            Refused::Imports(_) => "imports",
            Refused::TooBig(_) => "too-big",
            Refused::NotCompiled(_) => "not-compiled",
            Refused::Manifest(_) => "manifest",
            Refused::Host(_) => "",
            _ => "other",
        };
        match refused {
            Refused::Host(error) => error.into(),
            refused => Self::new(&kind::COMPONENT, refused.to_string()).with("reason", reason),
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Plugin(error) => error.into(),
            CallError::Host(error) => error.into(),
            error => Self::new(&kind::PLUGIN, error.to_string()),
        }
    }
}

impl From<PluginError> for Problem {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Rejected { errors } => Self::invalid(errors),
            error => Self::new(&kind::PLUGIN, error.to_string()),
        }
    }
}

impl From<RuntimeError> for Problem {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::NoComponent(_) => Self::new(&kind::CONFLICT, error.to_string()),
            RuntimeError::Busy(_) => Self::new(&kind::BUSY, error.to_string()).retry_after(5),
            RuntimeError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        let kind = kind_by_code(error.code()).unwrap_or(&kind::FILTER_SYNTAX);
        with_place(Self::new(kind, error.to_string()), error.position, error.property, error.allowed)
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let kind = kind_by_code(error.code()).unwrap_or(&kind::ORDER_SYNTAX);
        with_place(Self::new(kind, error.to_string()), error.position, error.property, error.allowed)
    }
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        Self::new(kind_by_code(error.code()).unwrap_or(&kind::PAGE), error.to_string())
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::new(&kind::PAGE_CURSOR, error.to_string())
    }
}

fn with_place(
    mut problem: Problem,
    position: usize,
    property: Option<String>,
    allowed: Vec<&'static str>,
) -> Problem {
    problem = problem.with("position", position);
    if let Some(property) = property {
        problem = problem.with("property", property);
    }
    if !allowed.is_empty() {
        problem = problem.with("allowed", allowed);
    }
    problem
}
