//! The filter: a tree of typed expressions that is true, false or unknown of a document.

mod build;
mod call;
mod display;
mod error;
mod evaluate;
mod expression;
mod family;
mod function;
mod parser;

pub use self::error::{FilterError, FilterErrorKind};
pub use self::expression::{Arithmetic, Comparison, Expression, Logical};
pub use self::function::Function;
pub use crate::lexer::MAX_TEXT;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::schema::PropertyTable;

/// How deep parentheses, functions, `not` and `-` may nest.
pub const MAX_DEPTH: usize = 50;
/// Most comparisons of a filter. `in` and a bare boolean property count as one each.
pub const MAX_COMPARISONS: usize = 100;
/// Most functions and arithmetic operators of a filter.
pub const MAX_CALCULATIONS: usize = 100;
/// Most items of a list.
pub const MAX_ITEMS: usize = 200;

/// A condition on documents.
///
/// Its `Display` is `$filter` text that parses to the same filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    expression: Expression,
}

impl Filter {
    /// Reads `$filter` text. Only the filterable properties of the table can be named; `now()` is `now`.
    ///
    /// The language is that of OASIS `OData` 4.01 with these deviations: `not a eq 1` is `not (a eq 1)`; texts compare
    /// without regard to case; `div` divides decimals; `datetime'2026-03-01T09:30:00'` and a bare timestamp without an
    /// offset are taken as UTC; a list holds literals only; a GUID is a text in lower case; `not(` needs no space.
    /// Lambdas, paths of a model, geography, casts and JSON literals are not offered.
    ///
    /// ```
    /// use mortise_query::{Filter, Property, PropertyTable, ValueType};
    ///
    /// static INVOICES: PropertyTable = PropertyTable {
    ///     resource: "invoices",
    ///     properties: &[
    ///         Property::new("total", "total", ValueType::Number).filterable(),
    ///         Property::new("dueDate", "dueDate", ValueType::Date).filterable(),
    ///     ],
    /// };
    /// let now = "2026-03-01T09:30:00Z".parse().unwrap();
    /// let filter = Filter::parse("total ge 99.9 and dueDate lt now()", &INVOICES, now).unwrap();
    /// assert!(filter.matches(&serde_json::json!({"total": "100.00", "dueDate": "2026-02-28"})));
    ///
    /// let error = Filter::parse("totl ge 100", &INVOICES, now).unwrap_err();
    /// assert_eq!((error.code(), error.position), ("filter.unknown_property", 0));
    /// ```
    ///
    /// # Errors
    /// [`FilterError`] on the first mistake from the left.
    pub fn parse(text: &str, table: &PropertyTable, now: DateTime<Utc>) -> Result<Self, FilterError> {
        parser::parse(text, table, now)
    }

    /// The tree. Its value is a boolean or null.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Whether the condition is true of `document`. What is unknown is not true.
    pub fn matches(&self, document: &Value) -> bool {
        evaluate::is_true(&self.expression, document)
    }
}
