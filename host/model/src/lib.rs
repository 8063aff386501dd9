//! Plain data of the domain: entities, ids, money, clock, statuses and errors.
//!
//! Floor 0: no I/O and no async. Everything here can be built, compared and serialised in a test without a host.

#![forbid(unsafe_code)]

pub mod access;
pub mod account;
pub mod clock;
pub mod connector;
pub mod entity;
pub mod error;
pub mod host_pattern;
pub mod id;
pub mod instance;
pub mod invoice;
pub mod item;
pub mod log;
pub mod manifest;
pub mod money;
pub mod plugin;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod tenant;
pub mod webhook;
