//! What the in-memory host holds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::bindings::mortise::plugin::context::Call;
use crate::bindings::mortise::plugin::http as contract;
use crate::bindings::mortise::plugin::http::{Delivery, HttpError, HttpErrorKind, Response};
use crate::bindings::mortise::plugin::sink::{Page, Receipt};
use crate::bindings::mortise::plugin::types::Error;
use crate::log::Level;
use crate::testing::grant::Grant;
use crate::testing::storage::Storage;
use crate::testing::{Answer, Request};

/// Most records of one page.
const MAX_RECORDS: usize = 5_000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The message.
    pub message: String,
    /// The fields, in order.
    pub fields: Vec<(String, String)>,
}

/// How far the pulls of one entity are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) bookmark: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) last_page: Option<Page>,
}

type FarSide = Rc<RefCell<dyn FnMut(&Request) -> Answer>>;

/// Everything the host holds.
pub(crate) struct State {
    pub(crate) settings: Map<String, Value>,
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    pub(crate) storage: Storage,
    pub(crate) call: Call,
    pub(crate) now: String,
    pub(crate) grant: Grant,
    pub(crate) far_side: FarSide,
    pub(crate) requests: Vec<Request>,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) pages: Vec<Page>,
    pub(crate) records: BTreeMap<(String, String), Value>,
    pub(crate) progress: BTreeMap<String, Progress>,
    pub(crate) pulling: Option<String>,
    pub(crate) page_size: u32,
    pub(crate) pages_left: Option<u32>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            settings: Map::new(),
            secrets: BTreeMap::new(),
            storage: Storage::default(),
            call: Call {
                tenant: "tenant".to_owned(),
                instance: "instance".to_owned(),
                run: "run".to_owned(),
                attempt: 1,
                idempotency_key: "key".to_owned(),
                dry_run: false,
                deadline: "2026-03-01T10:30:00Z".to_owned(),
            },
            now: "2026-03-01T09:30:00Z".to_owned(),
            grant: Grant::Everything,
            far_side: Rc::new(RefCell::new(|_: &Request| Answer::status(404))),
            requests: Vec::new(),
            in_flight: 0,
            most_in_flight: 0,
            logs: Vec::new(),
            pages: Vec::new(),
            records: BTreeMap::new(),
            progress: BTreeMap::new(),
            pulling: None,
            page_size: 100,
            pages_left: None,
        }
    }
}

impl State {
    /// Notes a request, and finds out who is to answer it.
    pub(crate) fn admit(&mut self, request: &contract::Request) -> Result<(Request, FarSide), HttpError> {
        let refused = |kind, message: String| HttpError {
            kind,
            delivery: Delivery::NotSent,
            retry_after_ms: None,
            message,
        };
        let Some(request) = Request::new(request.clone()) else {
            let message = format!("`{}` is not an absolute address", request.url);
            return Err(refused(HttpErrorKind::Invalid, message));
        };
        if let Some(message) = self.grant.refuses_request(&request) {
            return Err(refused(HttpErrorKind::Denied, message));
        }
        self.requests.push(request.clone());
        Ok((request, Rc::clone(&self.far_side)))
    }

    pub(crate) fn commit(&mut self, page: &Page) -> Result<Receipt, Error> {
        let Some(entity) = self.pulling.clone() else {
            return Err(Error::Denied("pages are committed during a pull only".to_owned()));
        };
        if MAX_RECORDS < page.records.len() {
            let message = format!("a page has at most {MAX_RECORDS} records, not {}", page.records.len());
            return Err(Error::failed("page-too-large", message));
        }
        let progress = self.progress.entry(entity.clone()).or_default();
        if progress.last_page.as_ref() == Some(page) {
            return Err(Error::failed("repeated-page", "the page repeats the last one"));
        }
        let mut receipt = Receipt { created: 0, updated: 0, unchanged: 0, deleted: 0, refused: Vec::new() };
        for record in &page.records {
            let key = (entity.clone(), record.external_id.clone());
            if record.deleted {
                receipt.deleted += u32::from(self.records.remove(&key).is_some());
                continue;
            }
            match serde_json::from_str(&record.data) {
                Ok(data) => match self.records.insert(key, data) {
                    None => receipt.created += 1,
                    Some(_) => receipt.updated += 1,
                },
                Err(error) => {
                    let message = format!("the record is not JSON: {error}");
                    return Err(Error::failed("malformed-record", message));
                }
            }
        }
        progress.cursor = Some(page.next_cursor.clone());
        progress.last_page = Some(page.clone());
        self.pages.push(page.clone());
        self.storage.keep();
        self.pages_left = self.pages_left.map(|pages| pages.saturating_sub(1));
        Ok(receipt)
    }

    /// Ends a call: what it wrote is kept when it succeeded.
    pub(crate) fn settle<T>(&mut self, outcome: &Result<T, Error>) {
        match outcome {
            Ok(_) => self.storage.keep(),
            Err(_) => self.storage.forget(),
        }
        self.grant = Grant::Everything;
        self.pulling = None;
    }

    pub(crate) fn answered(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(crate) fn asked(&mut self) {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }
}

/// An answer that waits to be read.
pub(crate) type Delivered = Result<Response, HttpError>;
