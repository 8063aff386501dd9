//! Reading, creating and changing one record: the same for every resource.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use http::{HeaderMap, StatusCode, header};
use mortise_model::id::TenantId;
use mortise_records::RecordError;
use mortise_store::collections::IDEMPOTENT_ANSWERS;
use mortise_store::{Conflict, Origin, StoreError, Version};

use super::idempotency::{Known, look_up};
use super::patch::Patch;
use super::resource::{Resource, phase, show, tag};
use crate::app::App;
use crate::body::{RawBody, media_type, parse, require_media_type};
use crate::etag::{explain_change, is_conditional};
use crate::members::members_of;
use crate::problem::Problem;

/// How often a patch is applied anew when others change the record meanwhile.
const ATTEMPTS: u32 = 5;

/// Answers one record.
pub(super) async fn get<R: Resource>(
    app: &App,
    tenant: &TenantId,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let number = number::<R>(id)?;
    let (record, version) = app.integration.records().read::<R>(tenant, number).await?;
    let tag = tag(version, phase(&record, today(app)));
    if tag.is_known(headers) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.header())]).into_response());
    }
    Ok(answer(&record, version, today(app)))
}

/// Creates a record, once per idempotency key.
pub(super) async fn create<R: Resource>(
    app: &App,
    tenant: &TenantId,
    caller: &str,
    body: &RawBody,
) -> Result<Response, Problem> {
    let RawBody { headers, bytes } = body;
    require_media_type(headers, &["application/json"])?;
    let keyed = match look_up(app, tenant, caller, R::PATH, headers, bytes).await? {
        Some(Known::Answered(response)) => return Ok(response),
        Some(Known::New(keyed)) => Some(keyed),
        None => None,
    };
    let fields: R::Fields = parse(bytes)?;
    let (now, day) = (app.now(), today(app));
    let created = app
        .integration
        .records()
        .create_with(tenant, fields, Origin::Api, |record: &R| match keyed {
            Some(keyed) => {
                let shown = serde_json::to_string(&show(record, day))
                    .map_err(|error| StoreError::Corrupt(format!("a record does not serialise: {error}")))?;
                keyed.keep(now, location(record), phase(record, day), shown)
            }
            None => Ok(Vec::new()),
        })
        .await;
    match created {
        Ok((record, version)) => {
            let mut response = answer(&record, version, day);
            *response.status_mut() = StatusCode::CREATED;
            if let Ok(location) = location(&record).parse() {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
        Err(RecordError::Store(StoreError::Conflict(Conflict::Document { collection, id, expected })))
            if collection == IDEMPOTENT_ANSWERS.name =>
        {
            // The same request came twice at the same time, and the other was faster.
            match look_up(app, tenant, caller, R::PATH, headers, bytes).await? {
                Some(Known::Answered(response)) => Ok(response),
                _ => Err(StoreError::from(Conflict::Document { collection, id, expected }).into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes a record by a patch document. Without `If-Match` the patch is applied to whatever the record is.
pub(super) async fn patch<R: Resource>(
    app: &App,
    tenant: &TenantId,
    id: &str,
    body: &RawBody,
) -> Result<Response, Problem> {
    let RawBody { headers, bytes } = body;
    let patch = Patch::parse(&media_type(headers), bytes)?;
    let number = number::<R>(id)?;
    let records = app.integration.records();
    let mut attempt = 1;
    loop {
        let (record, version) = records.read::<R>(tenant, number).await?;
        let day = today(app);
        tag(version, phase(&record, day)).require_match(headers)?;
        let shown = serde_json::to_value(show(&record, day)).map_err(|error| Problem::internal(&error))?;
        let fields = patch.apply::<R::Fields>(shown, members_of::<R::Fields>())?;
        match records.update(tenant, record, version, fields, Origin::Api).await {
            Ok((record, version)) => return Ok(answer(&record, version, day)),
            Err(RecordError::Changed { .. }) if attempt < ATTEMPTS && !is_conditional(headers) => {
                attempt += 1;
            }
            Err(error) => return Err(explain_change(error.into(), headers)),
        }
    }
}

fn answer<R: Resource>(record: &R, version: Version, today: NaiveDate) -> Response {
    let tag = tag(version, phase(record, today)).header();
    ([(header::ETAG, tag)], Json(show(record, today))).into_response()
}

fn location<R: Resource>(record: &R) -> String {
    format!("{}/{}", R::PATH, record.number())
}

fn number<R: Resource>(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::not_found(R::KIND.name(), id))
}

fn today(app: &App) -> NaiveDate {
    app.now().to_utc().date_naive()
}
