//! Brindle Ledger's HTTP interface, version 2.

mod listing;
mod records;

use std::fmt;

use mortise_sdk::context::Timestamp;
use mortise_sdk::http::{Method, Request};
use mortise_sdk::{Error, FieldError, Result};
use serde::{Deserialize, Serialize};

pub(crate) use crate::ledger::listing::{Item, Listing, Stamp};
pub(crate) use crate::ledger::records::{
    Address, Customer, CustomerStatus, Invoice, InvoiceStatus, Line, Record, instant,
};

/// The credential that every request names.
pub(crate) const CREDENTIAL: &str = "erp";

/// The ledger of one instance.
pub(crate) struct Ledger {
    base_url: String,
}

/// What the ledger calls itself.
const PRODUCT: &str = "Brindle Ledger";

/// What the ledger says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    product: String,
    account: String,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.product, self.account)
    }
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is removed.
    Done,
    /// It was not there.
    NothingThere,
}

impl Ledger {
    pub(crate) fn at(base_url: &str) -> Self {
        Self { base_url: base_url.trim_end_matches('/').to_owned() }
    }

    /// Asks who is there. Answers only with working credentials.
    pub(crate) fn ping(&self) -> Result<About> {
        let answer = self.request(Method::Get, "ping").send()?;
        let about: About = answer.json()?;
        if about.product == PRODUCT {
            return Ok(about);
        }
        Err(answer.unexpected(format!("comes from {}, not from {PRODUCT}", about.product)).into())
    }

    /// The request for one page of what changed at `since` or later, oldest change first.
    pub(crate) fn list<R: Record>(&self, since: Option<Timestamp>, page: u32, size: u32) -> Request {
        self.request(Method::Get, R::PATH)
            .query("page", page)
            .query("pageSize", size)
            .query("sort", "updatedAt")
            .query_if_some("updatedSince", since.map(instant))
    }

    /// One page of what changed at `since` or later.
    pub(crate) fn page<R: Record>(&self, since: Option<Timestamp>, page: u32, size: u32) -> Result<Listing> {
        Ok(Listing::read(&self.list::<R>(since, page, size).send()?, page, size)?)
    }

    /// The request for one page of what was deleted at `since` or later.
    pub(crate) fn list_deleted<R: Record>(&self, since: Timestamp, page: u32, size: u32) -> Request {
        self.request(Method::Get, R::PATH)
            .segment("deleted")
            .query("page", page)
            .query("pageSize", size)
            .query("since", instant(since))
    }

    /// The record of this number. None means the ledger does not have it.
    pub(crate) fn read<R: Record>(&self, number: &str) -> Result<Option<R>> {
        let answer = self.request(Method::Get, R::PATH).segment(number).send()?.found()?;
        Ok(answer.map(|answer| answer.json()).transpose()?)
    }

    /// The record that was made under a reference of ours.
    pub(crate) fn find<R: Record>(&self, reference: &str) -> Result<Option<R>> {
        let request = self.request(Method::Get, R::PATH).query("externalRef", reference).query("pageSize", 1);
        let answer = request.send()?;
        let Some(item) = Listing::read(&answer, 1, 1)?.items.pop() else { return Ok(None) };
        match item.read() {
            Ok(record) => Ok(Some(record)),
            Err(error) => {
                Err(answer.unexpected(format!("holds a record that cannot be read: {error}")).into())
            }
        }
    }

    /// Makes a record. The same key with the same draft makes it once.
    pub(crate) fn create<R: Record>(
        &self,
        draft: &impl Serialize,
        reference: &str,
        idempotency_key: &str,
        pointer: fn(&str) -> String,
    ) -> Result<R> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct New<'a, D> {
            external_ref: &'a str,
            #[serde(flatten)]
            draft: &'a D,
        }
        let request = self.request(Method::Post, R::PATH).header("Idempotency-Key", idempotency_key);
        written(request.json(&New { external_ref: reference, draft }), pointer)
    }

    /// Changes a record, if it still is at `revision`.
    pub(crate) fn change<R: Record>(
        &self,
        number: &str,
        revision: u32,
        draft: &impl Serialize,
        pointer: fn(&str) -> String,
    ) -> Result<R> {
        let request = self.request(Method::Patch, R::PATH).segment(number).header("If-Match", revision);
        written(request.json(draft), pointer)
    }

    /// Removes a record.
    pub(crate) fn remove<R: Record>(&self, number: &str) -> Result<Removal> {
        let answer = self.request(Method::Delete, R::PATH).segment(number).send()?.found()?;
        Ok(if answer.is_some() { Removal::Done } else { Removal::NothingThere })
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, format!("{}/api/v2", self.base_url)).segment(path).credential(CREDENTIAL)
    }
}

/// Sends a record. Fields that the ledger refuses are told by their place in the platform's object.
fn written<R: Record>(request: Request, pointer: fn(&str) -> String) -> Result<R> {
    const UNPROCESSABLE: u16 = 422;
    let answer = request.send()?;
    if answer.status() == UNPROCESSABLE
        && let Ok(problem) = serde_json::from_slice::<Problem>(answer.body().as_bytes())
        && !problem.error.fields.is_empty()
    {
        let told = problem.error.fields.into_iter().map(|field| FieldError {
            pointer: pointer(&field.field),
            code: problem.error.code.clone(),
            message: format!("{}: {}", field.field, field.message),
        });
        return Err(Error::Rejected(told.collect()));
    }
    Ok(answer.json()?)
}

/// The ledger's error body.
#[derive(Debug, Deserialize)]
struct Problem {
    error: ProblemBody,
}

#[derive(Debug, Deserialize)]
struct ProblemBody {
    code: String,
    #[serde(default)]
    fields: Vec<ProblemField>,
}

#[derive(Debug, Deserialize)]
struct ProblemField {
    field: String,
    message: String,
}
