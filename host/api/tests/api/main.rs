//! The interface as callers see it: every route over the embedded store, every answer compared with the `OpenAPI`
//! document.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

mod call;
mod contract;
mod host;

mod conditions;
mod idempotency;
mod isolation;
mod keys;
mod lists;
mod management;
mod oauth;
mod openapi;
mod patches;
mod problems;
mod scopes;
mod serving;
mod uploads;
mod versions;
