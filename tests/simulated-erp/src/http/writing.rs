//! Records created, changed and deleted.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};

use super::{App, Problem, records::answer};
use crate::{
    ledger::{Change, Created, Precondition},
    record::Record,
};

/// The longest idempotency key, in characters.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// What a request carries, if it arrived whole.
type Body = Result<Bytes, BytesRejection>;

/// `POST /api/v2/customers` and `/api/v2/invoices`.
pub(super) async fn create<R: Record>(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency_key(&headers)?;
    let body = object(&headers, body)?;
    let created = app.ledger.write().create::<R>(body, idempotency_key)?;
    let (key, shelved, replayed) = match created {
        Created::New(key, shelved) => {
            app.traffic.created(R::KIND);
            (key, shelved, "false")
        }
        Created::Replayed(key, shelved) => {
            app.traffic.replayed();
            (key, shelved, "true")
        }
    };
    let mut response = answer(shelved);
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert("idempotent-replayed", HeaderValue::from_static(replayed));
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v2/{}s/{key}", R::KIND)) {
        headers.insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `PUT /api/v2/customers/{no}` and `/api/v2/invoices/{no}`.
pub(super) async fn replace<R: Record>(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    change::<R>(&app, &key, &headers, body, Change::Replace)
}

/// `PATCH /api/v2/customers/{no}` and `/api/v2/invoices/{no}`.
pub(super) async fn merge<R: Record>(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    change::<R>(&app, &key, &headers, body, Change::Merge)
}

/// `DELETE /api/v2/customers/{no}` and `/api/v2/invoices/{no}`.
pub(super) async fn remove<R: Record>(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let precondition = precondition(&headers)?;
    app.ledger.write().remove::<R>(&key, precondition)?;
    Ok(StatusCode::NO_CONTENT)
}

fn change<R: Record>(
    app: &App,
    key: &str,
    headers: &HeaderMap,
    body: Body,
    change: Change,
) -> Result<Response, Problem> {
    let precondition = precondition(headers)?;
    let body = object(headers, body)?;
    let shelved = app.ledger.write().change::<R>(key, body, change, precondition)?;
    Ok(answer(shelved))
}

/// The JSON object that a request carries.
fn object(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| matches!(media.trim(), "application/json" | "application/merge-patch+json"));
    if !json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "send the record as `Content-Type: application/json`".to_owned(),
        ));
    }
    serde_json::from_slice(&body?).map_err(|error| Problem::bad_body(format!("not a JSON object: {error}")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    value.to_str().ok().filter(|key| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len())).map(Some).ok_or_else(
        || {
            Problem::bad_header(format!(
                "Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} ASCII characters"
            ))
        },
    )
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(Precondition::Exists);
    };
    match value.to_str().map(|text| text.trim().trim_matches('"')) {
        Ok("*") => Ok(Precondition::Exists),
        Ok(text) => text.parse().map(Precondition::Revision).map_err(|_| {
            Problem::bad_header(format!("If-Match: `{text}` is not a revision; send one number or *"))
        }),
        Err(_) => Err(Problem::bad_header("If-Match: is not text; send one number or *".to_owned())),
    }
}
