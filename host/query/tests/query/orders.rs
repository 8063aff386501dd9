//! `$orderby`: text, mistakes, and the order of documents.

use mortise_query::order::{compare, parse, tie_direction};
use mortise_query::{Direction, PropertyTable, SortKey, ValueType};
use serde_json::{Value, json};

use crate::documents::THINGS;

static NOTHING: PropertyTable = PropertyTable { resource: "notes", properties: &[] };

fn describe(order: &[SortKey]) -> Vec<String> {
    order.iter().map(|key| format!("{} {:?}", key.field.name, key.direction)).collect()
}

#[test]
fn names_and_directions_are_read_in_any_casing() {
    for (text, expected) in [
        ("name", vec!["name Ascending"]),
        (" NAME desc ", vec!["name Descending"]),
        (
            "name\tasc,total   DESC , createdat",
            vec!["name Ascending", "total Descending", "createdAt Ascending"],
        ),
        ("created", vec!["createdAt Ascending"]),
    ] {
        assert_eq!(describe(&parse(text, &THINGS).unwrap()), expected, "{text}");
    }
}

#[test]
fn every_mistake_has_its_code_and_its_place() {
    for (text, code, position) in [
        ("", "orderby.syntax", 0),
        ("name,", "orderby.syntax", 5),
        (",name", "orderby.syntax", 0),
        ("name desc asc", "orderby.syntax", 10),
        ("name)", "orderby.syntax", 4),
        ("name “desc”", "orderby.syntax", 5),
        ("nmae", "orderby.unknown_property", 0),
        ("name, secret desc", "orderby.unknown_property", 6),
        ("tags", "orderby.unknown_property", 0),
        ("name, total, NAME desc", "orderby.repeated_property", 13),
        ("createdAt, created", "orderby.repeated_property", 11),
        ("name down", "orderby.invalid_direction", 5),
        ("name total", "orderby.invalid_direction", 5),
        ("total ge 5 asc", "orderby.unsupported", 6),
        ("tolower(name)", "orderby.unsupported", 0),
        ("5", "orderby.unsupported", 0),
        ("-total", "orderby.unsupported", 0),
        ("$it", "orderby.unsupported", 0),
        (&"name,".repeat(1_000), "orderby.too_complex", 4_096),
    ] {
        let error = parse(text, &THINGS).unwrap_err();
        assert_eq!((error.code(), error.position), (code, position), "{text}: {error}");
    }
}

#[test]
fn an_unknown_property_is_answered_with_those_that_can_be_sorted_by() {
    let error = parse("tags", &THINGS).unwrap_err();
    assert_eq!(error.property.as_deref(), Some("tags"));
    assert_eq!(error.allowed, ["name", "state", "total", "taxable", "createdAt", "dueDate"]);
    assert!(parse("a", &NOTHING).unwrap_err().message.contains("notes cannot be sorted"));
}

#[test]
fn nulls_come_first_ascending_and_last_descending() {
    let documents = [json!({"name": "b"}), json!({}), json!({"name": "A"}), json!({"name": "a", "total": 1})];
    let sorted = |text: &str| {
        let order = parse(text, &THINGS).unwrap();
        let mut sorted: Vec<Value> = documents.to_vec();
        sorted.sort_by(|left, right| compare(&order, left, right));
        sorted.iter().map(|document| document["name"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sorted("name"), ["-", "A", "a", "b"]);
    assert_eq!(sorted("name desc"), ["b", "A", "a", "-"]);
}

#[test]
fn numbers_sort_as_numbers_whether_json_has_them_as_numbers_or_texts() {
    let order = [SortKey::ascending("n", ValueType::Number)];
    let mut numbers =
        [json!({"n": "10"}), json!({"n": 9.5}), json!({"n": "-1.50"}), json!({"n": -2}), json!({"n": 0})];
    numbers.sort_by(|left, right| compare(&order, left, right));
    assert_eq!(
        numbers.map(|document| document["n"].clone()),
        [json!(-2), json!("-1.50"), json!(0), json!(9.5), json!("10")]
    );
}

#[test]
fn ties_are_broken_in_the_direction_of_the_last_key() {
    assert_eq!(tie_direction(&[]), Direction::Ascending);
    assert_eq!(tie_direction(&parse("name desc, total", &THINGS).unwrap()), Direction::Ascending);
    assert_eq!(tie_direction(&parse("name, total desc", &THINGS).unwrap()), Direction::Descending);
}
