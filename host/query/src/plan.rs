//! How an index answers a query: ranges of keys to read, and what is left to check.

mod constraint;

use std::ops::Bound;

use crate::cursor::{Cursor, CursorError};
use crate::filter::Filter;
use crate::index::{Index, IndexField};
use crate::key::{FIRST_PRESENT, encode, encode_text_prefix, successor};
use crate::order::{Direction, SortKey, tie_direction};
use crate::plan::constraint::{Bounds, Conditions};
use crate::scalar::Scalar;

/// A range of keys. What the store appends to a key (the document's id) stays within it.
pub type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Most ranges of one plan. A condition that needs more is left to the filter.
pub const MAX_RANGES: usize = 1_000;

/// How to find documents through an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'a> {
    /// The index.
    pub index: &'a Index,
    /// The ranges to read, ascending, without overlap. None: nothing matches. No document is in two of them, or
    /// twice in one.
    pub ranges: Vec<KeyRange>,
    /// Whether the filter must still be evaluated on what is read.
    pub residual: Residual,
    /// Whether the entries are in the order that is asked for.
    pub order: OrderCoverage,
    /// The keys of the leading values that the filter fixes, which a cursor's place follows.
    fixed: Vec<u8>,
    /// The places of the sort keys that the filter does not fix.
    free_keys: Vec<usize>,
}

/// What is left of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residual {
    /// Nothing: every entry of the ranges matches.
    Nothing,
    /// All of it.
    Filter,
}

/// What is left of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderCoverage {
    /// Nothing: reading the ranges and their entries in this direction, ids included, gives the order.
    Satisfied(Direction),
    /// All of it: the documents must be sorted.
    Unsorted,
}

/// How good a plan is; the greater is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    finds_one: bool,
    fixed_fields: usize,
    range_and_order: usize,
    range: bool,
}

/// Chooses the index that reads least. None when none helps: read all documents, by id.
///
/// An index over the documents' ids that the store serves from the documents themselves may be passed among `indexes`.
pub fn plan<'a>(filter: Option<&Filter>, order: &[SortKey], indexes: &'a [Index]) -> Option<Plan<'a>> {
    let conditions = Conditions::of(filter);
    let mut best: Option<(Merit, Plan<'a>)> = None;
    for index in indexes {
        if let Some((merit, plan)) = consider(index, &conditions, order)
            && best.as_ref().is_none_or(|(best, _)| *best < merit)
        {
            best = Some((merit, plan));
        }
    }
    best.map(|(_, plan)| plan)
}

fn consider<'a>(
    index: &'a Index,
    conditions: &Conditions<'_>,
    order: &[SortKey],
) -> Option<(Merit, Plan<'a>)> {
    let mut prefixes = vec![Vec::new()];
    let mut answered = Vec::new();
    let mut fixed_fields = 0;
    let mut fixed = FixedPart::default();
    for (place, field) in index.fields.iter().enumerate() {
        let Some(found) = conditions.equal(index, place, prefixes.len()) else { break };
        let keys: Vec<Vec<u8>> = found.values.iter().map(|value| encode(value, field.value_type)).collect();
        prefixes = prefixes
            .iter()
            .flat_map(|prefix| keys.iter().map(move |key| [prefix.as_slice(), key].concat()))
            .collect();
        answered.extend(found.answered);
        fixed_fields += 1;
        if let [only] = prefixes.as_slice()
            && fixed.n_fields == place
        {
            fixed = FixedPart { n_fields: fixed_fields, key: only.clone() };
        }
    }
    if index.many && fixed_fields == 0 {
        return None;
    }
    prefixes.sort_unstable();
    prefixes.dedup();
    let bounds = conditions.bounds(index, fixed_fields);
    let mut ranges: Vec<KeyRange> = Vec::with_capacity(prefixes.len());
    for prefix in prefixes {
        ranges.extend(range(&prefix, bounds.as_ref(), index.fields.get(fixed_fields)));
    }
    answered.extend(bounds.iter().flat_map(|bounds| bounds.answered.iter().copied()));

    let free_keys = free_keys(index, fixed.n_fields, order);
    let coverage = coverage(index.fields.get(fixed.n_fields..)?, &free_keys, order);
    let is_ordered = matches!(coverage, OrderCoverage::Satisfied(_));
    if fixed_fields == 0 && bounds.is_none() && (order.is_empty() || !is_ordered) {
        return None;
    }
    let merit = Merit {
        finds_one: index.unique && fixed.n_fields == index.fields.len(),
        fixed_fields,
        range_and_order: usize::from(bounds.is_some()) + usize::from(is_ordered),
        range: bounds.is_some(),
    };
    let residual = if conditions.are_all_in(&answered) { Residual::Nothing } else { Residual::Filter };
    Some((merit, Plan { index, ranges, residual, order: coverage, fixed: fixed.key, free_keys }))
}

/// The leading fields of an index that have one value.
#[derive(Default)]
struct FixedPart {
    n_fields: usize,
    key: Vec<u8>,
}

/// The places of the sort keys that are not over fixed fields, which tell no documents apart.
fn free_keys(index: &Index, n_fixed: usize, order: &[SortKey]) -> Vec<usize> {
    let fixed = index.fields.get(..n_fixed).unwrap_or_default();
    let is_free =
        |key: &SortKey| !fixed.iter().skip(usize::from(index.many)).any(|field| is_same_value(field, key));
    order.iter().enumerate().filter(|(_, key)| is_free(key)).map(|(place, _)| place).collect()
}

fn is_same_value(field: &IndexField, key: &SortKey) -> bool {
    field.path == key.field.path && field.value_type == key.field.value_type
}

fn coverage(fields: &[IndexField], free_keys: &[usize], order: &[SortKey]) -> OrderCoverage {
    let direction = tie_direction(order);
    let same = fields.len() == free_keys.len()
        && fields.iter().zip(free_keys).all(|(field, place)| {
            order.get(*place).is_some_and(|key| is_same_value(field, key) && key.direction == direction)
        });
    if same { OrderCoverage::Satisfied(direction) } else { OrderCoverage::Unsorted }
}

/// The keys that begin with `prefix` and whose next value is within `bounds`. None when there can be none.
fn range(prefix: &[u8], bounds: Option<&Bounds<'_>>, field: Option<&IndexField>) -> Option<KeyRange> {
    let (lower, upper) = match bounds.zip(field) {
        Some((bounds, field)) => value_range(bounds, *field),
        None => (Some(Vec::new()), None),
    };
    let lower = lower.map(|key| [prefix, &key].concat())?;
    let upper = match upper {
        Some(key) => Some([prefix, &key].concat()),
        None => successor(prefix),
    };
    match upper {
        Some(upper) if lower >= upper => None,
        Some(upper) => Some((Bound::Included(lower), Bound::Excluded(upper))),
        None if lower.is_empty() => Some((Bound::Unbounded, Bound::Unbounded)),
        None => Some((Bound::Included(lower), Bound::Unbounded)),
    }
}

/// The keys of one value from the first, included, to the second, excluded. The first is None when there are none.
fn value_range(bounds: &Bounds<'_>, field: IndexField) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let key = |value: &Scalar| encode(value, field.value_type);
    if let Some(prefix) = bounds.prefix {
        let lower = encode_text_prefix(prefix, field.value_type);
        let upper = successor(&lower);
        return (Some(lower), upper);
    }
    let lower = match bounds.lower {
        Bound::Included(value) => Some(key(value)),
        Bound::Excluded(value) => successor(&key(value)),
        Bound::Unbounded => Some(FIRST_PRESENT.to_vec()),
    };
    let upper = match bounds.upper {
        Bound::Included(value) => successor(&key(value)),
        Bound::Excluded(value) => Some(key(value)),
        Bound::Unbounded => successor(&FIRST_PRESENT),
    };
    (lower, upper)
}

impl Plan<'_> {
    /// The index key at which a cursor stands. Entries behind it, and entries of the same key with an id behind the
    /// cursor's, follow. Only for a plan whose order is satisfied.
    ///
    /// # Errors
    /// [`CursorError::OtherOrder`] when the cursor was made for another order.
    pub fn position(&self, order: &[SortKey], cursor: &Cursor) -> Result<Vec<u8>, CursorError> {
        let values = cursor.read(order)?;
        let mut key = self.fixed.clone();
        for place in &self.free_keys {
            if let (Some(value), Some(sort_key)) = (values.get(*place), order.get(*place)) {
                key.extend(encode(value, sort_key.field.value_type));
            }
        }
        Ok(key)
    }
}
