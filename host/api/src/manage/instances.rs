//! `/manage/instances`: links through a connector to another system.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use mortise_integration::{InstanceChanges, NewInstance};
use mortise_model::id::{InstanceId, PluginName};
use mortise_model::instance::{Instance, RecordingMode, SyncAction};
use mortise_model::log::LogLevel;
use mortise_model::secret::SecretText;
use mortise_store::Version;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::body::{JsonBody, MergeBody};
use crate::etag::{EntityTag, explain_change};
use crate::problem::Problem;
use crate::schema;

/// An instance to be linked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InstanceInput {
    /// The name people read. Unique in the tenant.
    name: String,
    /// The plugin, `publisher/plugin`. It must have an active release.
    #[schema(value_type = String)]
    plugin: PluginName,
    /// The settings that the plugin's manifest describes.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Map<String, Value>,
    /// Values of secrets, by name. Never shown again.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    secrets: BTreeMap<String, SecretText>,
    /// What a run does, in order. Everything that the plugin can pull when left out.
    #[schema(value_type = Option<Vec<schema::instance::SyncAction>>)]
    actions: Option<Vec<SyncAction>>,
    /// The least level of the plugin's log lines that are kept.
    #[serde(default)]
    #[schema(value_type = Option<schema::instance::LogLevel>)]
    log_level: LogLevel,
}

/// Changes to an instance. A missing member stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InstancePatch {
    /// The name people read.
    name: Option<String>,
    /// The settings to change. Null takes one away.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    /// What a run does, all of it.
    #[schema(value_type = Option<Vec<schema::instance::SyncAction>>)]
    actions: Option<Vec<SyncAction>>,
    /// The least level of the plugin's log lines that are kept.
    #[schema(value_type = Option<schema::instance::LogLevel>)]
    log_level: Option<LogLevel>,
    /// Whether what the host answers the plugin is kept, so that pulls can be replayed.
    #[schema(value_type = Option<schema::instance::RecordingMode>)]
    recording: Option<RecordingMode>,
}

/// The id of an instance in a path.
pub(super) fn instance_id(text: &str) -> Result<InstanceId, Problem> {
    text.parse().map_err(|_| Problem::not_found("instance", text))
}

fn answer(instance: Instance, version: Version) -> Response {
    ([(header::ETAG, EntityTag::new(version).header())], Json(instance)).into_response()
}

/// Lists instances by name.
#[utoipa::path(
    get,
    path = "/manage/instances",
    operation_id = "listInstances",
    tag = "Instances",
    responses((status = 200, description = "Every instance of the tenant", body = Vec<schema::instance::Instance>))
)]
pub(super) async fn list_instances(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
) -> Result<Json<Vec<Instance>>, Problem> {
    Ok(Json(app.integration.instances().list(&allowed.tenant).await?))
}

/// Links an instance.
#[utoipa::path(
    post,
    path = "/manage/instances",
    operation_id = "createInstance",
    tag = "Instances",
    request_body = InstanceInput,
    responses((status = 201, description = "The instance", body = schema::instance::Instance))
)]
pub(super) async fn create_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    JsonBody(input): JsonBody<InstanceInput>,
) -> Result<Response, Problem> {
    let InstanceInput { name, plugin, settings, secrets, actions, log_level } = input;
    let new = NewInstance { name, plugin, settings, secrets, actions, log_level };
    let _share = app.plugin_calls.take(&allowed.tenant)?;
    let (instance, version) = app.integration.instances().create(&allowed.tenant, new).await?;
    let location = [(header::LOCATION, format!("/manage/instances/{}", instance.id))];
    Ok((StatusCode::CREATED, location, answer(instance, version)).into_response())
}

/// Reads an instance.
#[utoipa::path(
    get,
    path = "/manage/instances/{id}",
    operation_id = "getInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses(
        (status = 200, description = "The instance", body = schema::instance::Instance),
        (status = 304, description = "It is in the state that `If-None-Match` names"),
    )
)]
pub(super) async fn get_instance(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (instance, version) = app.integration.instances().get(&allowed.tenant, &instance_id(&id)?).await?;
    let tag = EntityTag::new(version);
    if tag.is_known(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.header())]).into_response());
    }
    Ok(answer(instance, version))
}

/// Changes an instance.
#[utoipa::path(
    patch,
    path = "/manage/instances/{id}",
    operation_id = "changeInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    request_body(content(
        (InstancePatch = "application/merge-patch+json"),
        (InstancePatch = "application/json"),
    )),
    responses((status = 200, description = "The instance as it is now", body = schema::instance::Instance))
)]
pub(super) async fn change_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    MergeBody(patch): MergeBody<InstancePatch>,
) -> Result<Response, Problem> {
    let id = instance_id(&id)?;
    let instances = app.integration.instances();
    let (present, version) = instances.get(&allowed.tenant, &id).await?;
    EntityTag::new(version).require_match(&headers)?;
    let settings = patch.settings.map(|changes| merged(present.settings, changes));
    let changes = InstanceChanges {
        name: patch.name,
        settings,
        actions: patch.actions,
        log_level: patch.log_level,
        recording: patch.recording,
    };
    let _share = app.plugin_calls.take(&allowed.tenant)?;
    let (instance, version) = instances
        .change(&allowed.tenant, &id, Some(version), changes)
        .await
        .map_err(|error| explain_change(error.into(), &headers))?;
    Ok(answer(instance, version))
}

/// Removes an instance with its secrets, schedules, failed items and the plugin's storage. Records and runs stay.
#[utoipa::path(
    delete,
    path = "/manage/instances/{id}",
    operation_id = "removeInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses((status = 204, description = "The instance is gone"))
)]
pub(super) async fn remove_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let id = instance_id(&id)?;
    let instances = app.integration.instances();
    if crate::etag::is_conditional(&headers) {
        let (_, version) = instances.get(&allowed.tenant, &id).await?;
        EntityTag::new(version).require_match(&headers)?;
    }
    instances.remove(&allowed.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Settings with changes of a merge patch (RFC 7396).
fn merged(present: Map<String, Value>, changes: Map<String, Value>) -> Map<String, Value> {
    let mut settings = Value::Object(present);
    json_patch::merge(&mut settings, &Value::Object(changes));
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}
