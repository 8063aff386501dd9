//! One value, read from JSON or written as a literal, and how values compare.

use std::cmp::Ordering;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::schema::ValueType;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// An exact decimal.
    Number(Decimal),
    /// A text.
    Text(String),
    /// A point in time.
    Timestamp(DateTime<Utc>),
    /// A day.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
}

impl Scalar {
    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The JSON that [`ValueType::read`] reads as this value. A number becomes a string, so no digit is lost.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::String(number.to_string()),
            Self::Text(text) => Value::String(text.clone()),
            Self::Timestamp(time) => Value::String(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Date(date) => Value::String(date.to_string()),
            Self::Time(time) => Value::String(time.to_string()),
        }
    }

    /// The order of two values that are not null and of one family; None otherwise.
    pub(crate) fn compare(&self, other: &Self, sensitivity: Sensitivity) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(left), Self::Boolean(right)) => Some(left.cmp(right)),
            (Self::Number(left), Self::Number(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) => Some(match sensitivity {
                Sensitivity::Exact => left.cmp(right),
                Sensitivity::Folded => folded(left).cmp(folded(right)),
            }),
            (Self::Timestamp(left), Self::Timestamp(right)) => Some(left.cmp(right)),
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(right)),
            (Self::Time(left), Self::Time(right)) => Some(left.cmp(right)),
            (Self::Date(left), Self::Timestamp(right)) => Some(midnight(*left).cmp(right)),
            (Self::Timestamp(left), Self::Date(right)) => Some(left.cmp(&midnight(*right))),
            _ => None,
        }
    }
}

/// Whether texts compare with regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    /// As they stand.
    Exact,
    /// In their folded form.
    Folded,
}

impl ValueType {
    /// Reads a JSON value of this type. What is not of the type, or is a number of more than 28 digits, is null.
    pub fn read(self, value: &Value) -> Scalar {
        match (self, value) {
            (Self::Text | Self::ExactText, Value::String(text)) => Scalar::Text(text.clone()),
            (Self::Number, Value::Number(number)) => decimal(&number.to_string()).into(),
            (Self::Number, Value::String(text)) => decimal(text).into(),
            (Self::Boolean, Value::Bool(truth)) => Scalar::Boolean(*truth),
            (Self::Timestamp, Value::String(text)) => {
                DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc)).into()
            }
            (Self::Date, Value::String(text)) => date(text).into(),
            _ => Scalar::Null,
        }
    }
}

/// A decimal as JSON or a filter writes it: digits with an optional `-`, point and exponent. None when it has more
/// digits than are kept exactly.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let number = Decimal::from_str_exact(mantissa).ok()?;
    exponent.map_or(Some(number), |exponent| shift(number, i32::from_str(exponent).ok()?))
}

/// `number` times ten to the power of `exponent`, when that is kept exactly.
fn shift(number: Decimal, exponent: i32) -> Option<Decimal> {
    if number.is_zero() {
        return Some(number);
    }
    let normal = number.normalize();
    let scale = i64::from(normal.scale()) - i64::from(exponent);
    if let Ok(scale) = u32::try_from(scale) {
        return Decimal::try_from_i128_with_scale(normal.mantissa(), scale).ok();
    }
    let power = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
    Decimal::try_from_i128_with_scale(normal.mantissa().checked_mul(power)?, 0).ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A day as `2026-03-01`.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let shape = |(index, byte): (usize, u8)| {
        if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
    };
    (text.len() == 10 && text.bytes().enumerate().all(shape)).then(|| text.parse().ok()).flatten()
}

/// The first moment of a day, UTC.
pub(crate) fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// A text as it is compared without regard to case: every character in lower case by itself, and a final sigma as
/// any other sigma. The fold of two texts joined is their folds joined, so a prefix stays a prefix.
pub fn fold(text: &str) -> String {
    folded(text).collect()
}

/// The characters of the folded text.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).map(|character| if character == 'ς' { 'σ' } else { character })
}

impl<T: Into<Self>> From<Option<T>> for Scalar {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Scalar {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Boolean,
    i32 => Number,
    i64 => Number,
    u32 => Number,
    u64 => Number,
    Decimal => Number,
    &str => Text,
    &String => Text,
    String => Text,
    DateTime<Utc> => Timestamp,
    NaiveDate => Date,
    NaiveTime => Time,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fold_keeps_prefixes_even_where_greek_writes_a_final_sigma() {
        assert_eq!(fold("ΟΔΟΣ"), "οδοσ");
        assert_eq!(fold("οδός"), "οδόσ");
        assert!(fold("ΟΔΟΣΑΜΟΥ").starts_with(&fold("ΟΔΟΣ")));
    }

    #[test]
    fn numbers_are_read_exactly_from_numbers_and_strings() {
        for (value, expected) in [
            (json!(5), Some("5")),
            (json!(-1.25), Some("-1.25")),
            (json!("12.50"), Some("12.5")),
            (json!(0.1), Some("0.1")),
            (json!(1e3), Some("1000")),
            (json!(1e-7), Some("0.0000001")),
            (json!("1234567890123456789012345678"), Some("1234567890123456789012345678")),
            (json!("12345678901234567890123456789012345"), None),
            (json!(1e300), None),
            (json!("1_000"), None),
            (json!("+5"), None),
            (json!(".5"), None),
            (json!(""), None),
            (json!("1e"), None),
            (json!(true), None),
        ] {
            let expected = Scalar::from(expected.map(|text| text.parse::<Decimal>().unwrap()));
            assert_eq!(ValueType::Number.read(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_day_is_ten_characters_and_nothing_else() {
        assert!(date("2026-02-28").is_some());
        for text in ["2026-02-29", "2026-2-28", "+026-02-28", "2026-02-28T", "20260228", ""] {
            assert!(date(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_written_as_json_reads_back() {
        let time = "2026-03-01T09:30:00.125Z".parse::<DateTime<Utc>>().unwrap();
        for (value_type, value) in [
            (ValueType::Text, Scalar::from("x")),
            (ValueType::Number, Scalar::from(Decimal::new(1250, 2))),
            (ValueType::Boolean, Scalar::from(true)),
            (ValueType::Timestamp, Scalar::from(time)),
            (ValueType::Date, Scalar::from(time.date_naive())),
            (ValueType::Text, Scalar::Null),
        ] {
            assert_eq!(value_type.read(&value.to_json()), value);
        }
    }
}
