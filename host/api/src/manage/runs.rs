//! `/manage/runs`: what ran, how it went, and its log.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use mortise_integration::{ReplayOutcome, ReplayedPull, RunFilter};
use mortise_model::entity::EntityKind;
use mortise_model::id::{Digest, RunId};
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

/// How a run compares with its recording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplayAnswer {
    /// Whether every pull asked the host the same as then, and ended the same.
    same: bool,
    /// The pulls, in their order.
    pulls: Vec<PullAnswer>,
    /// What the plugin logged meanwhile, at any level. At most 200 lines.
    #[schema(value_type = Vec<schema::run::LogLine>)]
    log: Vec<LogLine>,
}

/// How one pull compares with its recording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullAnswer {
    /// What was pulled.
    #[schema(value_type = String)]
    entity: EntityKind,
    /// The release that was asked now.
    #[schema(value_type = String)]
    release: Digest,
    /// How it ended in the recording.
    recorded: String,
    /// Whether the plugin asked the host the same as then, and ended the same.
    same: bool,
    /// Where and how it differs, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
}

impl From<ReplayedPull> for PullAnswer {
    fn from(pull: ReplayedPull) -> Self {
        let ReplayedPull { entity, release, recorded, outcome } = pull;
        let difference = match outcome {
            ReplayOutcome::Same => None,
            ReplayOutcome::Differs(sentence) => Some(sentence),
        };
        Self { entity, release, recorded, same: difference.is_none(), difference }
    }
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

/// Has the recorded pulls of a run again. Nothing is sent, stored or read: the plugin gets the recorded answers.
#[utoipa::path(
    post,
    path = "/manage/runs/{id}/replay",
    operation_id = "replayRun",
    tag = "Runs",
    params(
        ("id" = String, Path, description = "The run. Its instance was recorded meanwhile"),
        ("release" = Option<String>, Query, description = "Another release of the tenant's to ask than the one that ran"),
    ),
    responses((status = 200, description = "How each pull compares with its recording", body = ReplayAnswer))
)]
pub(super) async fn replay_run(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<ReplayAnswer>, Problem> {
    parameters.only(&["release"])?;
    let release = parameters.value("release")?;
    let _share = app.plugin_calls.take(&allowed.tenant)?;
    let replay = app.integration.runs().replay(&allowed.tenant, &run_id(&id)?, release).await?;
    let pulls: Vec<_> = replay.pulls.into_iter().map(PullAnswer::from).collect();
    Ok(Json(ReplayAnswer { same: pulls.iter().all(|pull| pull.same), pulls, log: replay.log }))
}

fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found("run", text))
}
