//! What a plan finds is what the filter matches, in the order that is asked for.

use std::ops::Bound;

use mortise_query::order::{position, tie_direction};
use mortise_query::{
    Cursor, Direction, Filter, Index, IndexField, OrderCoverage, Plan, Residual, Scalar, SortKey, ValueType,
    plan,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::documents::{THINGS, document, text, value, value_or_null};

const NAME: IndexField = IndexField::new("name", ValueType::Text);
const STATE: IndexField = IndexField::new("state", ValueType::ExactText);
const TOTAL: IndexField = IndexField::new("amounts/total", ValueType::Number);
const TAXABLE: IndexField = IndexField::new("taxable", ValueType::Boolean);
const CREATED_AT: IndexField = IndexField::new("createdAt", ValueType::Timestamp);
const DUE_DATE: IndexField = IndexField::new("dueDate", ValueType::Date);
const TAGS: IndexField = IndexField::new("tags", ValueType::Text);

static INDEXES: [Index; 10] = [
    Index::new("name", &[NAME]),
    Index::new("state-name", &[STATE, NAME]),
    Index::new("folded-state", &[IndexField::new("state", ValueType::Text)]),
    Index::new("total", &[TOTAL]),
    Index::new("taxable-total-created", &[TAXABLE, TOTAL, CREATED_AT]),
    Index::new("created-at", &[CREATED_AT]),
    Index::new("due-date", &[DUE_DATE]),
    Index::new("state-created", &[STATE, CREATED_AT]),
    Index::new("tags", &[TAGS]).many(),
    Index::new("tags-name", &[TAGS, NAME]).many(),
];

fn condition() -> impl Strategy<Value = Filter> {
    let comparison =
        prop::sample::select(vec![STATE, TOTAL, TAXABLE, CREATED_AT, DUE_DATE]).prop_flat_map(|field| {
            (0..7, value_or_null(field.value_type), value(field.value_type)).prop_map(
                move |(operator, value, other)| match operator {
                    0 => Filter::ne(field.path, value),
                    1 => Filter::gt(field.path, value),
                    2 => Filter::ge(field.path, value),
                    3 => Filter::lt(field.path, value),
                    4 => Filter::le(field.path, value),
                    5 => Filter::one_of(field.path, [other, value]),
                    _ => Filter::eq(field.path, value),
                },
            )
        });
    prop_oneof![
        6 => comparison,
        2 => text().prop_map(|text| Filter::eq_ignore_case("name", text)),
        1 => text().prop_map(|text| Filter::starts_with("state", text)),
        1 => text().prop_map(|text| Filter::any_eq("tags", text)),
        1 => Just(Filter::is_null("name", ValueType::Text)),
        1 => Just(Filter::is_not_null("state", ValueType::ExactText)),
        1 => Just(Filter::any_eq("tags", Scalar::Null)),
    ]
}

fn filter() -> impl Strategy<Value = Option<Filter>> {
    let either = (condition(), condition()).prop_map(|(left, right)| left.or(right));
    let part = prop_oneof![5 => condition(), 1 => condition().prop_map(Filter::not), 1 => either];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.into_iter().reduce(Filter::and))
}

fn sort_order() -> impl Strategy<Value = Vec<SortKey>> {
    let sortable: Vec<_> = THINGS.properties.iter().filter(|property| property.sortable).collect();
    prop::sample::subsequence(sortable, 0..3).prop_shuffle().prop_flat_map(|properties| {
        let directions = prop::collection::vec(any::<bool>(), properties.len());
        directions.prop_map(move |directions| {
            let keys = properties.iter().zip(directions);
            keys.map(|(property, is_descending)| SortKey {
                field: property.field(),
                direction: if is_descending { Direction::Descending } else { Direction::Ascending },
            })
            .collect()
        })
    })
}

/// The documents that the plan's ranges hold, in the order in which they are read.
fn read(plan: &Plan<'_>, documents: &[Value]) -> Vec<usize> {
    let mut entries: Vec<(Vec<u8>, usize)> = Vec::new();
    for (id, document) in documents.iter().enumerate() {
        entries.extend(plan.index.entries(document).into_iter().map(|entry| (entry.key, id)));
    }
    entries.sort();
    let mut found = Vec::new();
    for range in &plan.ranges {
        let is_within = |key: &Vec<u8>| {
            let above = match &range.0 {
                Bound::Included(lower) => lower <= key,
                Bound::Excluded(lower) => lower < key,
                Bound::Unbounded => true,
            };
            above
                && match &range.1 {
                    Bound::Included(upper) => key <= upper,
                    Bound::Excluded(upper) => key < upper,
                    Bound::Unbounded => true,
                }
        };
        found.extend(entries.iter().filter(|(key, _)| is_within(key)).map(|(_, id)| *id));
    }
    if plan.order == OrderCoverage::Satisfied(Direction::Descending) {
        found.reverse();
    }
    found
}

fn sorted(order: &[SortKey], documents: &[Value], ids: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut ids: Vec<usize> = ids.collect();
    ids.sort_by(|left, right| {
        let places = position(order, &documents[*left]).cmp(&position(order, &documents[*right]));
        places.then(tie_direction(order).apply(left.cmp(right)))
    });
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_index_finds_what_the_filter_matches_in_order(
        documents in prop::collection::vec(document(), 0..12),
        filter in filter(),
        order in sort_order(),
        indexes in prop::sample::subsequence(INDEXES.to_vec(), 1..10),
    ) {
        let matches = |id: &usize| filter.as_ref().is_none_or(|filter| filter.matches(&documents[*id]));
        let expected = sorted(&order, &documents, (0..documents.len()).filter(matches));
        if let Some(plan) = plan(filter.as_ref(), &order, &indexes) {
            let mut found = read(&plan, &documents);
            if plan.residual == Residual::Filter {
                found.retain(matches);
            }
            if plan.order == OrderCoverage::Unsorted {
                found = sorted(&order, &documents, found.into_iter());
            } else {
                for id in &found {
                    let cursor = Cursor::at(&order, &documents[*id], *id);
                    let keys = plan.index.entries(&documents[*id]);
                    let place = plan.position(&order, &cursor).unwrap();
                    prop_assert!(keys.iter().any(|entry| entry.key == place));
                }
            }
            prop_assert_eq!(found, expected, "{:?}", plan);
        }
    }
}

/// The index, the number of ranges and what is left to do, in words.
fn describe(filter: impl Into<Option<Filter>>, order: &[SortKey]) -> String {
    plan(filter.into().as_ref(), order, &INDEXES).map_or("all".to_owned(), |plan| {
        format!("{} {} {:?} {:?}", plan.index.name, plan.ranges.len(), plan.residual, plan.order)
    })
}

#[test]
fn the_index_that_reads_least_is_chosen() {
    let by_name = [SortKey::ascending("name", ValueType::Text)];
    let newest_first = [SortKey::descending("createdAt", ValueType::Timestamp)];
    let active = || Filter::eq("state", "active");
    assert_eq!(describe(None, &[]), "all");
    assert_eq!(describe(active().or(Filter::eq("taxable", true)), &[]), "all");
    assert_eq!(describe(None, &by_name), "name 1 Nothing Satisfied(Ascending)");
    assert_eq!(describe(active(), &by_name), "state-name 1 Nothing Satisfied(Ascending)");
    assert_eq!(describe(active(), &newest_first), "state-created 1 Nothing Satisfied(Descending)");
    assert_eq!(describe(Filter::gt("amounts/total", 5), &by_name), "total 1 Nothing Unsorted");
    assert_eq!(
        describe(Filter::eq("taxable", true).and(Filter::le("amounts/total", 5)), &[]),
        "taxable-total-created 1 Nothing Unsorted"
    );
    assert_eq!(describe(Filter::one_of("state", ["b", "a", "b"]), &[]), "state-name 2 Nothing Unsorted");
    assert_eq!(describe(Filter::any_eq("tags", "a"), &by_name), "tags-name 1 Filter Satisfied(Ascending)");
    let empty = Filter::gt("amounts/total", 5).and(Filter::lt("amounts/total", 5));
    assert_eq!(describe(empty, &[]), "total 0 Nothing Unsorted");
}
