//! Pulling: what was deleted, then what changed, since the last pull.

use std::collections::HashSet;

use mortise_sdk::chrono::TimeDelta;
use mortise_sdk::context::Timestamp;
use mortise_sdk::paging::{self, Extent};
use mortise_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ledger::{Listing, Record};
use crate::walk::{Position, Walk};
use crate::{BrindleLedger, Pair};

/// How far a pull reaches back behind what the last one saw: changes that were being written meanwhile.
const OVERLAP: TimeDelta = TimeDelta::seconds(5);
/// How often a list may move before a page of it is read.
const MOST_RESTARTS: u32 = 5;

/// Where a pull starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bookmark {
    changed_since: Option<Timestamp>,
    deleted_since: Option<Timestamp>,
}

/// How far a pull is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    /// Where this pull started.
    since: Bookmark,
    /// Where the next one will start.
    next: Bookmark,
    /// How many deletions the ledger reported.
    deleted: u32,
    /// The next page of deletions. None when they are read.
    deletions: Option<u32>,
    /// How far the records are.
    records: Position,
}

/// One pull.
struct Pull<'a> {
    connector: &'a BrindleLedger,
    sink: &'a Sink,
    page_size: u32,
    cursor: Cursor,
    /// What was committed by this call. A record that changes meanwhile is left to the next pull, which starts at the
    /// end of the list as it was when this one began.
    committed: HashSet<String>,
}

/// Pulls one entity.
pub(crate) fn pull<P: Pair>(
    connector: &BrindleLedger,
    request: &PullRequest,
    sink: &Sink,
) -> Result<PullEnd> {
    let page_size = connector.settings.page_size.min(request.page_size).max(1);
    let cursor = match request.read_cursor()? {
        Some(cursor) => cursor,
        None => begin::<P>(connector, request.read_bookmark()?.unwrap_or_default(), page_size)?,
    };
    let mut pull = Pull { connector, sink, page_size, cursor, committed: HashSet::new() };
    pull.deletions::<P>()?;
    pull.records::<P>()?;
    PullEnd::at(&pull.cursor.next)
}

fn begin<P: Pair>(connector: &BrindleLedger, since: Bookmark, page_size: u32) -> Result<Cursor> {
    let records = walk(connector, &since, page_size).begin::<P::Record>()?;
    let newest = records.end.newest.as_ref().map(|newest| newest.updated_at - OVERLAP);
    let next = Bookmark {
        changed_since: newest.or(since.changed_since),
        // A platform that has nothing yet has nothing to delete.
        deleted_since: since.deleted_since.or(newest),
    };
    let deletions = since.deleted_since.map(|_| 1);
    Ok(Cursor { since, next, deleted: 0, deletions, records })
}

fn walk<'a>(connector: &'a BrindleLedger, since: &Bookmark, page_size: u32) -> Walk<'a> {
    Walk {
        ledger: &connector.ledger,
        since: since.changed_since,
        page_size,
        pages_in_flight: connector.settings.pages_in_flight.max(1),
    }
}

impl Pull<'_> {
    fn deletions<P: Pair>(&mut self) -> Result<()> {
        let (Some(first), Some(since)) = (self.cursor.deletions, self.cursor.since.deleted_since) else {
            return Ok(());
        };
        let (ledger, size) = (&self.connector.ledger, self.page_size);
        let fetch = |page| ledger.list_deleted::<P::Record>(since, page, size);
        let read = |page, answer| {
            let listing = Listing::read(&answer, page, size)?;
            Ok((Extent::Until(listing.pages), (listing, answer)))
        };
        let pages = paging::numbered(first, fetch, read).in_flight(self.connector.settings.pages_in_flight);
        for page in pages {
            let (number, (listing, answer)) = page?;
            let mut gone = Vec::new();
            for item in &listing.items {
                let Some(tombstone) = item.tombstone() else {
                    return Err(answer.unexpected("holds a deletion that cannot be read").into());
                };
                self.cursor.next.deleted_since =
                    self.cursor.next.deleted_since.max(Some(tombstone.deleted_at - OVERLAP));
                gone.push(tombstone.number);
            }
            self.cursor.deleted = listing.total;
            self.cursor.deletions = (number < listing.pages).then_some(number + 1);
            if !gone.is_empty() {
                let mut page = self.page()?;
                for number in gone {
                    page.deleted(number);
                }
                self.sink.commit(page)?;
            }
        }
        Ok(())
    }

    fn records<P: Pair>(&mut self) -> Result<()> {
        let walk = walk(self.connector, &self.cursor.since, self.page_size);
        let mut restarts = 0;
        loop {
            let stretch = walk.read_on::<P::Record>(&self.cursor.records)?;
            let committed_before = self.committed.len();
            for (listing, behind) in stretch.pages {
                self.cursor.records = behind;
                self.commit::<P>(&listing)?;
            }
            if let Some(failure) = stretch.failure {
                return Err(failure);
            }
            let Some(next) = stretch.next else { return Ok(()) };
            self.cursor.records = next;
            restarts = if committed_before < self.committed.len() { 0 } else { restarts + 1 };
            if MOST_RESTARTS < restarts {
                let path = P::Record::PATH;
                return Err(Error::retryable(format!(
                    "the list of {path} changes faster than it can be read"
                )));
            }
        }
    }

    fn commit<P: Pair>(&mut self, listing: &Listing) -> Result<()> {
        let mut page = self.page()?;
        for item in &listing.items {
            let number = item.stamp().map(|stamp| stamp.number);
            if let Some(number) = &number
                && !self.committed.insert(number.clone())
            {
                continue;
            }
            match item.read::<P::Record>() {
                Ok(record) => page.record(record.number().to_owned(), &P::to_platform(record)),
                Err(error) => {
                    let message = format!("the ledger's record cannot be read: {error}");
                    let error = Error::failed("malformed-record", message);
                    page.failure(number, error, Some(item.text().to_owned()));
                }
            }
        }
        let receipt = self.sink.commit(page)?;
        debug!(
            "committed a page",
            entity = P::ENTITY,
            page = listing.page,
            created = receipt.created,
            updated = receipt.updated
        );
        Ok(())
    }

    /// An empty page with the present cursor, which counts what the ledger reported for this pull as a whole.
    fn page(&self) -> Result<Page> {
        let total = self.cursor.deleted.saturating_add(self.cursor.records.end.total);
        Ok(Page::before(&self.cursor)?.reported_total(total))
    }
}
