//! `/manage/plugins`: plugins and what is granted to them.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use mortise_model::id::{Digest, PluginName};
use mortise_model::plugin::{Grant, Permissions, Plugin};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::schema;

/// What to grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewGrant {
    /// The release whose manifest was looked at, `sha256:` and 64 digits. It becomes active.
    #[schema(value_type = String)]
    release: Digest,
    /// What is allowed, in place of what was before.
    #[schema(value_type = schema::plugin::Permissions)]
    permissions: Permissions,
}

/// A grant that was given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GrantAnswer {
    /// The plugin as it is now.
    #[schema(value_type = schema::plugin::Plugin)]
    plugin: Plugin,
    /// The grant.
    #[schema(value_type = schema::plugin::Grant)]
    grant: Grant,
}

/// The name of a plugin in a path.
pub(super) fn plugin_name((publisher, name): &(String, String)) -> Result<PluginName, Problem> {
    let text = format!("{publisher}/{name}");
    text.parse().map_err(|_| Problem::not_found("plugin", &text))
}

/// Lists plugins by name.
#[utoipa::path(
    get,
    path = "/manage/plugins",
    operation_id = "listPlugins",
    tag = "Plugins",
    responses((status = 200, description = "Every plugin of the tenant", body = Vec<schema::plugin::Plugin>))
)]
pub(super) async fn list_plugins(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
) -> Result<Json<Vec<Plugin>>, Problem> {
    Ok(Json(app.integration.plugins().list(&allowed.tenant).await?))
}

/// Reads a plugin.
#[utoipa::path(
    get,
    path = "/manage/plugins/{publisher}/{name}",
    operation_id = "getPlugin",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 200, description = "The plugin", body = schema::plugin::Plugin))
)]
pub(super) async fn get_plugin(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<Json<Plugin>, Problem> {
    Ok(Json(app.integration.plugins().get(&allowed.tenant, &plugin_name(&name)?).await?))
}

/// Removes a plugin with its releases and its grant. Instances that use it must go first.
#[utoipa::path(
    delete,
    path = "/manage/plugins/{publisher}/{name}",
    operation_id = "removePlugin",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 204, description = "The plugin is gone"))
)]
pub(super) async fn remove_plugin(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.integration.plugins().remove(&allowed.tenant, &plugin_name(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads what is granted to a plugin.
#[utoipa::path(
    get,
    path = "/manage/plugins/{publisher}/{name}/grant",
    operation_id = "getGrant",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 200, description = "The grant. Not found when nothing is granted", body = schema::plugin::Grant))
)]
pub(super) async fn get_grant(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<Json<Grant>, Problem> {
    let name = plugin_name(&name)?;
    let granted = app.integration.plugins().granted(&allowed.tenant, &name).await?;
    granted.map(Json).ok_or_else(|| Problem::not_found("grant of the plugin", name.as_str()))
}

/// Grants permissions to a plugin in place of those before, and makes the release active.
#[utoipa::path(
    put,
    path = "/manage/plugins/{publisher}/{name}/grant",
    operation_id = "putGrant",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    request_body = NewGrant,
    responses((status = 200, description = "The plugin and the grant", body = GrantAnswer))
)]
pub(super) async fn put_grant(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
    JsonBody(new): JsonBody<NewGrant>,
) -> Result<Json<GrantAnswer>, Problem> {
    let plugins = app.integration.plugins();
    let (plugin, grant) =
        plugins.grant(&allowed.tenant, &plugin_name(&name)?, &new.release, new.permissions).await?;
    Ok(Json(GrantAnswer { plugin, grant }))
}

/// Takes back what was granted. New calls of the plugin are denied everything.
#[utoipa::path(
    delete,
    path = "/manage/plugins/{publisher}/{name}/grant",
    operation_id = "removeGrant",
    tag = "Plugins",
    params(
        ("publisher" = String, Path, description = "The publisher"),
        ("name" = String, Path, description = "The plugin"),
    ),
    responses((status = 204, description = "Nothing is granted any more"))
)]
pub(super) async fn remove_grant(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(name): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.integration.plugins().revoke(&allowed.tenant, &plugin_name(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
