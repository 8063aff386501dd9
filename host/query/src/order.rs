//! The order of documents: `$orderby`, and keys that sort by it.

mod error;
mod parser;

pub use self::error::{OrderError, OrderErrorKind};
pub use self::parser::parse;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::field::Field;
use crate::key::encode_into;
use crate::scalar::Scalar;
use crate::schema::ValueType;

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// The least first; nulls before everything else.
    #[default]
    Ascending,
    /// The greatest first; nulls last.
    Descending,
}

impl Direction {
    /// The same order, read this way.
    pub fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

/// A property to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The property.
    pub field: Field,
    /// Up or down.
    pub direction: Direction,
}

impl SortKey {
    /// The value at a path (member names joined by `/`), the least first.
    pub fn ascending(path: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        Self { field: Field::at(path, value_type), direction: Direction::Ascending }
    }

    /// The value at a path (member names joined by `/`), the greatest first.
    pub fn descending(path: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        Self { field: Field::at(path, value_type), direction: Direction::Descending }
    }
}

/// How documents that no sort key tells apart are ordered by their id: as the last sort key is, or ascending.
///
/// So an index serves an order and its reverse alike.
pub fn tie_direction(order: &[SortKey]) -> Direction {
    order.last().map_or(Direction::Ascending, |key| key.direction)
}

/// The document's place in an order, as bytes that compare as documents are sorted. The id is not part of it.
pub fn position(order: &[SortKey], document: &Value) -> Vec<u8> {
    position_of(order, order.iter().map(|key| key.field.read(document)))
}

/// The order of two documents. Equal when no sort key tells them apart.
pub fn compare(order: &[SortKey], left: &Value, right: &Value) -> Ordering {
    position(order, left).cmp(&position(order, right))
}

/// The place of values, one for each sort key.
pub(crate) fn position_of(order: &[SortKey], values: impl Iterator<Item = Scalar>) -> Vec<u8> {
    let mut position = Vec::new();
    for (key, value) in order.iter().zip(values) {
        let start = position.len();
        encode_into(&mut position, &value, key.field.value_type);
        if key.direction == Direction::Descending {
            for byte in position.iter_mut().skip(start) {
                *byte = !*byte;
            }
        }
    }
    position
}
