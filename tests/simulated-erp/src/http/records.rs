//! Single records.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{App, Problem};
use crate::{record::Record, shelf::Shelved};

/// `GET /api/v2/customers/{no}` and `/api/v2/invoices/{no}`.
pub(super) async fn read<R: Record>(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let shelved = app.ledger.read().get::<R>(&key)?.clone();
    Ok(answer(shelved))
}

/// The record with its revision as `ETag`.
pub(super) fn answer(shelved: Shelved) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", shelved.revision)) {
        headers.insert(header::ETAG, tag);
    }
    (headers, shelved.json).into_response()
}
