//! When an instance runs by itself.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{InstanceId, ScheduleId};

/// A cron schedule of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The id.
    pub id: ScheduleId,
    /// The instance it runs.
    pub instance: InstanceId,
    /// Five or six fields (seconds first); Sunday is 0 or 7.
    pub cron: String,
    /// The time zone the fields are in, by its IANA name.
    #[serde(with = "time_zone")]
    pub time_zone: Tz,
    /// What to do about occurrences that passed while the host was down.
    pub missed: MissedPolicy,
    /// What to do when the last run is still going.
    pub overlap: OverlapPolicy,
    /// Whether it is on.
    pub enabled: bool,
    /// The next occurrence. None when it is off or has none left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What to do about missed occurrences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissedPolicy {
    /// Run once for all of them.
    #[default]
    RunOnce,
    /// Wait for the next.
    Skip,
}

/// What to do when the last run is still going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// Leave this occurrence out.
    #[default]
    Skip,
    /// Wait until the last run ended, then run. At most one waits.
    Queue,
    /// Run beside it.
    Allow,
}

mod time_zone {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serialises by reference")]
    pub(super) fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| {
            de::Error::custom(format!(
                "`{name}` is not a time zone: expected an IANA name such as Europe/Athens"
            ))
        })
    }
}
