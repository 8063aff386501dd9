//! Text to filter and back.

use mortise_query::Filter;
use mortise_query::order;
use proptest::prelude::*;

use crate::documents::{THINGS, date, document, now, number, text, timestamp};

fn texts(
    arguments: impl Into<Vec<BoxedStrategy<String>>>,
    join: fn(&[String]) -> String,
) -> BoxedStrategy<String> {
    arguments.into().prop_map(move |arguments| join(&arguments)).boxed()
}

fn quoted() -> BoxedStrategy<String> {
    text().prop_map(|text| format!("'{}'", text.replace('\'', "''"))).boxed()
}

fn text_operand() -> BoxedStrategy<String> {
    let leaf =
        prop_oneof![quoted(), Just("name".to_owned()), Just("STATE".to_owned()), Just("null".to_owned())];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            inner.clone().prop_map(|text| format!("toLower({text})")),
            inner.clone().prop_map(|text| format!("trim( ({text}) )")),
            texts([inner.clone(), inner.clone()], |parts| format!("concat({},{})", parts[0], parts[1])),
            texts([inner, number_literal()], |parts| format!("substring({}, {})", parts[0], parts[1])),
        ]
    })
    .boxed()
}

fn number_literal() -> BoxedStrategy<String> {
    number().prop_map(|number| number.to_string()).boxed()
}

fn number_operand() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        number_literal(),
        Just("total".to_owned()),
        Just("1.5e2".to_owned()),
        text_operand().prop_map(|text| format!("length({text})")),
        moment().prop_map(|time| format!("hour({time})")),
        texts([text_operand(), text_operand()], |parts| format!("indexof({}, {})", parts[0], parts[1])),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let inner = inner.boxed();
        let operator = prop::sample::select(vec!["add", "sub", "mul", "div", "divby", "MOD"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            texts([inner.clone(), inner.clone()], |parts| format!("{} sub ({})", parts[0], parts[1])),
            texts([inner.clone(), inner.clone()], |parts| format!("({}) mod ({})", parts[0], parts[1])),
            inner.clone().prop_map(|number| format!("-({number})")),
            inner.clone().prop_map(|number| format!("- {number}")),
            inner.prop_map(|number| format!("round({number})")),
        ]
    })
    .boxed()
}

/// A timestamp.
fn moment() -> BoxedStrategy<String> {
    let written = timestamp().prop_map(|time| time.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string());
    let legacy = timestamp().prop_map(|time| format!("datetime'{}'", time.format("%Y-%m-%dT%H:%M:%S%.3f")));
    prop_oneof![written, legacy, Just("createdAt".to_owned()), Just("now()".to_owned())].boxed()
}

fn day_or_moment() -> BoxedStrategy<String> {
    let legacy = date().prop_map(|date| format!("datetime'{date}'"));
    let bare = date().prop_map(|date| date.to_string());
    prop_oneof![
        moment(),
        legacy,
        bare,
        Just("dueDate".to_owned()),
        moment().prop_map(|time| format!("date({time})"))
    ]
    .boxed()
}

fn time_operand() -> BoxedStrategy<String> {
    let literal = timestamp().prop_map(|time| time.format("%H:%M:%S%.3f").to_string());
    prop_oneof![literal, Just("10:30".to_owned()), moment().prop_map(|time| format!("time({time})"))].boxed()
}

fn condition() -> BoxedStrategy<String> {
    let comparison = |operand: fn() -> BoxedStrategy<String>| {
        let operator = prop::sample::select(vec!["eq", "ne", "gt", "GE", "Lt", "le"]);
        (operand(), operator, operand())
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}"))
    };
    let test = prop::sample::select(vec!["contains", "startswith", "EndsWith"]);
    let list = prop::collection::vec(quoted(), 0..3).prop_map(|items| items.join(" , "));
    let days = prop::collection::vec(date(), 0..3)
        .prop_map(|days| days.iter().map(|day| format!("datetime'{day}'")).collect::<Vec<_>>().join(","));
    let leaf = prop_oneof![
        comparison(text_operand),
        comparison(number_operand),
        comparison(day_or_moment),
        comparison(time_operand),
        (test, text_operand(), text_operand())
            .prop_map(|(test, text, part)| format!("{test}({text}, {part})")),
        (text_operand(), list.clone()).prop_map(|(text, list)| format!("{text} in ({list})")),
        (day_or_moment(), days).prop_map(|(day, days)| format!("{day} in ({days})")),
        list.prop_map(|list| format!("Tags in ({list})")),
        quoted().prop_map(|text| format!("{text} ne tags")),
        prop::sample::select(vec!["taxable", "true", "FALSE", "null", "taxable eq null"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            texts([inner.clone(), inner.clone()], |parts| format!("{} AND {}", parts[0], parts[1])),
            texts([inner.clone(), inner.clone()], |parts| format!("{}\tor  {}", parts[0], parts[1])),
            texts([inner.clone(), inner.clone()], |parts| format!("({}) eq ({})", parts[0], parts[1])),
            inner.clone().prop_map(|condition| format!("not {condition}")),
            inner.prop_map(|condition| format!("( {condition})")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_printed_filter_parses_to_the_same_filter(text in condition(), document in document()) {
        let filter = Filter::parse(&text, &THINGS, now()).unwrap();
        let printed = filter.to_string();
        let again = Filter::parse(&printed, &THINGS, now()).unwrap();
        prop_assert_eq!(&again, &filter, "{} became {}", text, printed);
        prop_assert_eq!(again.matches(&document), filter.matches(&document));
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in ".{0,60}") {
        let length = text.chars().count();
        for position in [
            Filter::parse(&text, &THINGS, now()).err().map(|error| error.position),
            order::parse(&text, &THINGS).err().map(|error| error.position),
        ] {
            prop_assert!(position.unwrap_or(0) <= length);
        }
    }

    #[test]
    fn no_soup_of_the_languages_words_makes_the_parsers_panic(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..20),
        separator in prop::sample::select(vec!["", " "]),
    ) {
        let text = words.join(separator);
        if let Ok(filter) = Filter::parse(&text, &THINGS, now()) {
            prop_assert_eq!(Filter::parse(&filter.to_string(), &THINGS, now()), Ok(filter));
        }
        let _ = order::parse(&text, &THINGS);
    }
}

const WORDS: &[&str] = &[
    "name",
    "total",
    "taxable",
    "createdAt",
    "dueDate",
    "tags",
    "eq",
    "ne",
    "gt",
    "in",
    "and",
    "or",
    "not",
    "add",
    "mul",
    "-",
    "(",
    ")",
    ",",
    "'",
    "''",
    "'a'",
    "5",
    "-5",
    "1e9",
    "1e-30",
    "99999999999999999999999999999",
    "null",
    "true",
    "now()",
    "contains(",
    "length(",
    "date(",
    "2026-03-01",
    "2026-03-01T09:30:00+02:00",
    "0000-01-01T00:00Z",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:60Z",
    "09:30",
    "datetime",
    "guid",
    "any(",
    "/",
    ".",
    "asc",
    "desc",
    "123e4567-e89b-12d3-a456-426614174000",
    "’",
    "\u{a0}",
    "é",
    "\u{0}",
];

/// The filter as it prints.
fn reprint(text: &str) -> String {
    Filter::parse(text, &THINGS, now()).map_or_else(|error| error.to_string(), |filter| filter.to_string())
}

#[test]
fn what_binds_tighter_needs_no_parentheses() {
    for (text, printed) in [
        ("name eq 'a'", "name eq 'a'"),
        ("  NAME\teq  'O''Neil' ", "name eq 'O''Neil'"),
        ("created gt 2026-03-01", "createdAt gt 2026-03-01T00:00:00Z"),
        ("((taxable)) or taxable and taxable", "taxable or taxable and taxable"),
        ("(taxable or taxable) and taxable", "(taxable or taxable) and taxable"),
        ("taxable and (taxable and taxable)", "taxable and (taxable and taxable)"),
        ("not taxable eq true and taxable", "not taxable eq true and taxable"),
        ("not (taxable and taxable)", "not (taxable and taxable)"),
        ("not(taxable)", "not taxable"),
        ("(not taxable) eq true", "(not taxable) eq true"),
        ("total add 1 mul 2 eq 3", "total add 1 mul 2 eq 3"),
        ("(total add 1) mul 2 eq 3", "(total add 1) mul 2 eq 3"),
        ("total sub (1 sub 2) eq 3", "total sub (1 sub 2) eq 3"),
        ("-total eq -5", "-(total) eq -5"),
        ("- 5 lt total", "-(5) lt total"),
        ("total in (1,2.50 , -3)", "total in (1, 2.50, -3)"),
        ("name in ()", "name in ()"),
        ("name in ('a', null)", "name in ('a', null)"),
        ("substring( name ,1,2) eq ''", "substring(name, 1, 2) eq ''"),
        ("total eq 1e3", "total eq 1000"),
    ] {
        assert_eq!(reprint(text), printed, "{text}");
    }
}

#[test]
fn a_time_may_be_written_in_the_ways_of_every_version() {
    let midnight = "createdAt eq 2026-03-01T00:00:00Z";
    let morning = "createdAt eq 2026-03-01T09:30:00Z";
    let fraction = "createdAt eq 2026-03-01T09:30:00.125Z";
    for (literal, printed) in [
        ("2026-03-01", midnight),
        ("datetime'2026-03-01'", midnight),
        ("DateTime'2026-03-01T00:00:00.000'", midnight),
        ("datetimeoffset'2026-03-01T02:00:00+02:00'", midnight),
        ("2026-03-01T09:30Z", morning),
        ("2026-03-01T09:30:00", morning),
        ("2026-03-01T12:30:00+03:00", morning),
        ("2026-02-28T23:30:00-10:00", morning),
        ("datetime'2026-03-01T09:30:00.125'", fraction),
        ("2026-03-01T09:30:00.125Z", fraction),
    ] {
        assert_eq!(reprint(&format!("createdAt eq {literal}")), printed, "{literal}");
    }
    assert_eq!(reprint("dueDate eq datetime'2026-03-01'"), "dueDate eq 2026-03-01");
    assert_eq!(reprint("dueDate lt 2026-03-01T12:00:00Z"), "dueDate lt 2026-03-01T12:00:00Z");
    assert_eq!(reprint("dueDate in (2026-03-01T00:00:00Z)"), "dueDate in (2026-03-01)");
    assert_eq!(reprint("now() ge createdAt"), "2026-03-01T09:30:00Z ge createdAt");
}

#[test]
fn a_guid_is_a_text_in_lower_case() {
    let printed = "state eq '123e4567-e89b-12d3-a456-42661417400f'";
    assert_eq!(reprint("state eq 123E4567-E89B-12D3-A456-42661417400F"), printed);
    assert_eq!(reprint("state eq guid'123e4567-e89b-12d3-a456-42661417400f'"), printed);
    assert_eq!(
        reprint("state eq abcdef67-e89b-12d3-a456-42661417400f"),
        "state eq 'abcdef67-e89b-12d3-a456-42661417400f'"
    );
}
