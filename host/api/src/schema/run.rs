//! Runs, their logs, and items that failed.

use utoipa::ToSchema;

use super::instance::{LogLevel, SyncAction};

/// One execution of work, from its beginning to its end.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Run {
    /// The id.
    id: String,
    /// The instance.
    instance: String,
    /// The release that ran.
    release: String,
    /// The job it was the execution of.
    job: String,
    /// 1 at the first attempt of the job.
    attempt: u32,
    /// What caused it.
    trigger: Trigger,
    /// How it stands.
    status: RunStatus,
    /// One report per action, in order.
    actions: Vec<ActionReport>,
    /// Why it failed.
    error: Option<PluginError>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: String,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<String>,
    /// When the next attempt is due, where there will be one.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<String>,
}

/// What caused a run.
#[derive(ToSchema)]
pub(crate) struct Trigger {
    /// `manual`, `schedule`, `retry` or `webhook`.
    cause: String,
    /// The schedule, where one was due.
    schedule: Option<String>,
    /// The occurrence of the schedule.
    #[schema(value_type = Option<String>, format = DateTime)]
    occurrence: Option<String>,
}

/// How a run stands.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum RunStatus {
    Running,
    Succeeded,
    Unreconciled,
    Partial,
    Failed,
    Cancelled,
}

/// What one action of a run did.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ActionReport {
    /// The action.
    action: SyncAction,
    /// What was counted.
    counts: Counts,
    /// How many records the far side said there are.
    reported_total: Option<u32>,
    /// Whether what landed was compared with a total and agreed. None until it ended.
    reconciled: Option<bool>,
}

/// What was counted. For a push, `created`, `updated` and `deleted` are the far side's.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// Pages committed or batches sent.
    pages: u32,
    /// Records read or sent.
    records: u32,
    /// Records that were new.
    created: u32,
    /// Records that changed.
    updated: u32,
    /// Records that were the same.
    unchanged: u32,
    /// Records removed.
    deleted: u32,
    /// Records with nothing to do, and a reason.
    skipped: u32,
    /// Records that failed.
    failed: u32,
}

/// Why something failed. What other members there are depends on the kind.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct PluginError {
    /// `retryable`, `rejected`, `unauthorized`, `not-found`, `conflict`, `denied`, `quota`, `unsupported`, `failed` or
    /// `other`.
    kind: String,
    /// One sentence for a person.
    message: Option<String>,
    /// How long to wait, in milliseconds, of `retryable`.
    after_ms: Option<u32>,
    /// Every field that is wrong, of `rejected`.
    errors: Option<Vec<super::problem::FieldError>>,
    /// A stable word, of `failed`.
    code: Option<String>,
    /// What the far side answered, of `failed`.
    answer: Option<String>,
}

/// One line of a run's log.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct LogLine {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: String,
    /// How much it matters.
    level: LogLevel,
    /// Who wrote it.
    source: LogSource,
    /// The message, at most 8 KiB.
    message: String,
    /// Named values.
    fields: std::collections::BTreeMap<String, String>,
}

/// Who wrote a line.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum LogSource {
    Host,
    Plugin,
    Console,
}

/// One record that one action could not carry over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FailedItem {
    /// The id.
    id: String,
    /// The instance.
    instance: String,
    /// The action.
    action: SyncAction,
    /// What it is about, within the tenant: one item per subject. Made by [`FailedItem::pulled`] and [`FailedItem::pushed`].
    subject: String,
    /// The platform's id of the record, where it has one.
    record: Option<u64>,
    /// The far side's id, where it is known.
    external_id: Option<String>,
    /// How it stands.
    state: ItemState,
    /// Attempts so far.
    attempts: u32,
    /// Why the last attempt failed.
    error: PluginError,
    /// The record as it was, whole.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    /// The key of every attempt at a push.
    idempotency_key: Option<String>,
    /// The run that failed last.
    run: String,
    /// When it failed first.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// When it failed last or was decided.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
}

/// How a failed item stands.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ItemState {
    /// `retrying`, `dead`, `resolved` or `discarded`.
    status: String,
    /// When it is tried again, where it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<String>,
}
