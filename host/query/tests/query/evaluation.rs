//! What filters say of documents.

use mortise_query::{Filter, ValueType};
use serde_json::{Value, json};

use crate::documents::{THINGS, now};

fn matches(text: &str, document: &Value) -> bool {
    let filter = Filter::parse(text, &THINGS, now()).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.matches(document)
}

fn check(document: &Value, true_of_it: &[&str], not_true_of_it: &[&str]) {
    for text in true_of_it {
        assert!(matches(text, document), "{text} is true of {document}");
    }
    for text in not_true_of_it {
        assert!(!matches(text, document), "{text} is not true of {document}");
    }
}

fn full() -> Value {
    json!({
        "name": "Αθήνα Straße", "state": "Active", "amounts": {"total": "12.50"}, "taxable": true,
        "createdAt": "2026-03-01T09:30:15.250Z", "dueDate": "2026-03-15", "tags": ["Red", "green"],
    })
}

#[test]
fn comparisons_of_values() {
    check(
        &full(),
        &[
            "total eq 12.5",
            "total eq 12.500",
            "total ne 12.51",
            "total gt 12.49",
            "total ge 12.5",
            "total lt 100",
            "total le 12.5",
            "12 lt total",
            "taxable eq true",
            "taxable gt false",
            "state eq 'Active'",
            "createdAt gt 2026-03-01",
            "createdAt eq 2026-03-01T11:30:15.250+02:00",
            "createdAt le datetime'2026-03-01T09:30:15.250'",
            "dueDate eq 2026-03-15",
            "dueDate eq datetime'2026-03-15'",
            "dueDate lt 2026-03-15T00:00:01Z",
            "dueDate gt createdAt",
        ],
        &[
            "total eq 12",
            "total gt 12.5",
            "total lt 12.5",
            "taxable ne true",
            "state gt 'a'",
            "createdAt lt 2026-03-01",
            "dueDate ne datetime'2026-03-15'",
        ],
    );
}

#[test]
fn texts_compare_without_regard_to_case_unless_exact() {
    check(
        &full(),
        &[
            "name eq 'ΑΘΉΝΑ STRAßE'",
            "contains(name, 'STRA')",
            "startswith(name, 'αθή')",
            "endswith(name, 'ASSE') or endswith(name, 'AßE')",
            "name in ('x', 'αθήνα straße')",
            "name lt 'ΑΘΉΝΑ T'",
            "tags eq 'RED'",
        ],
        &[
            "state eq 'active'",
            "startswith(state, 'act')",
            "state in ('ACTIVE')",
            "tolower(state) eq 'ACTIVE'",
        ],
    );
}

#[test]
fn null_equals_null_and_is_neither_greater_nor_less() {
    for document in [
        json!({}),
        json!({"name": null, "amounts": {"total": null}, "tags": []}),
        json!({"name": 5, "amounts": 5, "tags": [null], "taxable": "yes"}),
    ] {
        check(
            &document,
            &[
                "name eq null",
                "null eq name",
                "name ne 'a'",
                "total ne 0",
                "name in ('a', null)",
                "not (name eq 'a')",
                "not (total gt 5)",
                "tags eq null",
                "tags ne 'a'",
                "taxable eq null",
                "null eq null",
                "total add 1 eq null",
            ],
            &[
                "name eq 'a'",
                "name ne null",
                "name in ('a')",
                "name in ()",
                "total gt 0",
                "total ge 0",
                "total lt 0",
                "total le 0",
                "total ge null",
                "total le total",
                "name lt 'a'",
                "tags ne null",
                "null",
            ],
        );
    }
}

#[test]
fn what_is_unknown_decides_nothing() {
    // `taxable` is unknown.
    check(
        &json!({"name": "a"}),
        &["taxable or true", "true or taxable", "not (taxable and false)", "not (false and taxable)"],
        &[
            "taxable",
            "not taxable",
            "taxable and true",
            "true and taxable",
            "not (taxable and true)",
            "taxable or false",
            "not (taxable or false)",
            "taxable and taxable",
            "contains(state, 'a')",
            "not contains(state, 'a')",
            "not startswith(name, null)",
        ],
    );
}

#[test]
fn not_takes_the_whole_comparison() {
    check(
        &json!({"taxable": false, "name": "a"}),
        &["not taxable", "not name eq 'b'", "not taxable and name eq 'a'", "not not name eq 'a'"],
        &["not name eq 'a'", "not (taxable or name eq 'a')"],
    );
}

#[test]
fn many_values_equal_what_any_of_them_equals() {
    check(
        &full(),
        &["tags eq 'green'", "'green' eq tags", "tags in ('x', 'RED')", "tags ne 'blue'", "tags ne null"],
        &[
            "tags ne 'red'",
            "tags eq 'blue'",
            "tags in ()",
            "tags in (null)",
            "tags eq null",
            "not (tags eq 'red')",
        ],
    );
}

#[test]
fn functions_of_texts() {
    check(
        &full(),
        &[
            "length(name) eq 12",
            "indexof(name, 'STRA') eq 6",
            "indexof(name, 'x') eq -1",
            "indexof(name, '') eq 0",
            "substring(name, 6) eq 'straße'",
            "substring(name, 6, 3) eq 'str'",
            "substring(name, -5, 5) eq 'αθήνα'",
            "substring(name, 100) eq ''",
            "substring(name, 1, -1) eq ''",
            "concat(concat(state, ', '), 'now') eq 'Active, now'",
            "trim('  a ') eq 'a'",
            "toupper(state) eq 'ACTIVE'",
            "tolower(state) eq 'active'",
            "length(concat(name, null)) eq null",
            "indexof('İstanbul', 'S') eq 1",
        ],
        &["concat(state, '') eq 'active'", "indexof(state, 'a') eq 0", "length(null) gt 0"],
    );
}

#[test]
fn functions_of_times() {
    check(
        &full(),
        &[
            "year(createdAt) eq 2026",
            "month(createdAt) eq 3 and day(createdAt) eq 1",
            "hour(createdAt) eq 9 and minute(createdAt) eq 30 and second(createdAt) eq 15",
            "date(createdAt) eq 2026-03-01",
            "time(createdAt) eq 09:30:15.250",
            "time(createdAt) gt 09:30",
            "hour(time(createdAt)) eq 9",
            "year(dueDate) eq 2026 and day(dueDate) eq 15",
            "createdAt gt now()",
            "date(now()) eq 2026-03-01",
            "year(null) eq null",
        ],
        &["createdAt le now()", "hour(createdAt) eq 11"],
    );
}

#[test]
fn numbers_are_calculated_exactly() {
    check(
        &full(),
        &[
            "total add 0.1 eq 12.6",
            "0.1 add 0.2 eq 0.3",
            "total sub 13 eq -0.5",
            "total mul 2 eq 25",
            "7 div 2 eq 3.5 and 7 divby 2 eq 3.5",
            "-7 mod 3 eq -1",
            "1 add 2 mul 3 eq 7",
            "(1 add 2) mul 3 eq 9",
            "10 sub 3 sub 2 eq 5",
            "-total eq -12.5",
            "round(total) eq 13 and round(-total) eq -13",
            "floor(total) eq 12 and ceiling(total) eq 13 and floor(-total) eq -13",
            "total div 0 eq null",
            "total mod 0 eq null",
            "79228162514264337593543950335 mul 10 eq null",
            "total add null eq null",
        ],
        &["total div 0 gt 0", "0.1 add 0.2 gt 0.3"],
    );
}

#[test]
fn filters_built_by_code_compare_texts_as_they_stand() {
    let document = full();
    let is_true = |filter: &Filter| filter.matches(&document);
    assert!(is_true(&Filter::eq("state", "Active")));
    assert!(!is_true(&Filter::eq("state", "active")));
    assert!(is_true(&Filter::eq_ignore_case("state", "ACTIVE")));
    assert!(is_true(&Filter::le("createdAt", now() + std::time::Duration::from_secs(16))));
    assert!(is_true(&Filter::eq("amounts/total", rust_decimal::Decimal::new(125, 1))));
    assert!(is_true(&Filter::one_of("state", ["x", "Active"])));
    assert!(!is_true(&Filter::one_of("state", Vec::<String>::new())));
    assert!(is_true(&Filter::any_eq("tags", "Red").and(Filter::any_eq("tags", "red").not())));
    assert!(is_true(&Filter::is_null("missing", ValueType::Number)));
    assert!(is_true(&Filter::is_not_null("dueDate", ValueType::Date)));
    assert!(is_true(&Filter::starts_with("state", "Act").or(Filter::ne("state", "Active"))));
}
