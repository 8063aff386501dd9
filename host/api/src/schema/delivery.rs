//! Webhooks that an instance was sent.

use utoipa::ToSchema;

use super::run::{LogLine, PluginError};

/// A webhook that a plugin took, or failed to. Kept for a week.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// The id.
    id: String,
    /// The instance.
    instance: String,
    /// What repeats of the same event are known by, where the far side gives its events ids.
    event: Option<String>,
    /// When the host took it in.
    #[schema(value_type = String, format = DateTime)]
    received_at: String,
    /// The status that the sender was answered.
    status: u16,
    /// How many records it named that the instance pulls: a run takes them in.
    changes: u32,
    /// Why the plugin failed, if it did.
    error: Option<PluginError>,
    /// What the plugin logged meanwhile. At most 50 lines.
    log: Vec<LogLine>,
}
