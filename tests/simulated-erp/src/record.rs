//! What customers and invoices have in common.

use std::ops::RangeInclusive;

use serde::{Serialize, de::DeserializeOwned};

use crate::{ledger::Books, moment::Moment, shelf::Shelf};

/// One thing wrong with one field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where, as a path: `lines[0].net`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A kind of record that the ledger keeps under numbers of its own.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind as error messages name it.
    const KIND: &'static str;
    /// The field that holds the record's number.
    const KEY_FIELD: &'static str;
    /// What every number of this kind starts with.
    const KEY_PREFIX: &'static str;
    /// The fields that a list may be narrowed by.
    const FILTERS: &'static [&'static str];

    /// The shelf where records of this kind stand.
    fn shelf(books: &Books) -> &Shelf<Self>;
    /// As [`Record::shelf`], to change it.
    fn shelf_mut(books: &mut Books) -> &mut Shelf<Self>;

    /// How many times the record was written; 1 when new.
    fn revision(&self) -> u32;
    /// When it was last written.
    fn updated_at(&self) -> Moment;
    /// Marks one more writing of the record.
    fn touch(&mut self, at: Moment);
    /// The values that a list may be narrowed by.
    fn facets(&self) -> Facets;
    /// Everything wrong with the record by itself.
    fn check(&self) -> Vec<FieldError>;
    /// Everything wrong with what the record refers to.
    fn check_references(&self, books: &Books) -> Vec<FieldError>;
    /// Why a record in this state takes no more changes, if it does not.
    fn locked(&self) -> Option<&'static str>;
}

/// The searchable values of a record, or the values searched for: `None` then matches any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facets {
    pub(crate) external_ref: Option<String>,
    pub(crate) tax_number: Option<String>,
    pub(crate) customer_no: Option<String>,
    pub(crate) status: Option<String>,
}

/// Collects what is wrong with the fields of a record.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Facets {
    pub(crate) fn is_any(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a record with these facets has every value that `wanted` names.
    pub(crate) fn satisfy(&self, wanted: &Self) -> bool {
        let meets = |have: &Option<String>, want: &Option<String>| want.is_none() || have == want;
        meets(&self.external_ref, &wanted.external_ref)
            && meets(&self.tax_number, &wanted.tax_number)
            && meets(&self.customer_no, &wanted.customer_no)
            && meets(&self.status, &wanted.status)
    }
}

impl Findings {
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// The text must have so many characters, none of them a control character.
    pub(crate) fn text(&mut self, field: &str, text: &str, length: &RangeInclusive<usize>) {
        let count = text.chars().count();
        if !length.contains(&count) {
            self.add(
                field,
                format!("has {count} characters; {} to {} are allowed", length.start(), length.end()),
            );
        }
        if text.chars().any(char::is_control) {
            self.add(field, "holds a control character; remove it");
        }
    }

    /// As [`Findings::text`], for a field that may be absent.
    pub(crate) fn optional_text(&mut self, field: &str, text: Option<&str>, length: &RangeInclusive<usize>) {
        if let Some(text) = text {
            self.text(field, text, length);
        }
    }

    /// The text must be so many capital letters: a currency or a country.
    pub(crate) fn capitals(&mut self, field: &str, text: &str, count: usize) {
        if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.add(field, format!("`{text}` is not a code of {count} capital letters"));
        }
    }

    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.0
    }
}
