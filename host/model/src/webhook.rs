//! Webhooks: what a far side sends to an instance's own address, and what came of it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::entity::EntityKind;
use crate::error::PluginError;
use crate::id::{DeliveryId, InstanceId};
use crate::log::LogLine;

/// Most changes that one webhook names.
pub const MAX_WEBHOOK_CHANGES: usize = 1_000;
/// Longest body of the answer to a webhook, in bytes.
pub const MAX_WEBHOOK_ANSWER: usize = 64 * 1024;

/// A request of the far side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundRequest {
    /// The HTTP method in capitals.
    pub method: String,
    /// The path after the instance's own address. Starts with `/`.
    pub path: String,
    /// The query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, unchanged.
    pub body: Vec<u8>,
    /// When the host took it in.
    pub received_at: Timestamp,
}

/// What is answered to the far side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundAnswer {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_WEBHOOK_ANSWER`] bytes.
    pub body: Vec<u8>,
}

/// What a webhook meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookResult {
    /// The answer to the sender.
    pub answer: InboundAnswer,
    /// What changed, at most [`MAX_WEBHOOK_CHANGES`].
    pub changes: Vec<NamedChange>,
    /// The far side's id of this event.
    pub event_id: Option<String>,
}

/// A record that a webhook named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedChange {
    /// The entity's name. The platform may not have it.
    pub entity: String,
    /// The far side's id.
    pub external_id: String,
    /// The record as JSON text, where the webhook carries it whole.
    pub data: Option<String>,
}

/// A record that a webhook named and a run has yet to take in. One per record: a later webhook replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingChange {
    /// The instance.
    pub instance: InstanceId,
    /// The entity.
    pub entity: EntityKind,
    /// The far side's id.
    pub external_id: String,
    /// The record as JSON text, where the webhook carried it whole. None has the plugin asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// When the host took it in.
    pub received_at: Timestamp,
}

/// A webhook that a plugin took, or failed to. Kept for a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id.
    pub id: DeliveryId,
    /// The instance.
    pub instance: InstanceId,
    /// The instance and a digest of the far side's id of the event, where it gave one: repeats are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// When the host took it in.
    pub received_at: Timestamp,
    /// The status that the sender was answered.
    pub status: u16,
    /// How many records it named that the instance pulls.
    pub changes: u32,
    /// Why the plugin failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PluginError>,
    /// What the plugin logged meanwhile. At most 50 lines.
    pub log: Vec<LogLine>,
}
