//! Keys compare as values do.

use std::cmp::Ordering;

use mortise_query::{Cursor, Direction, Scalar, SortKey, ValueType, fold, key, order};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::documents::{text, value, value_or_null, value_type};

/// The order of two values of one type, said without keys.
fn compare(left: &Scalar, right: &Scalar, value_type: ValueType) -> Ordering {
    match (left, right) {
        (Scalar::Null, Scalar::Null) => Ordering::Equal,
        (Scalar::Null, _) => Ordering::Less,
        (_, Scalar::Null) => Ordering::Greater,
        (Scalar::Text(left), Scalar::Text(right)) if value_type == ValueType::Text => {
            fold(left).cmp(&fold(right))
        }
        (Scalar::Text(left), Scalar::Text(right)) => left.cmp(right),
        (Scalar::Number(left), Scalar::Number(right)) => left.cmp(right),
        (Scalar::Boolean(left), Scalar::Boolean(right)) => left.cmp(right),
        (Scalar::Timestamp(left), Scalar::Timestamp(right)) => left.cmp(right),
        (Scalar::Date(left), Scalar::Date(right)) => left.cmp(right),
        pair => panic!("{pair:?} are not of one type"),
    }
}

fn pair() -> impl Strategy<Value = (ValueType, Scalar, Scalar)> {
    value_type()
        .prop_flat_map(|value_type| (Just(value_type), value_or_null(value_type), value_or_null(value_type)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn keys_compare_as_values_do((value_type, left, right) in pair()) {
        let keys = key::encode(&left, value_type).cmp(&key::encode(&right, value_type));
        prop_assert_eq!(keys, compare(&left, &right, value_type));
    }

    #[test]
    fn joined_keys_compare_by_the_first_difference(
        (first_type, first, other_first) in pair(),
        (second_type, second, other_second) in pair(),
    ) {
        let join = |first: &Scalar, second: &Scalar| {
            [key::encode(first, first_type), key::encode(second, second_type)].concat()
        };
        let expected = compare(&first, &other_first, first_type)
            .then_with(|| compare(&second, &other_second, second_type));
        prop_assert_eq!(join(&first, &second).cmp(&join(&other_first, &other_second)), expected);
    }

    #[test]
    fn keys_with_a_beginning_lie_below_its_successor(prefix in text(), rest in text(), other in text()) {
        let encode = |text: &str| key::encode(&Scalar::from(text), ValueType::Text);
        let beginning = encode(&prefix);
        let end = key::successor(&beginning).unwrap();
        let behind = [beginning.clone(), encode(&rest)].concat();
        prop_assert!(beginning <= behind && behind < end);
        let is_same = fold(&prefix) == fold(&other);
        prop_assert_eq!((beginning..end).contains(&encode(&other)), is_same);
    }

    #[test]
    fn a_position_sorts_as_its_directions_say(
        (value_type, left, right) in pair(),
        is_descending in any::<bool>(),
    ) {
        let direction = if is_descending { Direction::Descending } else { Direction::Ascending };
        let order = [SortKey { direction, ..SortKey::ascending("v", value_type) }];
        let document = |value: &Scalar| json!({"v": value.to_json()});
        let expected = direction.apply(compare(&left, &right, value_type));
        prop_assert_eq!(order::compare(&order, &document(&left), &document(&right)), expected);
    }

    #[test]
    fn a_cursor_stands_where_its_document_does(
        values in value_type().prop_flat_map(|value_type| (Just(value_type), value(value_type))),
        id in any::<u64>(),
    ) {
        let (value_type, value) = values;
        let order = [SortKey::descending("v", value_type), SortKey::ascending("missing", value_type)];
        let document = json!({"v": value.to_json()});
        let cursor = Cursor::decode(&Cursor::at(&order, &document, id).encode()).unwrap();
        prop_assert_eq!(cursor.position(&order).unwrap(), order::position(&order, &document));
        prop_assert_eq!(cursor.id, Value::from(id));
    }
}

#[test]
fn only_bytes_of_ff_have_no_successor() {
    assert_eq!(key::successor(&[1, 255, 255]), Some(vec![2]));
    assert_eq!(key::successor(&[1, 2]), Some(vec![1, 3]));
    assert_eq!(key::successor(&[255, 255]), None);
    assert_eq!(key::successor(&[]), None);
}
