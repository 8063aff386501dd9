//! Instances and schedules.

use utoipa::ToSchema;

/// A link through a connector to one deployment of another system.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// The id.
    id: String,
    /// The name people read. Unique in the tenant.
    name: String,
    /// The plugin it runs: always its active release.
    plugin: String,
    /// Whether it runs.
    state: InstanceState,
    /// The plugin's settings, checked against the manifest's schema.
    #[schema(value_type = Object)]
    settings: serde_json::Value,
    /// What a run does, in order.
    actions: Vec<SyncAction>,
    /// The least level of the plugin's log lines that are kept.
    log_level: LogLevel,
    /// Whether what the host answers the plugin is kept, so that pulls can be replayed.
    recording: RecordingMode,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
}

/// Whether an instance runs.
#[derive(ToSchema)]
pub(crate) struct InstanceState {
    /// `active` or `paused`.
    status: String,
    /// Why it is paused, and what to do.
    reason: Option<String>,
}

/// One thing a run does: one entity, one way.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct SyncAction {
    /// Which records.
    entity: EntityKind,
    /// Which way.
    direction: Direction,
}

/// A business object.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum EntityKind {
    Account,
    Invoice,
}

/// Which way records go.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum Direction {
    Pull,
    Push,
}

/// Whether what the host answers a plugin is kept, encrypted, as long as the run is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum RecordingMode {
    Off,
    On,
}

/// How much a line matters.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// One thing that a connection test looked at.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Check {
    /// What was looked at.
    name: String,
    /// Whether it is as it should be.
    passed: bool,
    /// What was found. When not passed, what to do.
    message: String,
}

/// A cron schedule of an instance.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Schedule {
    /// The id.
    id: String,
    /// The instance it runs.
    instance: String,
    /// Five or six fields (seconds first); Sunday is 0 or 7.
    cron: String,
    /// The time zone the fields are in, by its IANA name.
    time_zone: String,
    /// What to do about occurrences that passed while the host was down.
    missed: MissedPolicy,
    /// What to do when the last run is still going.
    overlap: OverlapPolicy,
    /// Whether it is on.
    enabled: bool,
    /// The next occurrence. None when it is off or has none left.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

/// What to do about occurrences that passed while the host was down.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum MissedPolicy {
    RunOnce,
    Skip,
}

/// What to do when the last run is still going.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum OverlapPolicy {
    Skip,
    Queue,
    Allow,
}
