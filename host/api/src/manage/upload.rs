//! `POST /manage/plugins`: a component as a streamed, bounded body, raw or in a form.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mortise_model::plugin::{Plugin, Release};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Allowed, WriteManagement};
use crate::app::App;
use crate::body::{media_type, read, require_media_type};
use crate::multipart::read_part;
use crate::problem::{Problem, kind};
use crate::schema;

/// The media type of forms with files (RFC 7578).
const FORM: &str = "multipart/form-data";

/// A form with a component, as `curl --form component=@plugin.wasm` sends it.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only described: parts are read as they come")]
pub(super) struct UploadForm {
    /// The component.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
}

/// What an upload came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadAnswer {
    /// The plugin. Its active release is the new one only when the grant covers it.
    #[schema(value_type = schema::plugin::Plugin)]
    plugin: Plugin,
    /// The release.
    #[schema(value_type = schema::plugin::Release)]
    release: Release,
    /// What the manifest asks for and the grant does not give, in sentences. Empty when the release is active.
    missing: Vec<String>,
}

/// Uploads a component. The same bytes again are the same release.
#[utoipa::path(
    post,
    path = "/manage/plugins",
    operation_id = "uploadPlugin",
    tag = "Plugins",
    request_body(
        content((Vec<u8> = "application/wasm"), (UploadForm = "multipart/form-data")),
        description = "The component: as it is, or as the one part `component` of a form",
    ),
    responses((status = 201, description = "The release", body = UploadAnswer))
)]
pub(super) async fn upload_plugin(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    require_media_type(request.headers(), &["application/wasm", FORM])?;
    let _share = app.upload_shares.take(&allowed.tenant)?;
    let Ok(_permit) = app.uploads.try_acquire() else {
        let detail = "the host takes in as many components as it can: try again shortly";
        return Err(Problem::new(&kind::BUSY, detail).retry_after(5));
    };
    let (most, limit) = (app.config.max_component_bytes, "maxComponentBytes");
    let component = if media_type(request.headers()) == FORM {
        read_part(request, "component", most, limit).await?
    } else {
        read(request, most, limit).await?
    };
    let uploaded = app.integration.plugins().upload(&allowed.tenant, component).await?;
    let location = format!("/manage/plugins/{}", uploaded.plugin.name);
    let answer =
        UploadAnswer { plugin: uploaded.plugin, release: uploaded.release, missing: uploaded.missing };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}
