//! The platform's own records: accounts and invoices, checked, numbered, linked and written.
//!
//! Both ways in pass here: callers of the platform API one record at a time, connectors a page at a time. So a
//! record obeys the same rules wherever it came from.

#![forbid(unsafe_code)]

mod error;
mod page;
mod record;
mod records;
mod references;
mod render;

pub use self::error::RecordError;
pub use self::page::{PagePlan, RecordOutcome};
pub use self::record::Record;
pub use self::records::Records;
pub use self::render::Rendered;
