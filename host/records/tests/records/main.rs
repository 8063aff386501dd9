//! Accounts and invoices on the embedded store.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod house;
mod links;
mod one_by_one;
mod pages;
