//! Connectors at work, over the embedded store and the runtime.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod dead_letters;
mod expect;
mod house;
mod instances;
mod plugins;
mod recordings;
mod retention;
mod runs;
mod schedules;
mod secrets;
mod sync;
mod webhooks;
