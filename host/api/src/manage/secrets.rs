//! Secrets of an instance. Values go in and never come out.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use mortise_integration::SecretInfo;
use mortise_model::clock::Timestamp;
use mortise_model::secret::SecretText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::instances::instance_id;
use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::Problem;

/// A value to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewSecret {
    /// The value. Never shown again.
    #[schema(value_type = String, write_only)]
    value: SecretText,
}

/// A secret without its value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownSecret {
    /// The name.
    name: String,
    /// Whether the plugin's active release needs it.
    required: bool,
    /// When its value was last set. Missing when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    set_at: Option<Timestamp>,
}

impl From<SecretInfo> for ShownSecret {
    fn from(info: SecretInfo) -> Self {
        Self { name: info.name, required: info.required, set_at: info.set_at }
    }
}

/// Lists the secrets that the plugin declares, without their values.
#[utoipa::path(
    get,
    path = "/manage/instances/{id}/secrets",
    operation_id = "listSecrets",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses((status = 200, description = "The secrets, without their values", body = Vec<ShownSecret>))
)]
pub(super) async fn list_secrets(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShownSecret>>, Problem> {
    let secrets = app.integration.instances().secrets(&allowed.tenant, &instance_id(&id)?).await?;
    Ok(Json(secrets.into_iter().map(ShownSecret::from).collect()))
}

/// Sets the value of a secret.
#[utoipa::path(
    put,
    path = "/manage/instances/{id}/secrets/{name}",
    operation_id = "putSecret",
    tag = "Instances",
    params(
        ("id" = String, Path, description = "The instance"),
        ("name" = String, Path, description = "The secret"),
    ),
    request_body = NewSecret,
    responses((status = 204, description = "The value is kept"))
)]
pub(super) async fn put_secret(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
    JsonBody(new): JsonBody<NewSecret>,
) -> Result<StatusCode, Problem> {
    app.integration.instances().set_secret(&allowed.tenant, &instance_id(&id)?, &name, new.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the value of a secret.
#[utoipa::path(
    delete,
    path = "/manage/instances/{id}/secrets/{name}",
    operation_id = "removeSecret",
    tag = "Instances",
    params(
        ("id" = String, Path, description = "The instance"),
        ("name" = String, Path, description = "The secret"),
    ),
    responses((status = 204, description = "The value is gone"))
)]
pub(super) async fn remove_secret(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.integration.instances().remove_secret(&allowed.tenant, &instance_id(&id)?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
