//! What is wrong with a filter, where, and what would do.

use mortise_query::{Filter, FilterError};

use crate::documents::{THINGS, now};

fn error(text: &str) -> FilterError {
    match Filter::parse(text, &THINGS, now()) {
        Ok(filter) => panic!("{text} parses to {filter}"),
        Err(error) => error,
    }
}

/// Every mistake: the text, the code, the place, and a part of the message.
const MISTAKES: &[(&str, &str, usize, &str)] = &[
    ("", "filter.syntax", 0, "ends where a property"),
    ("   ", "filter.syntax", 3, "ends where"),
    ("name eq", "filter.syntax", 7, "ends where"),
    ("name eq 'a' and", "filter.syntax", 15, "ends where"),
    ("name eq 'a", "filter.syntax", 8, "does not end"),
    ("name eq 'a' 'b'", "filter.syntax", 12, "expected an operator or the end, found a literal"),
    ("name like 'a'", "filter.syntax", 5, "found `like`"),
    ("name eq 'a')", "filter.syntax", 11, "closes nothing"),
    ("(name eq 'a'", "filter.syntax", 12, "`)`"),
    ("name eq ‘a’", "filter.syntax", 8, "`‘` (U+2018) is a typographic quote"),
    ("name eq \"a\"", "filter.syntax", 8, "single quotes"),
    ("name eq “a”", "filter.syntax", 8, "U+201C"),
    ("name = 'a'", "filter.syntax", 5, "write eq"),
    ("name eq 'a' && taxable", "filter.syntax", 12, "write and"),
    ("total + 1 eq 2", "filter.syntax", 6, "write add"),
    ("name\u{a0}eq 'a'", "filter.syntax", 4, "U+00A0"),
    ("name eq'a'", "filter.syntax", 5, "put a space after `eq`"),
    ("(taxable)and taxable", "filter.syntax", 9, "put a space before `and`"),
    ("taxable and(taxable)", "filter.syntax", 8, "put a space after `and`"),
    ("name in('a')", "filter.syntax", 5, "put a space after `in`"),
    ("not-1 eq 2", "filter.syntax", 0, "put a space after `not`"),
    ("name in 'a'", "filter.syntax", 8, "a list in parentheses"),
    ("name in ('a' 'b')", "filter.syntax", 13, "`,` or `)`"),
    ("name in ('a',)", "filter.syntax", 13, "a literal"),
    ("name eq 'a' eq true", "filter.syntax", 12, "do not chain"),
    ("name eq eq", "filter.syntax", 8, "operator `eq`"),
    ("and taxable", "filter.syntax", 0, "operator `and`"),
    ("taxable eq not taxable", "filter.syntax", 11, "operator `not`"),
    ("total eq 5L", "filter.syntax", 9, "`5L` is neither"),
    ("total eq 1.2.3", "filter.syntax", 9, "neither"),
    ("total eq 123456789012345678901234567890123", "filter.syntax", 9, "28 digits"),
    ("createdAt eq 2026-02-30", "filter.syntax", 13, "neither"),
    ("createdAt eq 0000-01-01T00:00:00+01:00", "filter.syntax", 13, "neither"),
    ("createdAt eq 2026-03-01T24:00:00Z", "filter.syntax", 13, "neither"),
    ("createdAt eq 2026-03-01T09:30:00+25:00", "filter.syntax", 13, "neither"),
    ("createdAt gt datetime'2026-03-01T09-30-00'", "filter.syntax", 13, "with colons"),
    ("createdAt gt datetime'yesterday'", "filter.syntax", 13, "'yesterday' is not a time"),
    ("contains(name)", "filter.syntax", 0, "takes 2 argument(s), 1 given"),
    ("length() eq 1", "filter.syntax", 0, "takes 1"),
    ("substring(name,1,2,3) eq ''", "filter.syntax", 0, "takes 2 or 3 argument(s), 4 given"),
    ("contains(name,'a'", "filter.syntax", 17, "`,` or `)`"),
    ("now(1) gt createdAt", "filter.syntax", 4, "takes nothing"),
    ("nmae eq 'a'", "filter.unknown_property", 0, "things have no property `nmae`"),
    ("secret eq 's'", "filter.unknown_property", 0, "`secret`"),
    ("name/first eq 'a'", "filter.unknown_property", 0, "`name/first`"),
    ("name eq abc", "filter.unknown_property", 8, "put a text in quotes"),
    ("naïve eq 1 or ß eq 2", "filter.unknown_property", 0, "`naïve`"),
    ("name eq 'ß' or ß eq 2", "filter.unknown_property", 15, "`ß`"),
    (
        "total eq '5'",
        "filter.type_mismatch",
        9,
        "`total` is a number and does not compare with a text: write it without",
    ),
    (
        "name eq 5",
        "filter.type_mismatch",
        8,
        "`name` is a text and does not compare with a number: put a text in",
    ),
    ("taxable eq 1", "filter.type_mismatch", 11, "`taxable` is a boolean"),
    ("createdAt eq '2026-03-01'", "filter.type_mismatch", 13, "write it without quotes"),
    ("time(createdAt) eq createdAt", "filter.type_mismatch", 19, "a timestamp"),
    ("total in (1, 'a')", "filter.type_mismatch", 13, "a text"),
    ("name", "filter.type_mismatch", 0, "`name` is a text and no condition"),
    ("taxable and total", "filter.type_mismatch", 12, "`total` is a number and no condition"),
    ("not total", "filter.type_mismatch", 4, "no condition"),
    ("name add 1 eq 2", "filter.type_mismatch", 0, "`add` takes numbers"),
    ("-name eq 2", "filter.type_mismatch", 1, "takes numbers"),
    ("length(total) eq 1", "filter.type_mismatch", 7, "length() takes a text here: `total` is a number"),
    ("contains(name, 5)", "filter.type_mismatch", 15, "a text"),
    ("hour(dueDate) eq 1", "filter.type_mismatch", 5, "a timestamp or a time of day"),
    ("tags gt 'a'", "filter.type_mismatch", 0, "`tags` has many values"),
    ("contains(tags, 'a')", "filter.type_mismatch", 9, "many values"),
    ("tags eq tags", "filter.type_mismatch", 8, "many values"),
    ("tags/any(t:t eq 'a')", "filter.unsupported", 0, "write tags eq 'a'"),
    ("substringof('a', name)", "filter.unsupported", 0, "write contains"),
    ("geo.distance(name, name) eq 1", "filter.unsupported", 0, "geo.distance"),
    ("name has 'a'", "filter.unsupported", 5, "use `in`"),
    ("$it eq 1", "filter.unsupported", 0, "`$`"),
    ("name eq @alias", "filter.unsupported", 8, "`@`"),
    ("name in ['a']", "filter.unsupported", 8, "`[`"),
    ("name in (name)", "filter.unsupported", 9, "literals only"),
    ("name eq duration'PT1S'", "filter.unsupported", 8, "duration'…'"),
    ("total lt INF", "filter.unsupported", 9, "numbers are decimals"),
];

#[test]
fn every_mistake_has_its_code_and_its_place() {
    for (text, code, position, part) in MISTAKES {
        let error = error(text);
        assert_eq!((error.code(), error.position), (*code, *position), "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.to_string().ends_with(&format!("(at character {position})")), "{error}");
    }
}

#[test]
fn an_unknown_property_is_answered_with_those_that_can_be_filtered_by() {
    let error = error("taxable and nmae eq 'a'");
    assert_eq!(error.property.as_deref(), Some("nmae"));
    assert_eq!(error.allowed, ["name", "state", "total", "taxable", "createdAt", "dueDate", "tags"]);
}

#[test]
fn a_type_mismatch_names_the_property_on_either_side() {
    assert_eq!(error("total eq 'a'").property.as_deref(), Some("total"));
    assert_eq!(error("'a' eq TOTAL").property.as_deref(), Some("total"));
    assert_eq!(error("contains(total, 'a')").property.as_deref(), Some("total"));
}

#[test]
fn unknown_functions_and_operators_are_answered_with_those_that_there_are() {
    assert!(error("soundex(name) eq 'a'").allowed.contains(&"contains"));
    assert!(error("name like 'a'").allowed.contains(&"ge"));
}

#[test]
fn a_filter_that_passes_a_limit_is_refused_and_one_at_the_limit_is_not() {
    let repeat = |part: &str, times: usize, separator: &str| vec![part; times].join(separator);
    let nested = |depth: usize| format!("{}taxable{}", "(".repeat(depth), ")".repeat(depth));
    let list = |items: usize| format!("total in ({})", repeat("1", items, ","));
    let sum = |operators: usize| format!("{} eq 1", repeat("total", operators + 1, " add "));
    let padded = |length: usize| format!("taxable{}", " ".repeat(length - "taxable".len()));
    for (accepted, refused, position, part) in [
        (padded(4_096), padded(4_097), 4_096, "4096 characters"),
        (nested(50), nested(51), 50, "50 deep"),
        (repeat("not", 50, " ") + " taxable", repeat("not", 51, " ") + " taxable", 200, "50 deep"),
        (repeat("total eq 1", 100, " or "), repeat("total eq 1", 101, " or "), 1_400, "100 comparisons"),
        (repeat("taxable", 100, " and "), repeat("taxable", 101, " and "), 1_200, "100 comparisons"),
        (list(200), list(201), 410, "200 items"),
        (sum(100), sum(101), 1_006, "100 functions"),
    ] {
        assert!(Filter::parse(&accepted, &THINGS, now()).is_ok(), "{accepted}");
        let error = error(&refused);
        assert_eq!((error.code(), error.position), ("filter.too_complex", position), "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}
