//! One enumeration of everything that a far side has: what its pages may be, and whether all of it landed.

use std::collections::HashSet;

use mortise_model::connector::{Page, PulledRecord, RecordFailure};
use mortise_model::error::PluginError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How often an enumeration is started over because its total moved or disagreed.
pub(crate) const MOST_RESTARTS: u32 = 2;
/// Most positions of one enumeration. They are in memory while it is pulled, at about 20 bytes each.
const MOST_POSITIONS: u32 = 4_000_000;
/// Most pages of one enumeration.
const MOST_PAGES: u32 = 200_000;
/// How often a total may change, whatever the number of pages; beyond that once in [`PAGES_PER_CHANGE`] pages.
const TOTAL_CHANGES: u32 = 10;
/// See [`TOTAL_CHANGES`].
const PAGES_PER_CHANGE: u32 = 4;

/// An enumeration that is in progress or was interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enumeration {
    /// Tells it from the enumerations before it.
    pub(crate) id: String,
    /// Where it goes on. None when it cannot: it begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    /// Pages committed so far.
    pub(crate) pages: u32,
    /// Positions that landed so far, each counted once: records, refused ones, and records that could not be mapped.
    pub(crate) landed: u32,
    /// The total that was reported last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u32>,
    /// How often the total changed.
    pub(crate) total_changes: u32,
    /// Whether the total became less at any time: a record that went may have moved another past the reader.
    pub(crate) shrank: bool,
    /// How often the enumeration was started over.
    pub(crate) restarts: u32,
    /// What the last page held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_page: Option<String>,
}

/// A record of the far side within one enumeration, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Position(pub(crate) u64);

/// What landed so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    positions: HashSet<Position>,
    cursors: HashSet<u64>,
}

/// How a complete enumeration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What landed is what the far side said it has.
    Reconciled,
    /// The far side gave no total.
    Unreconciled,
    /// It is to be started over, and why.
    Again(String),
    /// It failed.
    Failed(PluginError),
}

impl Enumeration {
    /// The beginning of one.
    pub(crate) fn new(id: String, restarts: u32) -> Self {
        Self {
            id,
            cursor: None,
            pages: 0,
            landed: 0,
            total: None,
            total_changes: 0,
            shrank: false,
            restarts,
            last_page: None,
        }
    }

    /// The enumeration after a page, and the positions that are new with it.
    ///
    /// # Errors
    /// [`PluginError::Failed`] when the page repeats an earlier one, the total moves too often, or a bound is reached.
    pub(crate) fn after(&self, page: &Page, seen: &Seen) -> Result<(Self, Vec<Position>), PluginError> {
        if !page.next_cursor.is_empty() && seen.has_cursor(&page.next_cursor) {
            return Err(PluginError::failed(
                "repeated-page",
                "the page has the cursor of an earlier page of the same pull: a pull that goes in circles never ends",
            ));
        }
        let content = content_of(page);
        if content.is_some() && content == self.last_page {
            return Err(PluginError::failed(
                "repeated-page",
                "the page holds exactly what the page before it held: the far side answered the same page twice",
            ));
        }
        let mut next = self.clone();
        next.pages = self.pages.saturating_add(1);
        next.last_page = content;
        next.cursor = Some(page.next_cursor.clone()).filter(|cursor| !cursor.is_empty());
        next.take_total(page.reported_total)?;
        let positions = new_positions(page, next.pages, seen);
        next.landed = self.landed.saturating_add(u32::try_from(positions.len()).unwrap_or(u32::MAX));
        if next.landed > MOST_POSITIONS || next.pages > MOST_PAGES {
            return Err(PluginError::failed(
                "enumeration-too-long",
                format!(
                    "one pull has at most {MOST_POSITIONS} records in {MOST_PAGES} pages: narrow what is pulled"
                ),
            ));
        }
        Ok((next, positions))
    }

    fn take_total(&mut self, reported: Option<u32>) -> Result<(), PluginError> {
        let Some(reported) = reported else { return Ok(()) };
        if let Some(before) = self.total.filter(|before| *before != reported) {
            self.total_changes = self.total_changes.saturating_add(1);
            self.shrank |= reported < before;
            if self.total_changes > TOTAL_CHANGES.saturating_add(self.pages / PAGES_PER_CHANGE) {
                let message = format!(
                    "the total changed {} times in {} pages, last from {before} to {reported}: it is no total",
                    self.total_changes, self.pages
                );
                return Err(PluginError::failed("total-unsteady", message));
            }
        }
        self.total = Some(reported);
        Ok(())
    }

    /// What it came to, now that the plugin says that it is complete.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.pages == 0 {
            let message = "the plugin ended the pull without committing a page, so nothing shows that it read the \
                           far side: a far side that has nothing is one empty page with the total 0";
            return Verdict::Failed(PluginError::failed("nothing-committed", message));
        }
        let Some(total) = self.total else { return Verdict::Unreconciled };
        let agrees = self.landed == total;
        if agrees && !self.shrank {
            return Verdict::Reconciled;
        }
        let landed = self.landed;
        let what = if agrees {
            format!(
                "the total became less, in the end {total}, while it was read: a record may have been passed over"
            )
        } else {
            format!("{landed} records landed, but the far side says that it has {total}")
        };
        if self.restarts < MOST_RESTARTS {
            return Verdict::Again(what);
        }
        let code = if agrees { "total-moved" } else { "total-mismatch" };
        Verdict::Failed(PluginError::failed(
            code,
            format!("{what}; it was enumerated {} times", self.restarts + 1),
        ))
    }
}

impl Seen {
    /// Adds positions that landed.
    pub(crate) fn add(&mut self, positions: &[Position]) {
        self.positions.extend(positions);
    }

    /// Adds a cursor that was committed.
    pub(crate) fn add_cursor(&mut self, cursor: &str) {
        self.cursors.insert(number_of(&[cursor]));
    }

    fn has_cursor(&self, cursor: &str) -> bool {
        self.cursors.contains(&number_of(&[cursor]))
    }
}

fn new_positions(page: &Page, number: u32, seen: &Seen) -> Vec<Position> {
    let records = page.records.iter().map(position_of_record);
    let failures =
        page.failures.iter().enumerate().map(|(place, failure)| position_of_failure(failure, number, place));
    let mut positions: Vec<Position> = records.chain(failures).collect();
    positions.sort_unstable();
    positions.dedup();
    positions.retain(|position| !seen.positions.contains(position));
    positions
}

/// A deletion and the record itself are two positions: a far side lists and counts them apart.
fn position_of_record(record: &PulledRecord) -> Position {
    let kind = if record.data.is_some() { "record" } else { "deletion" };
    Position(number_of(&[kind, &record.external_id]))
}

fn position_of_failure(failure: &RecordFailure, page: u32, place: usize) -> Position {
    match &failure.external_id {
        Some(external_id) => Position(number_of(&["record", external_id])),
        None => Position(number_of(&["nameless", &page.to_string(), &place.to_string()])),
    }
}

/// What a page holds, as one text. None when it holds nothing.
fn content_of(page: &Page) -> Option<String> {
    if page.records.is_empty() && page.failures.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    let mut add = |part: Option<&str>| {
        let part = part.unwrap_or_default();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    for record in &page.records {
        add(Some(&record.external_id));
        add(record.data.as_deref());
    }
    for failure in &page.failures {
        add(failure.external_id.as_deref());
        add(failure.data.as_deref());
    }
    Some(hex::encode(hash.finalize()))
}

fn number_of(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(ids: impl IntoIterator<Item = u32>, cursor: &str, total: Option<u32>) -> Page {
        let records = ids
            .into_iter()
            .map(|id| PulledRecord { external_id: format!("A-{id}"), data: Some("{}".to_owned()) })
            .collect();
        Page { records, failures: Vec::new(), next_cursor: cursor.to_owned(), reported_total: total }
    }

    fn read(pages: &[Page]) -> Result<Enumeration, PluginError> {
        let mut seen = Seen::default();
        let mut enumeration = Enumeration::new("e".to_owned(), 0);
        for page in pages {
            let (next, positions) = enumeration.after(page, &seen)?;
            seen.add(&positions);
            seen.add_cursor(&page.next_cursor);
            enumeration = next;
        }
        Ok(enumeration)
    }

    fn code(error: &PluginError) -> &str {
        match error {
            PluginError::Failed { code, .. } => code,
            _ => "another",
        }
    }

    #[test]
    fn what_landed_as_announced_is_reconciled() {
        let read = read(&[page(1..=3, "3", Some(5)), page(4..=5, "5", Some(5))]).unwrap();
        assert_eq!((read.landed, read.verdict()), (5, Verdict::Reconciled));
    }

    #[test]
    fn a_record_that_landed_twice_does_not_stand_for_one_that_did_not_land() {
        let read = read(&[page([1, 2, 3], "3", Some(6)), page([3, 5, 6], "6", Some(6))]).unwrap();
        assert!(
            matches!(read.verdict(), Verdict::Again(why) if why.contains("5 records landed") && why.contains('6'))
        );
    }

    #[test]
    fn more_than_was_announced_is_no_agreement_either() {
        let read = read(&[page(1..=6, "6", Some(5))]).unwrap();
        assert!(matches!(read.verdict(), Verdict::Again(_)));
    }

    #[test]
    fn a_total_that_grew_and_was_reached_is_reconciled_but_one_that_shrank_is_read_again() {
        let grew = read(&[page(1..=3, "3", Some(5)), page(4..=6, "6", Some(6))]).unwrap();
        assert_eq!(grew.verdict(), Verdict::Reconciled);
        let shrank = read(&[page(1..=3, "3", Some(6)), page(4..=5, "5", Some(5))]).unwrap();
        assert!(matches!(shrank.verdict(), Verdict::Again(_)));
    }

    #[test]
    fn the_third_enumeration_that_disagrees_is_an_error_with_both_numbers() {
        let mut read = read(&[page(1..=3, "3", Some(5))]).unwrap();
        read.restarts = MOST_RESTARTS;
        let Verdict::Failed(error) = read.verdict() else { panic!("it is accepted") };
        assert_eq!(code(&error), "total-mismatch");
        assert!(
            error.to_string().contains("3 records landed") && error.to_string().contains("has 5"),
            "{error}"
        );
        read.total = Some(3);
        read.shrank = true;
        assert!(matches!(read.verdict(), Verdict::Failed(error) if code(&error) == "total-moved"));
    }

    #[test]
    fn without_a_page_nothing_is_proved_and_without_a_total_nothing_is_compared() {
        let nothing = Enumeration::new("e".to_owned(), 0).verdict();
        assert!(matches!(nothing, Verdict::Failed(error) if code(&error) == "nothing-committed"));
        assert_eq!(read(&[page(1..=3, "", None)]).unwrap().verdict(), Verdict::Unreconciled);
        assert_eq!(read(&[page([], "", Some(0))]).unwrap().verdict(), Verdict::Reconciled);
    }

    #[test]
    fn a_cursor_that_was_seen_is_refused_even_with_other_records() {
        let circle = [page([1], "a", None), page([2], "b", None), page([3], "a", None)];
        assert_eq!(code(&read(&circle).unwrap_err()), "repeated-page");
    }

    #[test]
    fn the_same_records_again_are_refused_even_with_another_cursor() {
        let error = read(&[page([1, 2], "a", None), page([1, 2], "b", None)]).unwrap_err();
        assert_eq!(code(&error), "repeated-page");
        assert!(read(&[page([], "a", None), page([], "b", None)]).is_ok());
    }

    #[test]
    fn a_total_that_changes_with_every_page_is_refused() {
        let pages: Vec<Page> =
            (1..=20).map(|number| page([number], &number.to_string(), Some(100 + number))).collect();
        assert_eq!(code(&read(&pages).unwrap_err()), "total-unsteady");
        let slow: Vec<Page> =
            (1..=200).map(|number| page([number], &number.to_string(), Some(100 + number / 5))).collect();
        assert!(read(&slow).is_ok());
    }

    #[test]
    fn a_record_that_cannot_be_mapped_counts_as_landed() {
        let mut with_failures = page([1], "1", Some(3));
        let error = PluginError::failed("x", "x");
        let failure = |external_id: Option<&str>| RecordFailure {
            external_id: external_id.map(str::to_owned),
            error: error.clone(),
            data: None,
        };
        with_failures.failures = vec![failure(Some("A-2")), failure(None)];
        assert_eq!(read(&[with_failures]).unwrap().verdict(), Verdict::Reconciled);
    }

    proptest! {
        /// Whatever pages come: agreement means that as many different records landed as were announced last.
        #[test]
        fn agreement_is_never_reached_by_repetition(
            pages in prop::collection::vec((prop::collection::vec(0_u32..30, 0..6), prop::option::of(0_u32..30)), 1..12),
        ) {
            let pages: Vec<Page> = pages
                .into_iter()
                .enumerate()
                .map(|(number, (ids, total))| page(ids, &number.to_string(), total))
                .collect();
            if let Ok(read) = read(&pages) {
                let different: HashSet<&str> =
                    pages.iter().flat_map(|page| &page.records).map(|record| record.external_id.as_str()).collect();
                prop_assert_eq!(read.landed as usize, different.len());
                let last = pages.iter().rev().find_map(|page| page.reported_total);
                match read.verdict() {
                    Verdict::Reconciled => prop_assert_eq!(last.map(|total| total as usize), Some(different.len())),
                    Verdict::Unreconciled => prop_assert_eq!(last, None),
                    Verdict::Again(_) | Verdict::Failed(_) => prop_assert!(last.is_some()),
                }
            }
        }
    }
}
