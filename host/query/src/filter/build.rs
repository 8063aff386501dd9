//! Filters built by Rust code, without text.

use std::borrow::Cow;

use crate::field::{Cardinality, Field};
use crate::filter::{Comparison, Expression, Filter, Function, Logical};
use crate::scalar::Scalar;
use crate::schema::ValueType;

/// Each takes a path in the document (member names joined by `/`) and reads the property as the type of the value.
/// A text compares as it stands; [`Filter::eq_ignore_case`] does not regard case.
///
/// ```
/// use mortise_query::Filter;
///
/// let filter = Filter::eq("account/id", 7_u64).and(Filter::one_of("status", ["issued", "draft"]));
/// assert!(filter.matches(&serde_json::json!({"account": {"id": 7}, "status": "draft"})));
/// ```
impl Filter {
    /// The value equals.
    pub fn eq(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Eq, value)
    }

    /// The value differs; a missing one does too.
    pub fn ne(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Ne, value)
    }

    /// The value is greater.
    pub fn gt(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Gt, value)
    }

    /// The value is greater or equal.
    pub fn ge(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Ge, value)
    }

    /// The value is less.
    pub fn lt(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Lt, value)
    }

    /// The value is less or equal.
    pub fn le(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        compare(path, Comparison::Le, value)
    }

    /// The text equals, without regard to case.
    pub fn eq_ignore_case(path: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        let field = Field::at(path, ValueType::Text);
        comparison(field, Comparison::Eq, Scalar::Text(text.into()))
    }

    /// The value equals one of `values`, which are of one type.
    pub fn one_of<V: Into<Scalar>>(
        path: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let list: Vec<Scalar> = values.into_iter().map(Into::into).collect();
        let value_type =
            list.iter().find(|value| !value.is_null()).map_or(ValueType::ExactText, natural_type);
        let operand = Box::new(Expression::Field(Field::at(path, value_type)));
        Self { expression: Expression::In { operand, list } }
    }

    /// An element of the array at `path` equals.
    pub fn any_eq(path: impl Into<Cow<'static, str>>, value: impl Into<Scalar>) -> Self {
        let value = value.into();
        let field = Field { cardinality: Cardinality::Many, ..Field::at(path, natural_type(&value)) };
        comparison(field, Comparison::Eq, value)
    }

    /// There is no value of that type.
    pub fn is_null(path: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        comparison(Field::at(path, value_type), Comparison::Eq, Scalar::Null)
    }

    /// There is a value of that type.
    pub fn is_not_null(path: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        comparison(Field::at(path, value_type), Comparison::Ne, Scalar::Null)
    }

    /// The text starts with `prefix`.
    pub fn starts_with(path: impl Into<Cow<'static, str>>, prefix: impl Into<String>) -> Self {
        let arguments = vec![
            Expression::Field(Field::at(path, ValueType::ExactText)),
            Expression::Literal(Scalar::Text(prefix.into())),
        ];
        Self { expression: Expression::Call { function: Function::StartsWith, arguments } }
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.joined(Logical::And, other)
    }

    /// Either holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.joined(Logical::Or, other)
    }

    /// It does not hold.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "reads as one of `and`, `or` and `not`")]
    pub fn not(self) -> Self {
        Self { expression: Expression::Not(Box::new(self.expression)) }
    }

    fn joined(self, operator: Logical, other: Self) -> Self {
        let (left, right) = (Box::new(self.expression), Box::new(other.expression));
        Self { expression: Expression::Logical { operator, left, right } }
    }
}

fn compare(path: impl Into<Cow<'static, str>>, operator: Comparison, value: impl Into<Scalar>) -> Filter {
    let value = value.into();
    comparison(Field::at(path, natural_type(&value)), operator, value)
}

fn comparison(field: Field, operator: Comparison, value: Scalar) -> Filter {
    let (left, right) = (Box::new(Expression::Field(field)), Box::new(Expression::Literal(value)));
    Filter { expression: Expression::Comparison { operator, left, right } }
}

/// The type as which a property is read that is compared with `value`.
fn natural_type(value: &Scalar) -> ValueType {
    match value {
        Scalar::Boolean(_) => ValueType::Boolean,
        Scalar::Number(_) => ValueType::Number,
        Scalar::Timestamp(_) => ValueType::Timestamp,
        Scalar::Date(_) => ValueType::Date,
        Scalar::Null | Scalar::Text(_) | Scalar::Time(_) => ValueType::ExactText,
    }
}
