//! What an instance is told to do: pause, resume, test, run, start over.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mortise_integration::TestReport;
use mortise_model::connector::Check;
use mortise_model::error::PluginError;
use mortise_model::id::JobId;
use mortise_model::instance::{Instance, SyncAction};
use mortise_model::log::LogLine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::instances::instance_id;
use crate::access::{Allowed, WriteManagement};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::schema;

/// Longest reason, in characters.
const MAX_REASON: usize = 400;

/// Why an instance is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pause {
    /// Why, for people. At most 400 characters.
    reason: String,
}

/// A run that waits for a worker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueuedRun {
    /// The job.
    #[schema(value_type = String)]
    job: JobId,
    /// Where the job's runs are shown, once a worker took it.
    runs: String,
}

/// What a connection test found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestAnswer {
    /// Whether everything is as it should be.
    passed: bool,
    /// What the plugin looked at.
    #[schema(value_type = Vec<schema::instance::Check>)]
    checks: Vec<Check>,
    /// Why it could not look at everything, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::run::PluginError>)]
    error: Option<PluginError>,
    /// What the plugin logged meanwhile.
    #[schema(value_type = Vec<schema::run::LogLine>)]
    log: Vec<LogLine>,
}

impl From<TestReport> for TestAnswer {
    fn from(report: TestReport) -> Self {
        Self { passed: report.passed(), checks: report.checks, error: report.error, log: report.log }
    }
}

/// Keeps an instance from running.
#[utoipa::path(
    post,
    path = "/manage/instances/{id}/pause",
    operation_id = "pauseInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    request_body = Pause,
    responses((status = 200, description = "The instance as it is now", body = schema::instance::Instance))
)]
pub(super) async fn pause_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(pause): JsonBody<Pause>,
) -> Result<Json<Instance>, Problem> {
    if pause.reason.trim().is_empty() {
        return Err(Problem::invalid_member("/reason", "required", "say why, for whoever finds it paused"));
    }
    if pause.reason.chars().count() > MAX_REASON {
        return Err(Problem::invalid_member(
            "/reason",
            "too-long",
            format!("at most {MAX_REASON} characters"),
        ));
    }
    Ok(Json(app.integration.instances().pause(&allowed.tenant, &instance_id(&id)?, pause.reason).await?))
}

/// Lets an instance run again.
#[utoipa::path(
    post,
    path = "/manage/instances/{id}/resume",
    operation_id = "resumeInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses((status = 200, description = "The instance as it is now", body = schema::instance::Instance))
)]
pub(super) async fn resume_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(app.integration.instances().resume(&allowed.tenant, &instance_id(&id)?).await?))
}

/// Has the plugin look whether the instance works. Changes nothing on the far side.
#[utoipa::path(
    post,
    path = "/manage/instances/{id}/test",
    operation_id = "testInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses((status = 200, description = "What the plugin found, good or bad", body = TestAnswer))
)]
pub(super) async fn test_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<TestAnswer>, Problem> {
    let _share = app.plugin_calls.take(&allowed.tenant)?;
    let report = app.integration.instances().test(&allowed.tenant, &instance_id(&id)?).await?;
    Ok(Json(report.into()))
}

/// Puts a run into the queue, to begin as soon as a worker is free. At most one waits.
#[utoipa::path(
    post,
    path = "/manage/instances/{id}/run",
    operation_id = "runInstance",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    responses((status = 202, description = "The job, and where its runs are shown", body = QueuedRun))
)]
pub(super) async fn run_instance(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = app.integration.instances().run_now(&allowed.tenant, &instance_id(&id)?).await?;
    let runs = format!("/manage/runs?job={job}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, runs.clone())], Json(QueuedRun { job, runs }))
        .into_response())
}

/// Has the next run of an action start from nothing.
#[utoipa::path(
    post,
    path = "/manage/instances/{id}/forget-progress",
    operation_id = "forgetProgress",
    tag = "Instances",
    params(("id" = String, Path, description = "The instance")),
    request_body = schema::instance::SyncAction,
    responses((status = 204, description = "The action starts from nothing"))
)]
pub(super) async fn forget_progress(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(action): JsonBody<SyncAction>,
) -> Result<StatusCode, Problem> {
    app.integration.instances().forget_progress(&allowed.tenant, &instance_id(&id)?, action).await?;
    Ok(StatusCode::NO_CONTENT)
}
