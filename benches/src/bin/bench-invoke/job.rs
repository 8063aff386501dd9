//! The job: one invoice for the guest `small-job` to add up.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// The setting that the guest reads.
pub(crate) const SETTINGS: &str = r#"{"currency":"EUR"}"#;
/// What the guest answers.
pub(crate) const NOTE: &str = "208.50";
/// The invoice, as the platform has it.
pub(crate) const INVOICE: &str = r#"{"number":"R-2026-000417","currency":"EUR","invoiceDate":"2026-03-02","dueDate":"2026-04-01","account":{"id":73},"status":"issued","subTotal":"208.50","taxAmount":"39.62","total":"248.12","items":[{"position":1,"description":"Domain, one year","quantity":"3","unitPrice":"12.50"},{"position":2,"description":"Mailbox, monthly","quantity":"12","unitPrice":"14.25"}]}"#;

/// Where the guest is.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests-wasm/small-job.wasm")
}

/// The guest's bytes.
///
/// # Errors
/// That it was not built.
pub(crate) fn component() -> Outcome<Vec<u8>> {
    let path = path();
    let missing = |error| format!("{} cannot be read ({error}): run `cargo xtask plugins`", path.display());
    Ok(fs::read(&path).map_err(missing)?)
}
