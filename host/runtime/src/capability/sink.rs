//! `sink`: where a pull puts what it read.

use std::sync::Arc;

use mortise_model::connector::{MAX_CURSOR, MAX_EXTERNAL_ID, MAX_PAGE_RECORDS};
use wasmtime::component::Linker;

use super::Host;
use crate::Sink as Keeper;
use crate::bindings::contract::sink as contract;
use crate::bindings::contract::types::Error;
use crate::bounds::{PAGE, RECORD};
use crate::gate::gated;
use crate::recording::Arguments;
use crate::state::CallState;
use crate::translate;

/// Where the pages of this call go. None outside a pull.
pub(crate) struct Sink(Option<Arc<dyn Keeper>>);

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

pub(crate) fn bind(keeper: Option<Arc<dyn Keeper>>) -> Sink {
    Sink(keeper)
}

impl Sink {
    fn open(&self) -> Result<Arc<dyn Keeper>, Error> {
        let denied = || Error::Denied("sink.commit answers only during a pull".to_owned());
        self.0.clone().ok_or_else(denied)
    }
}

impl CallState {
    async fn commit_page(&mut self, page: contract::Page) -> Result<contract::Receipt, Error> {
        let keeper = self.sink.open()?;
        check(&page)?;
        let page = translate::page(page);
        let receipt = keeper.commit(page, self.storage.writes()).await.map_err(translate::error_out)?;
        self.storage.committed();
        Ok(translate::receipt(receipt))
    }
}

impl contract::Host for CallState {
    async fn commit(&mut self, page: contract::Page) -> wasmtime::Result<Result<contract::Receipt, Error>> {
        gated!(self, SinkCommit, |asked| tell(asked, &page), self.commit_page(page).await, Error::Denied)
    }
}

fn tell(asked: &mut Arguments, page: &contract::Page) {
    asked
        .about(format!("{} records and {} failures", page.records.len(), page.failures.len()))
        .part("records", &page.records)
        .part("failures", &page.failures)
        .part("next-cursor", &page.next_cursor)
        .part("reported-total", &page.reported_total);
}

fn check(page: &contract::Page) -> Result<(), Error> {
    let fault = |code: &str, message: String| Err(translate::fault(code, message));
    let count = page.records.len();
    if count > MAX_PAGE_RECORDS || page.failures.len() > MAX_PAGE_RECORDS {
        let most = count.max(page.failures.len());
        return fault(
            "page-too-large",
            format!(
                "a page has at most {MAX_PAGE_RECORDS} records and as many failures, not {most}: commit smaller pages"
            ),
        );
    }
    if page.next_cursor.len() > MAX_CURSOR {
        return fault(
            "cursor-too-long",
            format!("the page's `next-cursor` has more than {MAX_CURSOR} bytes"),
        );
    }
    let mut bytes = 0_usize;
    for (position, record) in page.records.iter().enumerate() {
        if !(1..=MAX_EXTERNAL_ID).contains(&record.external_id.len()) {
            return fault(
                "external-id-length",
                format!(
                    "the `external-id` of record {position} has {} bytes, not 1 to {MAX_EXTERNAL_ID}",
                    record.external_id.len()
                ),
            );
        }
        if record.data.len() > RECORD {
            return fault(
                "record-too-large",
                format!("the data of record {position} has more than {RECORD} bytes"),
            );
        }
        bytes = bytes.saturating_add(record.data.len());
    }
    let failures = page.failures.iter().filter_map(|failure| failure.data.as_ref());
    bytes = failures.fold(bytes, |bytes, data| bytes.saturating_add(data.len()));
    if bytes > PAGE {
        return fault(
            "page-too-large",
            format!("the page has more than {PAGE} bytes of records: commit smaller pages"),
        );
    }
    Ok(())
}
