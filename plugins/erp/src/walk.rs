//! Reading a whole list whose records move while it is read.
//!
//! The ledger's lists are in the order of change, and pages are counted from the list as it is when each is asked for.
//! A record that changes moves to the end, every record behind it moves up by one, and the one that crosses from a page
//! not read yet to a page already read is on neither. Nothing in either page shows it.
//!
//! So the list is read in stretches of pages, with several in flight, and after each stretch its end is looked at again:
//! whatever changes becomes the newest record, whatever goes changes the total. If the end is the same, nothing moved
//! and the stretch has no gap. If not, only what cannot have a gap is kept, the first page of a list being one answer,
//! and reading goes on with the list of what changed since then, from its first page.

use mortise_sdk::context::Timestamp;
use mortise_sdk::paging::{self, Extent};
use mortise_sdk::{Error, Result, debug};
use serde::{Deserialize, Serialize};

use crate::ledger::{Item, Ledger, Listing, Record, Stamp};

/// How many times as many pages as are in flight make a stretch.
const STRETCH: u32 = 4;
/// How often the end of a list may move while it is looked for.
const LOOKS: usize = 5;

/// A list of everything that changed since some time.
pub(crate) struct Walk<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) since: Option<Timestamp>,
    pub(crate) page_size: u32,
    pub(crate) pages_in_flight: u32,
}

/// How far a walk is. Survives in the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The list that is read now holds what changed at this time or later.
    from: Option<Timestamp>,
    /// Its next page.
    page: u32,
    /// The last record read.
    last: Option<Stamp>,
    /// The end of the list when it was last looked at.
    pub(crate) end: End,
}

/// The end of the list of everything. While it stays the same, nothing in the list moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// How many records the list has.
    pub(crate) total: u32,
    /// The record that changed last.
    pub(crate) newest: Option<Stamp>,
}

/// Pages without a gap, each with the position behind it.
pub(crate) struct Stretch {
    pub(crate) pages: Vec<(Listing, Position)>,
    /// Where reading goes on. None when the list is read.
    pub(crate) next: Option<Position>,
    /// Why the page behind these could not be read, if so.
    pub(crate) failure: Option<Error>,
}

impl Walk<'_> {
    /// The beginning of the list.
    pub(crate) fn begin<R: Record>(&self) -> Result<Position> {
        let end = self.look_at_end::<R>(1)?;
        Ok(Position { from: self.since, page: 1, last: None, end })
    }

    /// Reads on from a position.
    pub(crate) fn read_on<R: Record>(&self, position: &Position) -> Result<Stretch> {
        let (listings, failure) = self.read_pages::<R>(position)?;
        let reaches_end = listings.last().is_none_or(|listing| listing.pages <= listing.page);
        // The first page of a list is one answer, so whatever moved, it has no gap.
        let is_one_answer = position.page == 1 && listings.len() <= 1;
        if is_one_answer && reaches_end && position.from == self.since {
            let end = End::of(&listings, position);
            return Ok(Stretch { pages: with_positions(position, &end, listings), next: None, failure });
        }
        let end = self.look_at_end::<R>(position.end.total)?;
        if end == position.end {
            check_order::<R>(position, &listings)?;
            check_total::<R>(&listings, if position.from == self.since { Some(end.total) } else { None })?;
            let pages = with_positions(position, &end, listings);
            let next = pages.last().map(|(_, behind)| behind.clone()).filter(|_| !reaches_end);
            return Ok(Stretch { pages, next, failure });
        }
        debug!("the list moved while it was read", total = end.total, page = position.page);
        let certain = usize::from(position.page == 1);
        let mut pages = with_positions(position, &end, listings.into_iter().take(certain).collect());
        if is_one_answer && reaches_end {
            return Ok(Stretch { pages, next: None, failure });
        }
        let last = pages.last().map_or(&position.last, |(_, behind)| &behind.last).clone();
        let from = last.as_ref().map(|last| last.updated_at).or(position.from);
        let next = Position { from, page: 1, last, end };
        if let Some((_, behind)) = pages.last_mut() {
            behind.clone_from(&next);
        }
        Ok(Stretch { pages, next: Some(next), failure })
    }

    /// The pages of a stretch, up to one that cannot be read. An error when that is the first.
    fn read_pages<R: Record>(&self, position: &Position) -> Result<(Vec<Listing>, Option<Error>)> {
        let last_of_stretch = position.page.saturating_add(self.pages_in_flight.saturating_mul(STRETCH) - 1);
        let fetch = |page| self.ledger.list::<R>(position.from, page, self.page_size);
        let read = |page, answer| {
            let listing = Listing::read(&answer, page, self.page_size)?;
            Ok((Extent::Until(listing.pages.min(last_of_stretch)), listing))
        };
        let mut pages = paging::numbered(position.page, fetch, read).in_flight(self.pages_in_flight);
        if position.from == self.since {
            let expected = position.end.total.div_ceil(self.page_size).max(1);
            pages = pages.until(expected.min(last_of_stretch).max(position.page));
        }
        let mut listings = Vec::new();
        for page in pages {
            match page {
                Ok((_, listing)) => listings.push(listing),
                Err(error) if listings.is_empty() => return Err(error),
                Err(error) => return Ok((listings, Some(error))),
            }
        }
        Ok((listings, None))
    }

    /// Looks at the end of the list of everything, where it was last seen first.
    fn look_at_end<R: Record>(&self, seen: u32) -> Result<End> {
        let mut place = seen.max(1);
        let mut listing = self.ledger.page::<R>(self.since, place, 1)?;
        for _ in 0..LOOKS {
            if listing.total.max(1) == place {
                break;
            }
            place = listing.total.max(1);
            listing = self.ledger.page::<R>(self.since, place, 1)?;
        }
        let newest = listing.stamps().next_back();
        Ok(End { total: listing.total, newest })
    }
}

impl End {
    /// The end of a list of which every page was read.
    fn of(listings: &[Listing], position: &Position) -> Self {
        let newest = listings.iter().rev().find_map(|listing| listing.stamps().next_back());
        let total = listings.last().map_or(position.end.total, |listing| listing.total);
        Self { total, newest: newest.or_else(|| position.end.newest.clone()) }
    }
}

fn with_positions(start: &Position, end: &End, listings: Vec<Listing>) -> Vec<(Listing, Position)> {
    let mut last = start.last.clone();
    let with_position = |listing: Listing| {
        last = listing.stamps().next_back().or(last.take());
        let behind =
            Position { from: start.from, page: listing.page + 1, last: last.clone(), end: end.clone() };
        (listing, behind)
    };
    listings.into_iter().map(with_position).collect()
}

/// In a list that did not move, every record comes after the one before it, on its page and across pages.
fn check_order<R: Record>(position: &Position, listings: &[Listing]) -> Result<()> {
    // The first page of a list that was started anew begins with what was read last.
    let mut last = position.last.clone().filter(|_| 1 < position.page);
    for listing in listings {
        for stamp in listing.stamps() {
            if let Some(last) = last.as_ref().filter(|last| stamp <= **last) {
                let (page, number) = (listing.page, &stamp.number);
                let what = format!("{number} on page {page} is there again or before {}", last.number);
                return Err(not_a_list::<R>(listing, &what));
            }
            last = Some(stamp);
        }
    }
    Ok(())
}

/// In a list that did not move, every page counts the same records.
fn check_total<R: Record>(listings: &[Listing], known: Option<u32>) -> Result<()> {
    let Some(total) = known.or_else(|| listings.first().map(|listing| listing.total)) else { return Ok(()) };
    match listings.iter().find(|listing| listing.total != total) {
        None => Ok(()),
        Some(listing) => {
            let what = format!("page {} counts {} records, others {total}", listing.page, listing.total);
            Err(not_a_list::<R>(listing, &what))
        }
    }
}

fn not_a_list<R: Record>(listing: &Listing, what: &str) -> Error {
    let shown: Vec<_> = listing.items.iter().map(Item::text).collect();
    let message = format!("the list of {} is wrong: {what}", R::PATH);
    Error::failed_with_answer("unexpected-answer", message, shown.join("\n"))
}
