//! The control interface: for tests, outside authentication, counters and faults.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{App, Problem};
use crate::{
    churn::ChurnReport,
    customer::Customer,
    faults::{FaultRule, FaultRuleError},
    invoice::Invoice,
    ledger::LedgerError,
    record::Record,
    traffic::Counters,
};

/// The most changes of one request.
const MAX_CHANGES: u32 = 100_000;

/// How many changes to make at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChurnRequest {
    changes: u32,
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/customers", get(truth::<Customer>))
        .route("/_control/invoices", get(truth::<Invoice>))
        .route("/_control/churn", post(churn))
        .route("/_control/faults", get(waiting).post(add_fault).delete(clear_faults))
        .route("/_control/requests", get(counters))
        .route("/_control/tokens", delete(expire_tokens))
        .route("/_control/reset", post(reset))
}

/// Every record of a kind, in the order of numbers, and every tombstone.
async fn truth<R: Record>(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (records, tombstones) = {
        let books = app.ledger.read();
        let shelf = R::shelf(&books);
        let records: Vec<Bytes> = shelf.all().cloned().collect();
        (records, serde_json::to_string(shelf.tombstones(None)))
    };
    let tombstones = tombstones.map_err(LedgerError::from)?;
    let weight: usize = records.iter().map(|record| record.len() + 1).sum();
    let mut body = Vec::with_capacity(weight + tombstones.len() + 64);
    body.extend_from_slice(b"{\"items\":[");
    body.extend_from_slice(&records.join(&b','));
    body.extend_from_slice(format!("],\"deleted\":{tombstones},\"total\":{}}}", records.len()).as_bytes());
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn churn(
    State(app): State<Arc<App>>,
    request: Result<Json<ChurnRequest>, JsonRejection>,
) -> Result<Json<ChurnReport>, Problem> {
    let Json(ChurnRequest { changes }) = request?;
    if MAX_CHANGES < changes {
        let message = format!("changes: is {changes}; at most {MAX_CHANGES} at once");
        return Err(Problem::bad_body(message));
    }
    Ok(Json(app.ledger.churn(changes)?))
}

async fn waiting(State(app): State<Arc<App>>) -> Response {
    Json(json!({ "items": app.faults.waiting() })).into_response()
}

async fn add_fault(
    State(app): State<Arc<App>>,
    rule: Result<Json<FaultRule>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(rule) = rule?;
    app.faults.add(rule)?;
    Ok(StatusCode::CREATED)
}

async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

async fn counters(State(app): State<Arc<App>>) -> Json<Counters> {
    Json(app.traffic.counters())
}

async fn expire_tokens(State(app): State<Arc<App>>) -> StatusCode {
    app.tokens.expire_all();
    StatusCode::NO_CONTENT
}

async fn reset(State(app): State<Arc<App>>) -> Result<StatusCode, Problem> {
    app.reset()?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::bad_body(rejection.body_text())
    }
}

impl From<FaultRuleError> for Problem {
    fn from(error: FaultRuleError) -> Self {
        Self::bad_body(error.to_string())
    }
}
