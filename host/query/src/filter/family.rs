//! Which values may meet: the families of types, and what functions take and give.

use crate::filter::{Expression, Function};
use crate::scalar::{Scalar, midnight};
use crate::schema::ValueType;

/// Types whose values compare with one another, dates with timestamps besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// The literal `null`, which meets everything.
    Null,
    Boolean,
    Number,
    Text,
    Timestamp,
    Date,
    Time,
}

impl Family {
    pub(super) const fn of_type(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Text | ValueType::ExactText => Self::Text,
            ValueType::Number => Self::Number,
            ValueType::Boolean => Self::Boolean,
            ValueType::Timestamp => Self::Timestamp,
            ValueType::Date => Self::Date,
        }
    }

    pub(super) const fn of_value(value: &Scalar) -> Self {
        match value {
            Scalar::Null => Self::Null,
            Scalar::Boolean(_) => Self::Boolean,
            Scalar::Number(_) => Self::Number,
            Scalar::Text(_) => Self::Text,
            Scalar::Timestamp(_) => Self::Timestamp,
            Scalar::Date(_) => Self::Date,
            Scalar::Time(_) => Self::Time,
        }
    }

    /// The name with its article.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Timestamp => "a timestamp",
            Self::Date => "a date",
            Self::Time => "a time of day",
        }
    }

    pub(super) fn meets(self, other: Self) -> bool {
        let is_day = |family| matches!(family, Self::Timestamp | Self::Date);
        self == other || self == Self::Null || other == Self::Null || (is_day(self) && is_day(other))
    }
}

/// What a function takes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Number,
    Timestamp,
    TimestampOrDate,
    TimestampOrTime,
}

impl Parameter {
    pub(super) fn takes(self, family: Family) -> bool {
        match family {
            Family::Null => true,
            Family::Text => self == Self::Text,
            Family::Number => self == Self::Number,
            Family::Timestamp => {
                matches!(self, Self::Timestamp | Self::TimestampOrDate | Self::TimestampOrTime)
            }
            Family::Date => self == Self::TimestampOrDate,
            Family::Time => self == Self::TimestampOrTime,
            Family::Boolean => false,
        }
    }

    /// The name with its article.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Timestamp => "a timestamp",
            Self::TimestampOrDate => "a timestamp or a date",
            Self::TimestampOrTime => "a timestamp or a time of day",
        }
    }
}

/// What a function takes and gives.
pub(super) struct Signature {
    pub(super) parameters: &'static [Parameter],
    /// How many of the parameters must be given.
    pub(super) n_required: usize,
    pub(super) result: Family,
}

impl Function {
    pub(super) const fn signature(self) -> Signature {
        use Parameter::{Number, Text, Timestamp, TimestampOrDate, TimestampOrTime};
        let (parameters, result): (&'static [Parameter], Family) = match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => (&[Text, Text], Family::Boolean),
            Self::ToLower | Self::ToUpper | Self::Trim => (&[Text], Family::Text),
            Self::Concat => (&[Text, Text], Family::Text),
            Self::Length => (&[Text], Family::Number),
            Self::IndexOf => (&[Text, Text], Family::Number),
            Self::Substring => (&[Text, Number, Number], Family::Text),
            Self::Year | Self::Month | Self::Day => (&[TimestampOrDate], Family::Number),
            Self::Hour | Self::Minute | Self::Second => (&[TimestampOrTime], Family::Number),
            Self::Date => (&[Timestamp], Family::Date),
            Self::Time => (&[Timestamp], Family::Time),
            Self::Round | Self::Floor | Self::Ceiling => (&[Number], Family::Number),
        };
        let n_required = if matches!(self, Self::Substring) { 2 } else { parameters.len() };
        Signature { parameters, n_required, result }
    }
}

/// The literal as it is best compared with values of a family: a day as its midnight beside timestamps, a midnight as
/// its day beside days. So an index on either serves both ways to write it.
pub(super) fn fit(value: Scalar, family: Family) -> Scalar {
    match (family, value) {
        (Family::Timestamp, Scalar::Date(date)) => Scalar::Timestamp(midnight(date)),
        (Family::Date, Scalar::Timestamp(time)) if midnight(time.date_naive()) == time => {
            Scalar::Date(time.date_naive())
        }
        (_, value) => value,
    }
}

/// [`fit`], for an expression that may be a literal.
pub(super) fn fit_expression(expression: Expression, family: Family) -> Expression {
    match expression {
        Expression::Literal(value) => Expression::Literal(fit(value, family)),
        other => other,
    }
}
