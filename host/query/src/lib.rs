//! Filters, orders and paging: text to a typed tree, evaluated over JSON, and order-preserving index keys.
//!
//! A resource declares what callers may name in a [`PropertyTable`]. [`Filter::parse`] and [`order::parse`] read
//! `$filter` and `$orderby` against it; nothing outside the table is reachable. Rust code builds the same trees
//! directly: [`Filter::eq`], [`SortKey::ascending`]. A store evaluates them over JSON documents, and finds documents
//! without reading all of them through an [`Index`] and a [`Plan`].
//!
//! # How values compare
//!
//! - Null, a missing member and a value that is not of the property's type are one and the same: null. It comes
//!   before every other value.
//! - Text compares without regard to case, character by character in the order of code points of its [`fold`]ed form.
//!   [`ValueType::ExactText`] compares as it stands.
//! - Numbers compare as exact decimals of up to 28 digits, whether JSON has a number or a decimal string.
//! - `false` comes before `true`. Timestamps are RFC 3339 strings and compare as points in time; a date compared with
//!   one counts as its midnight, UTC.
//!
//! Index keys ([`key`]) compare as bytes exactly as the values do.

#![forbid(unsafe_code)]

mod cursor;
mod field;
pub mod filter;
mod index;
pub mod key;
mod lexer;
pub mod order;
pub mod page;
mod plan;
mod scalar;
pub mod schema;

pub use self::cursor::{Cursor, CursorError, MAX_CURSOR};
pub use self::field::{Cardinality, Field};
pub use self::filter::{Filter, FilterError};
pub use self::index::{Index, IndexEntry, IndexField};
pub use self::order::{Direction, OrderError, SortKey};
pub use self::page::{PageError, PageRequest, PageResult, Query};
pub use self::plan::{KeyRange, MAX_RANGES, OrderCoverage, Plan, Residual, plan};
pub use self::scalar::{Scalar, fold};
pub use self::schema::{Property, PropertyTable, ValueType};
