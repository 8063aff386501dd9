//! Pages of the ledger's lists, believed only when they are what was asked for.

use mortise_sdk::context::Timestamp;
use mortise_sdk::http::{Error, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    /// What is on the page, each read by itself: one that is malformed does not spoil its neighbours.
    pub(crate) items: Vec<Item>,
    /// The number of the page, from 1.
    pub(crate) page: u32,
    page_size: u32,
    /// How many pages the list has.
    pub(crate) pages: u32,
    /// How many records the list has.
    pub(crate) total: u32,
}

/// Something on a page, not read yet.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Item(Box<RawValue>);

/// A record's number and when it last changed: its place in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) updated_at: Timestamp,
    pub(crate) number: String,
}

/// What is left of a deleted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) number: String,
    pub(crate) deleted_at: Timestamp,
}

/// What tells records apart. An invoice has its customer's number as well.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    invoice_no: Option<String>,
    customer_no: Option<String>,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

impl Key {
    fn number(self) -> Option<String> {
        self.invoice_no.or(self.customer_no)
    }
}

impl Listing {
    /// Reads a page and compares it with what was asked for and with itself.
    ///
    /// A page that is empty where records should be, that is another page, or that counts wrongly, is an error with
    /// the page attached: it is no end of the list.
    pub(crate) fn read(answer: &Response, page: u32, size: u32) -> Result<Self, Error> {
        let listing: Self = answer.json()?;
        let wrong = |what: String| answer.unexpected(format!("is not page {page} of a list: {what}"));
        if listing.page != page || listing.page_size != size {
            let (other, size) = (listing.page, listing.page_size);
            return Err(wrong(format!("it says that it is page {other}, of {size} records a page")));
        }
        if listing.pages != listing.total.div_ceil(size) {
            let Self { pages, total, .. } = listing;
            return Err(wrong(format!("{total} records do not make {pages} pages of {size}")));
        }
        let before = u64::from(page - 1) * u64::from(size);
        let expected = u64::from(listing.total).saturating_sub(before).min(u64::from(size));
        if u64::try_from(listing.items.len()) != Ok(expected) {
            let (count, total) = (listing.items.len(), listing.total);
            return Err(wrong(format!("it holds {count} records, {expected} of the {total} belong on it")));
        }
        Ok(listing)
    }

    /// The places of the records that have one, in the order of the page.
    pub(crate) fn stamps(&self) -> impl DoubleEndedIterator<Item = Stamp> {
        self.items.iter().filter_map(Item::stamp)
    }
}

impl Item {
    /// Reads it.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.0.get())
    }

    /// Its place in the list, where that much can be read.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let key: Key = self.read().ok()?;
        Some(Stamp { updated_at: key.updated_at?, number: key.number()? })
    }

    /// What it is in a list of deletions.
    pub(crate) fn tombstone(&self) -> Option<Tombstone> {
        let key: Key = self.read().ok()?;
        Some(Tombstone { deleted_at: key.deleted_at?, number: key.number()? })
    }

    /// It as it came.
    pub(crate) fn text(&self) -> &str {
        self.0.get()
    }
}
