//! The whole system through its HTTP interface: real processes, nothing faked.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod addresses;
mod author;
mod bad_input;
mod crash;
mod dead_letters;
mod faults;
mod fixture;
mod guide;
mod isolation;
mod main_job;
mod misbehaviour;
mod not_a_page;
mod push;
mod releases;
mod resume;
mod secrets;
mod stopping;
mod trouble;
mod uploads;
mod webhooks;
