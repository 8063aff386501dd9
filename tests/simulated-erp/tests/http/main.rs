//! The ledger as its callers see it: every test talks HTTP to a server of its own.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand")]

mod authentication;
mod caller;
mod changes;
mod faults;
mod lists;
mod program;
mod records;
