//! `/manage/runs`: what ran, how it went, and its log.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use mortise_integration::RunFilter;
use mortise_model::id::RunId;
use mortise_model::log::LogLine;
use mortise_model::run::Run;
use serde::Serialize;
use utoipa::ToSchema;

use super::lists::{answer, offset, one_more};
use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::parameters::Parameters;
use crate::problem::{Problem, kind};
use crate::schema;

/// The statuses of a run.
const STATUSES: [&str; 6] = ["running", "succeeded", "unreconciled", "partial", "failed", "cancelled"];
/// Lines of a log that are answered when the caller does not say.
const DEFAULT_LINES: usize = 200;
/// Most lines of a log that a caller may ask for.
const MAX_LINES: usize = 1_000;

/// A part of a run's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogAnswer {
    /// The lines, in order.
    #[schema(value_type = Vec<schema::run::LogLine>)]
    lines: Vec<LogLine>,
    /// Where the lines after these start: pass it as `from`.
    next: u64,
    /// Whether the run is over and no line follows.
    complete: bool,
}

/// Lists runs, the latest first.
#[utoipa::path(
    get,
    path = "/manage/runs",
    operation_id = "listRuns",
    tag = "Runs",
    params(
        ("instance" = Option<String>, Query, description = "Only those of an instance"),
        ("status" = Option<schema::run::RunStatus>, Query, description = "Only those of a status"),
        ("job" = Option<String>, Query, description = "Only the executions of a job"),
        ("page" = Option<u32>, Query, description = "The number of the page, from 1"),
        ("size" = Option<u32>, Query, description = "Runs of a page, 1 to 500"),
    ),
    responses((status = 200, description = "A page of runs", body = Vec<schema::run::Run>))
)]
pub(super) async fn list_runs(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&["instance", "status", "job", "page", "size"])?;
    let filter = RunFilter {
        instance: parameters.value("instance")?,
        status: parameters.word("status", &STATUSES)?,
        job: parameters.value("job")?,
    };
    let page = parameters.page()?;
    let runs = app.integration.runs().list(&allowed.tenant, &filter, offset(&page)?, one_more(&page)).await?;
    Ok(answer(runs, &page, &parameters))
}

/// Reads a run.
#[utoipa::path(
    get,
    path = "/manage/runs/{id}",
    operation_id = "getRun",
    tag = "Runs",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run", body = schema::run::Run))
)]
pub(super) async fn get_run(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Run>, Problem> {
    Ok(Json(app.integration.runs().get(&allowed.tenant, &run_id(&id)?).await?))
}

/// Reads a part of a run's log.
#[utoipa::path(
    get,
    path = "/manage/runs/{id}/log",
    operation_id = "getRunLog",
    tag = "Runs",
    params(
        ("id" = String, Path, description = "The run"),
        ("from" = Option<u64>, Query, description = "The first line, from 0"),
        ("limit" = Option<u32>, Query, description = "Most lines, 1 to 1000. 200 when left out"),
    ),
    responses((status = 200, description = "The lines, and where the next ones start", body = LogAnswer))
)]
pub(super) async fn get_run_log(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<LogAnswer>, Problem> {
    parameters.only(&["from", "limit"])?;
    let from = parameters.value("from")?.unwrap_or(0);
    let limit = parameters.value("limit")?.unwrap_or(DEFAULT_LINES);
    if !(1..=MAX_LINES).contains(&limit) {
        let detail = format!("`limit` must be a whole number from 1 to {MAX_LINES}");
        return Err(Problem::new(&kind::QUERY, detail).with("property", "limit"));
    }
    let page = app.integration.runs().log(&allowed.tenant, &run_id(&id)?, from, limit).await?;
    Ok(Json(LogAnswer { lines: page.lines, next: page.next, complete: page.complete }))
}

/// Stops a run. What it committed is kept.
#[utoipa::path(
    post,
    path = "/manage/runs/{id}/cancel",
    operation_id = "cancelRun",
    tag = "Runs",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run as it is now", body = schema::run::Run))
)]
pub(super) async fn cancel_run(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Run>, Problem> {
    Ok(Json(app.integration.runs().cancel(&allowed.tenant, &run_id(&id)?).await?))
}

fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found("run", text))
}
