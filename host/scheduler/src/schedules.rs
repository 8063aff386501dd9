//! Writing schedules together with the jobs that make them happen.

use chrono_tz::Tz;
use mortise_model::clock::Timestamp;
use mortise_model::id::{JobId, ScheduleId};
use mortise_model::schedule::Schedule;
use mortise_store::{Batch, Expect, NewJob, StoreError, Write};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cron::{Cron, CronError};

/// The kind of the job that waits for a schedule's next occurrence.
pub(crate) const TICK_JOB: &str = "tick";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TickPayload {
    pub(crate) schedule: ScheduleId,
    /// The occurrence that the tick is for. A schedule that was changed meanwhile has another.
    pub(crate) occurrence: Timestamp,
}

/// The next occurrence of a cron line after a time. None when it has none left.
///
/// # Errors
/// [`CronError`] naming the field that is wrong.
pub fn next_occurrence(line: &str, zone: Tz, after: Timestamp) -> Result<Option<Timestamp>, CronError> {
    Ok(line.parse::<Cron>()?.next_after(after, zone))
}

/// Adds the writing of a schedule to a batch: the document with its next occurrence after `now`, and the tick.
///
/// # Errors
/// [`CronError`] naming the field that is wrong; [`StoreError`] as [`Batch::put`].
pub fn put(
    batch: &mut Batch,
    schedule: &mut Schedule,
    expect: Expect,
    now: Timestamp,
) -> Result<(), SchedulePutError> {
    let next = next_occurrence(&schedule.cron, schedule.time_zone, now)?;
    schedule.next_at = if schedule.enabled { next } else { None };
    batch.put(schedule, expect)?;
    if let Some(occurrence) = schedule.next_at {
        batch.push(Write::Enqueue(tick_job(&schedule.id, occurrence)));
    }
    Ok(())
}

/// Why a schedule was not written.
#[derive(Debug, thiserror::Error)]
pub enum SchedulePutError {
    /// The cron line is wrong.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds the removal of a schedule. A tick that still waits finds it gone and ends.
pub fn remove(batch: &mut Batch, schedule: &ScheduleId) {
    batch.delete::<Schedule>(schedule.as_str(), Expect::Any);
}

/// The tick of one occurrence. Its key has the occurrence, so that a changed schedule gets a tick of its own while
/// the old one still waits; the old one finds that it is no longer meant.
pub(crate) fn tick_job(schedule: &ScheduleId, occurrence: Timestamp) -> NewJob {
    let payload = TickPayload { schedule: schedule.clone(), occurrence };
    NewJob {
        id: JobId::new(),
        kind: TICK_JOB.to_owned(),
        payload: serde_json::to_value(payload).unwrap_or(Value::Null),
        due: occurrence,
        key: Some(format!("{TICK_JOB}/{schedule}/{}", occurrence.as_millis())),
        lane: None,
    }
}
