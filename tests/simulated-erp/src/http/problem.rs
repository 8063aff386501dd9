//! Errors as the ledger sends them: `{ "error": { "code", "message" } }`, with `fields` where a record is at fault.

use axum::{
    Json,
    extract::rejection::{BytesRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{ledger::LedgerError, record::FieldError};

/// An error as the ledger sends it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<FieldError>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, code, message, fields: Vec::new() }
    }

    pub(crate) fn bad_parameter(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", message)
    }

    pub(crate) fn bad_body(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_body", message)
    }

    pub(crate) fn bad_header(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_header", message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let (status, code) = match &error {
            LedgerError::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            LedgerError::RevisionMismatch { .. } => (StatusCode::PRECONDITION_FAILED, "revision_mismatch"),
            LedgerError::Locked(_) => (StatusCode::CONFLICT, "locked"),
            LedgerError::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            LedgerError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            LedgerError::Full => (StatusCode::INSUFFICIENT_STORAGE, "full"),
            LedgerError::Encoding(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let message = error.to_string();
        let fields = match error {
            LedgerError::Invalid { errors, .. } => errors,
            _ => Vec::new(),
        };
        Self { fields, ..Self::new(status, code, message) }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_parameter(rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), "bad_body", rejection.body_text())
    }
}
