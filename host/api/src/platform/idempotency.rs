//! Requests that may be sent twice: the answer to the first is kept with what it did, in one batch.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};
use mortise_model::clock::Timestamp;
use mortise_model::id::{Digest, TenantId};
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_store::collections::IDEMPOTENT_ANSWERS;
use mortise_store::{Document, DocumentId, Expect, StoreError, Version, Write};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::resource::tag;
use crate::app::App;
use crate::problem::{Problem, kind};

/// The header that carries the key.
pub(crate) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// Longest key, in characters.
const MAX_KEY: usize = 255;
/// Most expired answers that are removed with each one that is kept.
const SWEEP: u32 = 20;

/// A request under a key of a caller.
pub(super) struct KeyedRequest {
    id: DocumentId,
    request: Digest,
    expect: Expect,
    sweep: Vec<DocumentId>,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptAnswer {
    request: Digest,
    location: String,
    /// What of the entity tag is not the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<u8>,
    body: Box<RawValue>,
    expires_at: Timestamp,
}

/// What is known of a key.
pub(super) enum Known {
    /// The request was answered before.
    Answered(Response),
    /// It was not.
    New(KeyedRequest),
}

/// Looks whether a request with a key was answered before. None when it has no key.
///
/// # Errors
/// When the key was used for another request.
pub(super) async fn look_up(
    app: &App,
    tenant: &TenantId,
    caller: &str,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<Known>, Problem> {
    let Some(key) = key(headers)? else { return Ok(None) };
    let request = Digest::of(&[path.as_bytes(), b"\0", body].concat());
    let id = DocumentId::from(format!("{caller}/{key}"));
    let found = app.store.get(tenant, &IDEMPOTENT_ANSWERS, &id).await?;
    let mut expect = Expect::Absent;
    if let Some(document) = found {
        let kept: KeptAnswer = document.decode()?;
        if app.now() < kept.expires_at {
            return kept.answer(&request, document.version).map(|response| Some(Known::Answered(response)));
        }
        expect = Expect::At(document.version);
    }
    let sweep = expired(app, tenant, &id).await?;
    Ok(Some(Known::New(KeyedRequest { id, request, expect, sweep })))
}

impl KeyedRequest {
    /// The writes that keep the answer, and remove some that expired.
    pub(super) fn keep(
        self,
        now: Timestamp,
        location: String,
        phase: Option<u8>,
        body: String,
    ) -> Result<Vec<Write>, StoreError> {
        let corrupt = |error| StoreError::Corrupt(format!("an answer does not serialise: {error}"));
        let body = RawValue::from_string(body).map_err(corrupt)?;
        let kept = KeptAnswer { request: self.request, location, phase, body, expires_at: now.plus(KEPT) };
        let body = serde_json::to_string(&kept).map_err(corrupt)?;
        let mut writes =
            vec![Write::Put { collection: &IDEMPOTENT_ANSWERS, id: self.id, expect: self.expect, body }];
        writes.extend(self.sweep.into_iter().map(|id| Write::Delete {
            collection: &IDEMPOTENT_ANSWERS,
            id,
            expect: Expect::Any,
        }));
        Ok(writes)
    }
}

impl KeptAnswer {
    /// `version` is the kept document's own, which came from the same batch as the record's.
    fn answer(self, request: &Digest, version: Version) -> Result<Response, Problem> {
        if self.request != *request {
            let detail = "this key was used for another request: use a new key for each request";
            return Err(Problem::new(&kind::KEY_REUSED, detail));
        }
        let headers = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::LOCATION, self.location),
            (header::ETAG, tag(version, self.phase).to_string()),
            (REPLAYED.clone(), "true".to_owned()),
        ];
        Ok((StatusCode::CREATED, headers, self.body.get().to_owned()).into_response())
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(Some)
        .ok_or_else(|| {
            let detail = format!("`Idempotency-Key` must be 1 to {MAX_KEY} visible ASCII characters");
            Problem::new(&kind::HEADER, detail)
        })
}

async fn expired(app: &App, tenant: &TenantId, but: &DocumentId) -> Result<Vec<DocumentId>, StoreError> {
    let query = Query {
        filter: Some(Filter::lt("expiresAt", app.now().to_utc())),
        order: vec![SortKey::ascending("expiresAt", ValueType::Timestamp)],
        page: PageRequest::first(SWEEP),
        count: false,
    };
    let found = app.store.query(tenant, &IDEMPOTENT_ANSWERS, &query).await?;
    Ok(found.documents.into_iter().map(|Document { id, .. }| id).filter(|id| id != but).collect())
}
