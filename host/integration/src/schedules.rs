//! Schedules of instances.

use chrono_tz::Tz;
use mortise_model::clock::Timestamp;
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, ScheduleId, TenantId};
use mortise_model::schedule::{MissedPolicy, OverlapPolicy, Schedule};
use mortise_query::Filter;
use mortise_scheduler::schedules::{self, SchedulePutError};
use mortise_store::collections::{INSTANCES, SCHEDULES};
use mortise_store::{Batch, Expect, Origin, StoreError, StoreExt as _, Version, Write};

use crate::integration::Inner;
use crate::{IntegrationError, instances, listing};

/// Most schedules of one instance.
const MAX_SCHEDULES: u64 = 10;
/// Attempts at a change that others make at the same time.
const MAX_ATTEMPTS: u32 = 5;

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
        let filter = instance.map(|instance| Filter::eq("instance", instance.as_str()));
        Ok(listing::all(self.inner.store.as_ref(), tenant, filter).await?)
    }

    /// One schedule.
    pub async fn get(&self, tenant: &TenantId, id: &ScheduleId) -> Result<Schedule, IntegrationError> {
        Ok(self.load(tenant, id).await?.0)
    }

    /// Makes a schedule, its next occurrence in the same batch.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] at `/cron` when the line is wrong; [`IntegrationError::Limit`] when the instance
    /// has 10 schedules.
    pub async fn create(&self, tenant: &TenantId, new: NewSchedule) -> Result<Schedule, IntegrationError> {
        let (instance, instance_version) = instances::load(self.inner, tenant, &new.instance).await?;
        let of_instance = Filter::eq("instance", instance.id.as_str());
        let count = listing::count(self.inner.store.as_ref(), tenant, &SCHEDULES, Some(of_instance)).await?;
        if count >= MAX_SCHEDULES {
            return Err(IntegrationError::Limit(format!(
                "an instance has at most {MAX_SCHEDULES} schedules: change or remove one of `{}`",
                instance.name
            )));
        }
        let now = self.inner.clock.now();
        let mut schedule = Schedule {
            id: ScheduleId::new(),
            instance: new.instance,
            cron: new.cron,
            time_zone: new.time_zone,
            missed: new.missed,
            overlap: new.overlap,
            enabled: new.enabled,
            next_at: None,
            created_at: now,
        };
        let mut batch = Batch::new(tenant.clone(), Origin::Api, now);
        batch.push(Write::Check {
            collection: &INSTANCES,
            id: instance.id.as_str().into(),
            expect: Expect::At(instance_version),
        });
        put(&mut batch, &mut schedule, Expect::Absent, now)?;
        match self.inner.store.commit(batch).await {
            Ok(_) => Ok(schedule),
            Err(StoreError::Conflict(_)) => {
                Err(IntegrationError::Changed { what: "instance", id: instance.id.to_string() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a schedule.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] at `/cron` when the line is wrong.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &ScheduleId,
        changes: ScheduleChanges,
    ) -> Result<Schedule, IntegrationError> {
        let mut attempt = 1;
        loop {
            let (mut schedule, version) = self.load(tenant, id).await?;
            changes.clone().apply(&mut schedule);
            let now = self.inner.clock.now();
            let mut batch = Batch::new(tenant.clone(), Origin::Api, now);
            put(&mut batch, &mut schedule, Expect::At(version), now)?;
            match self.inner.store.commit(batch).await {
                Ok(_) => return Ok(schedule),
                // An occurrence was due at the same moment.
                Err(StoreError::Conflict(_)) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(StoreError::Conflict(_)) => {
                    return Err(IntegrationError::Changed { what: "schedule", id: id.to_string() });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes a schedule.
    pub async fn remove(&self, tenant: &TenantId, id: &ScheduleId) -> Result<(), IntegrationError> {
        self.load(tenant, id).await?;
        let mut batch = Batch::new(tenant.clone(), Origin::Api, self.inner.clock.now());
        schedules::remove(&mut batch, id);
        self.inner.store.commit(batch).await?;
        Ok(())
    }

    async fn load(
        &self,
        tenant: &TenantId,
        id: &ScheduleId,
    ) -> Result<(Schedule, Version), IntegrationError> {
        self.inner
            .store
            .load::<Schedule>(tenant, id.as_str())
            .await?
            .ok_or_else(|| IntegrationError::NotFound { what: "schedule", id: id.to_string() })
    }
}

impl ScheduleChanges {
    fn apply(self, schedule: &mut Schedule) {
        schedule.cron = self.cron.unwrap_or_else(|| std::mem::take(&mut schedule.cron));
        schedule.time_zone = self.time_zone.unwrap_or(schedule.time_zone);
        schedule.missed = self.missed.unwrap_or(schedule.missed);
        schedule.overlap = self.overlap.unwrap_or(schedule.overlap);
        schedule.enabled = self.enabled.unwrap_or(schedule.enabled);
    }
}

fn put(
    batch: &mut Batch,
    schedule: &mut Schedule,
    expect: Expect,
    now: Timestamp,
) -> Result<(), IntegrationError> {
    schedules::put(batch, schedule, expect, now).map_err(|error| match error {
        SchedulePutError::Cron(error) => {
            IntegrationError::Invalid(vec![FieldError::new("/cron", "invalid-cron", error.to_string())])
        }
        SchedulePutError::Store(error) => error.into(),
    })
}
