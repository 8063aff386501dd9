//! Connectors at work: plugins and grants, instances and their secrets, runs, failed items.
//!
//! [`Integration`] is what the HTTP interface calls; [`SyncHandler`] is what the scheduler calls. Both stand on the
//! same store, and every effect of a run is a batch under the lease of its job.

#![forbid(unsafe_code)]

mod binding;
mod config;
mod dead_letters;
mod error;
mod instances;
mod integration;
mod listing;
mod plugins;
mod recordings;
mod retention;
mod runs;
mod schedules;
mod settings;
mod sync;
mod template;
mod vault;
mod webhooks;

pub use self::config::IntegrationConfig;
pub use self::dead_letters::DeadLetters;
pub use self::error::IntegrationError;
pub use self::instances::{InstanceChanges, Instances, NewInstance, SecretInfo, TestReport};
pub use self::integration::Integration;
pub use self::plugins::{Plugins, Uploaded};
pub use self::recordings::{Replay, ReplayOutcome, ReplayedPull};
pub use self::retention::{Retention, RetentionHandler};
pub use self::runs::{LogPage, RunFilter, Runs};
pub use self::schedules::{NewSchedule, ScheduleChanges, Schedules};
pub use self::sync::SyncHandler;
pub use self::vault::Vault;
pub use self::webhooks::{WebhookError, Webhooks};
