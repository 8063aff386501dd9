//! Schedules of instances.

use chrono_tz::Tz;
use mortise_model::id::{InstanceId, ScheduleId, TenantId};
use mortise_model::schedule::{MissedPolicy, OverlapPolicy, Schedule};

use crate::IntegrationError;
use crate::integration::Inner;

/// Schedules of a tenant.
pub struct Schedules<'a> {
    pub(crate) inner: &'a Inner,
}

/// A schedule to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// The instance to run.
    pub instance: InstanceId,
    /// Five or six fields.
    pub cron: String,
    /// The time zone of the fields.
    pub time_zone: Tz,
    /// What to do about occurrences that passed while the host was down.
    pub missed: MissedPolicy,
    /// What to do when the last run is still going.
    pub overlap: OverlapPolicy,
    /// Whether it is on.
    pub enabled: bool,
}

/// Changes to a schedule. None leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleChanges {
    /// The cron line.
    pub cron: Option<String>,
    /// The time zone.
    pub time_zone: Option<Tz>,
    /// The policy for missed occurrences.
    pub missed: Option<MissedPolicy>,
    /// The policy for overlaps.
    pub overlap: Option<OverlapPolicy>,
    /// Whether it is on.
    pub enabled: Option<bool>,
}

impl Schedules<'_> {
    /// Every schedule of the tenant, or those of one instance, in the order they were made.
    pub async fn list(
        &self,
        tenant: &TenantId,
        instance: Option<&InstanceId>,
    ) -> Result<Vec<Schedule>, IntegrationError> {
        let _ = (self.inner, tenant, instance);
        todo!()
    }

    /// One schedule.
    pub async fn get(&self, tenant: &TenantId, id: &ScheduleId) -> Result<Schedule, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Makes a schedule, its next occurrence in the same batch.
    pub async fn create(&self, tenant: &TenantId, new: NewSchedule) -> Result<Schedule, IntegrationError> {
        let _ = (tenant, new);
        todo!()
    }

    /// Changes a schedule.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &ScheduleId,
        changes: ScheduleChanges,
    ) -> Result<Schedule, IntegrationError> {
        let _ = (tenant, id, changes);
        todo!()
    }

    /// Removes a schedule.
    pub async fn remove(&self, tenant: &TenantId, id: &ScheduleId) -> Result<(), IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }
}
