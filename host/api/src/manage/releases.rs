//! Releases of a plugin: which there are, which is active.

use axum::Json;
use axum::extract::{Path, State};
use mortise_model::id::Digest;
use mortise_model::plugin::{Plugin, Release};
use serde::Deserialize;
use utoipa::ToSchema;

use super::plugins::plugin_name;
use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::schema;

/// The release to make active.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Activation {
    /// The release, `sha256:` and 64 digits.
    #[schema(value_type = String)]
    release: Digest,
}

/// Lists the releases of a plugin, the newest first.
#[utoipa::path(
    get,
    path = "/manage/plugins/{publisher}/{name}/releases",
    operation_id = "listReleases",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 200, description = "The releases", body = Vec<schema::plugin::Release>))
)]
pub(super) async fn list_releases(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<Json<Vec<Release>>, Problem> {
    Ok(Json(app.integration.plugins().releases(&allowed.tenant, &plugin_name(&name)?).await?))
}

/// Makes a release active that the grant covers.
#[utoipa::path(
    post,
    path = "/manage/plugins/{publisher}/{name}/activate",
    operation_id = "activateRelease",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    request_body = Activation,
    responses((status = 200, description = "The plugin as it is now", body = schema::plugin::Plugin))
)]
pub(super) async fn activate_release(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
    JsonBody(activation): JsonBody<Activation>,
) -> Result<Json<Plugin>, Problem> {
    let plugins = app.integration.plugins();
    Ok(Json(plugins.activate(&allowed.tenant, &plugin_name(&name)?, &activation.release).await?))
}

/// Makes the release that was active before active again, at once.
#[utoipa::path(
    post,
    path = "/manage/plugins/{publisher}/{name}/rollback",
    operation_id = "rollBack",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 200, description = "The plugin as it is now", body = schema::plugin::Plugin))
)]
pub(super) async fn roll_back(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<Json<Plugin>, Problem> {
    Ok(Json(app.integration.plugins().roll_back(&allowed.tenant, &plugin_name(&name)?).await?))
}
