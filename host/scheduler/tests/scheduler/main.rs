//! The scheduler on the embedded store.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod house;
mod ticks;
mod watched;
mod workers;
