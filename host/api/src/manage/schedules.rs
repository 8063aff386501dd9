//! `/manage/schedules`: when instances run by themselves.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mortise_integration::{NewSchedule, ScheduleChanges};
use mortise_model::id::{InstanceId, ScheduleId};
use mortise_model::schedule::{MissedPolicy, OverlapPolicy, Schedule};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::body::{JsonBody, MergeBody};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::schema;

/// A schedule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScheduleInput {
    /// The instance to run.
    #[schema(value_type = String)]
    instance: InstanceId,
    /// Five or six fields (seconds first); Sunday is 0 or 7.
    #[schema(example = "*/15 * * * *")]
    cron: String,
    /// The time zone of the fields, by its IANA name. `UTC` when left out.
    time_zone: Option<String>,
    /// What to do about occurrences that passed while the host was down.
    #[serde(default)]
    #[schema(value_type = Option<schema::instance::MissedPolicy>)]
    missed: MissedPolicy,
    /// What to do when the last run is still going.
    #[serde(default)]
    #[schema(value_type = Option<schema::instance::OverlapPolicy>)]
    overlap: OverlapPolicy,
    /// Whether it is on. True when left out.
    enabled: Option<bool>,
}

/// Changes to a schedule. A missing member stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SchedulePatch {
    /// Five or six fields (seconds first); Sunday is 0 or 7.
    cron: Option<String>,
    /// The time zone of the fields, by its IANA name.
    time_zone: Option<String>,
    /// What to do about occurrences that passed while the host was down.
    #[schema(value_type = Option<schema::instance::MissedPolicy>)]
    missed: Option<MissedPolicy>,
    /// What to do when the last run is still going.
    #[schema(value_type = Option<schema::instance::OverlapPolicy>)]
    overlap: Option<OverlapPolicy>,
    /// Whether it is on.
    enabled: Option<bool>,
}

/// Lists schedules in the order they were made.
#[utoipa::path(
    get,
    path = "/manage/schedules",
    operation_id = "listSchedules",
    tag = "Schedules",
    params(("instance" = Option<String>, Query, description = "Only those of an instance")),
    responses((status = 200, description = "The schedules", body = Vec<schema::instance::Schedule>))
)]
pub(super) async fn list_schedules(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    parameters: Parameters,
) -> Result<Json<Vec<Schedule>>, Problem> {
    parameters.only(&["instance"])?;
    let instance: Option<InstanceId> = parameters.value("instance")?;
    Ok(Json(app.integration.schedules().list(&allowed.tenant, instance.as_ref()).await?))
}

/// Makes a schedule.
#[utoipa::path(
    post,
    path = "/manage/schedules",
    operation_id = "createSchedule",
    tag = "Schedules",
    request_body = ScheduleInput,
    responses((status = 201, description = "The schedule", body = schema::instance::Schedule))
)]
pub(super) async fn create_schedule(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    JsonBody(input): JsonBody<ScheduleInput>,
) -> Result<Response, Problem> {
    let zone = input.time_zone.as_deref().unwrap_or("UTC");
    let new = NewSchedule {
        instance: input.instance,
        cron: input.cron,
        time_zone: zone.parse().map_err(|_| not_a_zone(zone))?,
        missed: input.missed,
        overlap: input.overlap,
        enabled: input.enabled.unwrap_or(true),
    };
    let schedule = app.integration.schedules().create(&allowed.tenant, new).await?;
    let location = [(header::LOCATION, format!("/manage/schedules/{}", schedule.id))];
    Ok((StatusCode::CREATED, location, Json(schedule)).into_response())
}

/// Reads a schedule.
#[utoipa::path(
    get,
    path = "/manage/schedules/{id}",
    operation_id = "getSchedule",
    tag = "Schedules",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, description = "The schedule", body = schema::instance::Schedule))
)]
pub(super) async fn get_schedule(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Schedule>, Problem> {
    Ok(Json(app.integration.schedules().get(&allowed.tenant, &schedule_id(&id)?).await?))
}

/// Changes a schedule.
#[utoipa::path(
    patch,
    path = "/manage/schedules/{id}",
    operation_id = "changeSchedule",
    tag = "Schedules",
    params(("id" = String, Path, description = "The schedule")),
    request_body(content(
        (SchedulePatch = "application/merge-patch+json"),
        (SchedulePatch = "application/json"),
    )),
    responses((status = 200, description = "The schedule as it is now", body = schema::instance::Schedule))
)]
pub(super) async fn change_schedule(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    MergeBody(patch): MergeBody<SchedulePatch>,
) -> Result<Json<Schedule>, Problem> {
    let time_zone = match patch.time_zone {
        Some(zone) => Some(zone.parse().map_err(|_| not_a_zone(&zone))?),
        None => None,
    };
    let changes = ScheduleChanges {
        cron: patch.cron,
        time_zone,
        missed: patch.missed,
        overlap: patch.overlap,
        enabled: patch.enabled,
    };
    Ok(Json(app.integration.schedules().change(&allowed.tenant, &schedule_id(&id)?, changes).await?))
}

/// Removes a schedule.
#[utoipa::path(
    delete,
    path = "/manage/schedules/{id}",
    operation_id = "removeSchedule",
    tag = "Schedules",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 204, description = "The schedule is gone"))
)]
pub(super) async fn remove_schedule(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.integration.schedules().remove(&allowed.tenant, &schedule_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn schedule_id(text: &str) -> Result<ScheduleId, Problem> {
    text.parse().map_err(|_| Problem::not_found("schedule", text))
}

fn not_a_zone(text: &str) -> Problem {
    let text: String = text.chars().take(80).collect();
    let message = format!("`{text}` is not a time zone: expected an IANA name such as Europe/Athens");
    Problem::invalid_member("/timeZone", "invalid", message)
}
