//! The filter: a tree of typed expressions that is true, false or unknown of a document.

mod build;
mod call;
mod evaluate;
mod expression;
mod function;

pub use self::expression::{Arithmetic, Comparison, Expression, Logical};
pub use self::function::Function;

use serde_json::Value;

/// A condition on documents.
///
/// Its `Display` is `$filter` text that parses to the same filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    expression: Expression,
}

impl Filter {
    /// The tree. Its value is a boolean or null.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Whether the condition is true of `document`. What is unknown is not true.
    pub fn matches(&self, document: &Value) -> bool {
        evaluate::is_true(&self.expression, document)
    }
}
