//! Cron schedules become jobs, jobs find workers: leases, retries and dead letters.
//!
//! An enabled schedule has one waiting job of kind `tick`, due at its next occurrence. Working on it puts the
//! instance's `sync` job into the queue and the next tick behind it, in one batch: no occurrence is lost to a crash
//! and none happens twice, however many hosts share the store.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod cron;
mod handler;
pub mod schedules;
mod sync_job;
mod tick;
mod worker;

pub use self::handler::{JobContext, JobEnd, JobHandler, Patience};
pub use self::sync_job::{SYNC_JOB, SyncPayload, instance_lane, overlapping_sync_job, sync_job, webhook_job};
pub use self::tick::TickHandler;
pub use self::worker::{Scheduler, SchedulerConfig};
