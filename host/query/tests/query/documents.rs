//! Random values and documents, from domains so small that values meet.

use chrono::{DateTime, NaiveDate, Utc};
use mortise_query::{Property, PropertyTable, Scalar, ValueType};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The properties of the random documents.
pub(crate) static THINGS: PropertyTable = PropertyTable {
    resource: "things",
    properties: &[
        Property::new("name", "name", ValueType::Text).filterable().sortable(),
        Property::new("state", "state", ValueType::ExactText).filterable().sortable(),
        Property::new("total", "amounts/total", ValueType::Number).filterable().sortable(),
        Property::new("taxable", "taxable", ValueType::Boolean).filterable().sortable(),
        Property::new("createdAt", "createdAt", ValueType::Timestamp)
            .filterable()
            .sortable()
            .aliases(&["created"]),
        Property::new("dueDate", "dueDate", ValueType::Date).filterable().sortable(),
        Property::new("tags", "tags", ValueType::Text).filterable().many(),
        Property::new("secret", "secret", ValueType::Text),
    ],
};

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aAbB]{0,3}",
        1 => "[aσΣς'\u{0}\u{1}é\u{10ffff}]{0,3}",
    ]
}

pub(crate) fn number() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        3 => (-30_i64..30, 0_u32..3).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        1 => (any::<i64>(), 0_u32..28).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        1 => Just(Decimal::MAX),
        1 => Just(Decimal::MIN),
    ]
}

pub(crate) fn timestamp() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        3 => (0_i64..3, 0_u32..2).prop_map(|(day, millis)| at(1_767_225_600 + day * 43_200, millis * 1_000_000)),
        1 => (-62_135_596_800_i64..253_402_300_799, 0_u32..1_000_000_000).prop_map(|(s, n)| at(s, n)),
    ]
}

pub(crate) fn date() -> impl Strategy<Value = NaiveDate> {
    timestamp().prop_map(|time| time.date_naive())
}

fn at(seconds: i64, nanos: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, nanos).unwrap_or_default()
}

/// A value of the type; never null.
pub(crate) fn value(value_type: ValueType) -> BoxedStrategy<Scalar> {
    match value_type {
        ValueType::Text | ValueType::ExactText => text().prop_map(Scalar::from).boxed(),
        ValueType::Number => number().prop_map(Scalar::from).boxed(),
        ValueType::Boolean => any::<bool>().prop_map(Scalar::from).boxed(),
        ValueType::Timestamp => timestamp().prop_map(Scalar::from).boxed(),
        ValueType::Date => date().prop_map(Scalar::from).boxed(),
    }
}

/// A value of the type, or null.
pub(crate) fn value_or_null(value_type: ValueType) -> BoxedStrategy<Scalar> {
    prop_oneof![5 => value(value_type), 1 => Just(Scalar::Null)].boxed()
}

pub(crate) fn value_type() -> impl Strategy<Value = ValueType> {
    prop::sample::select(vec![
        ValueType::Text,
        ValueType::ExactText,
        ValueType::Number,
        ValueType::Boolean,
        ValueType::Timestamp,
        ValueType::Date,
    ])
}

pub(crate) fn document() -> impl Strategy<Value = Value> {
    let of = |value_type| value_or_null(value_type).prop_map(|value| value.to_json());
    (
        of(ValueType::Text),
        of(ValueType::ExactText),
        of(ValueType::Number),
        of(ValueType::Boolean),
        of(ValueType::Timestamp),
        of(ValueType::Date),
        prop::collection::vec(of(ValueType::Text), 0..3),
    )
        .prop_map(|(name, state, total, taxable, created_at, due_date, tags)| {
            json!({
                "name": name, "state": state, "amounts": {"total": total}, "taxable": taxable,
                "createdAt": created_at, "dueDate": due_date, "tags": tags, "secret": "s",
            })
        })
}

/// What `now()` is.
pub(crate) fn now() -> DateTime<Utc> {
    at(1_772_357_400, 0)
}
