//! Where a pull puts what it read.

use serde::Serialize;

pub use crate::bindings::mortise::plugin::sink::{
    Page as ContractPage, PulledRecord, Receipt, RecordFailure, Refusal,
};
use crate::error::{Error, Result};
use crate::host;

/// Takes the pages of one pull.
#[derive(Debug)]
pub struct Sink {
    _only_during_a_pull: (),
}

impl Sink {
    pub(crate) fn of_this_call() -> Self {
        Self { _only_during_a_pull: () }
    }

    /// Keeps a page. Returns when records, cursor and the plugin's own storage writes are safely stored together.
    ///
    /// After an error the pull returns it.
    #[expect(clippy::needless_pass_by_value, reason = "a page is committed once")]
    pub fn commit(&self, page: Page) -> Result<Receipt> {
        host::sink::commit(&page.contract)
    }
}

/// One page of an enumeration.
#[derive(Debug, Clone)]
pub struct Page {
    contract: ContractPage,
}

impl Page {
    /// A page after which a retry goes on at `cursor`, in the plugin's own format, at most 4 KiB of JSON.
    pub fn before(cursor: &impl Serialize) -> Result<Self> {
        match serde_json::to_string(cursor) {
            Ok(next_cursor) => Ok(Self::at(next_cursor)),
            Err(error) => Err(Error::failed("unwritable-cursor", format!("the cursor is not JSON: {error}"))),
        }
    }

    /// The last page of an enumeration that is short enough to be started again when it is interrupted.
    pub fn last() -> Self {
        Self::at(String::new())
    }

    fn at(next_cursor: String) -> Self {
        Self {
            contract: ContractPage {
                records: Vec::new(),
                failures: Vec::new(),
                next_cursor,
                reported_total: None,
            },
        }
    }

    /// Says how many records the far side reports for the whole enumeration.
    pub fn reported_total(mut self, total: u32) -> Self {
        self.contract.reported_total = Some(total);
        self
    }

    /// Adds a record that the far side has. One that cannot be written as JSON is added as a failure.
    pub fn record(&mut self, external_id: impl Into<String>, object: &impl Serialize) {
        let external_id = external_id.into();
        match pulled(&external_id, object) {
            Ok(record) => self.push(record),
            Err(error) => self.failure(Some(external_id), error, None),
        }
    }

    /// Adds a record made by [`pulled`] or [`deleted`].
    pub fn push(&mut self, record: PulledRecord) {
        self.contract.records.push(record);
    }

    /// Adds a record that the far side no longer has.
    pub fn deleted(&mut self, external_id: impl Into<String>) {
        self.push(deleted(external_id));
    }

    /// Adds a record that could not be mapped, with the far side's JSON where it is at hand.
    pub fn failure(&mut self, external_id: Option<String>, error: Error, data: Option<String>) {
        self.contract.failures.push(RecordFailure { external_id, error, data });
    }

    /// How many records it holds, failures included.
    pub fn len(&self) -> usize {
        self.contract.records.len() + self.contract.failures.len()
    }

    /// True when it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A record that the far side has.
pub fn pulled(external_id: impl Into<String>, object: &impl Serialize) -> Result<PulledRecord> {
    let external_id = external_id.into();
    match serde_json::to_string(object) {
        Ok(data) => Ok(PulledRecord { external_id, deleted: false, data }),
        Err(error) => {
            Err(Error::failed("unwritable-record", format!("record {external_id} is not JSON: {error}")))
        }
    }
}

/// A record that the far side no longer has.
pub fn deleted(external_id: impl Into<String>) -> PulledRecord {
    PulledRecord { external_id: external_id.into(), deleted: true, data: "null".to_owned() }
}
