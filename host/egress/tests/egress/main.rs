//! Requests through the real client to servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod answers;
mod credentials;
mod far_side;
mod gates;
mod policy;
mod pools;
mod tokens;
