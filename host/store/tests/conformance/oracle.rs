//! What a store finds is what the filter matches, in order, whatever was written before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mortise_model::id::TenantId;
use mortise_query::order::{position, tie_direction};
use mortise_query::{Cursor, Filter, PageRequest, Query, Scalar, SortKey, ValueType};
use mortise_store::{Batch, DocumentId, Expect, Origin, Store, Write};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde_json::{Value, json};

use crate::fixture::{THINGS, at};

/// A write, and whether it begins a batch of its own.
type Step = (DocumentId, Option<Value>, bool);

fn id() -> impl Strategy<Value = DocumentId> {
    prop_oneof![
        4 => (0_u64..12).prop_map(DocumentId::Number),
        1 => (250_u64..260).prop_map(DocumentId::Number),
        2 => "[abA]{1,2}".prop_map(DocumentId::Text),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[aAbB]{0,2}", 1 => "[aσΣς\u{0}\u{1}é\u{10ffff}]{0,2}"]
}

fn time() -> impl Strategy<Value = String> {
    (1_u32..4, any::<bool>())
        .prop_map(|(day, half)| format!("2026-03-0{day}T00:00:00{}Z", if half { ".5" } else { "" }))
}

fn or_null(value: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![5 => value, 1 => Just(Value::Null)]
}

fn document() -> impl Strategy<Value = Value> {
    (
        or_null(text().prop_map(Value::from)),
        or_null(prop::sample::select(vec!["on", "off", "Off"]).prop_map(Value::from)),
        or_null((-3_i64..4).prop_map(|total| json!(total))),
        or_null(any::<bool>().prop_map(Value::from)),
        or_null(time().prop_map(Value::from)),
        prop::collection::vec(text(), 0..3),
        0_i64..4,
    )
        .prop_map(|(name, state, total, taxable, created_at, tags, size)| {
            json!({
                "name": name, "state": state, "amounts": {"total": total}, "taxable": taxable,
                "createdAt": created_at, "tags": tags, "size": size,
            })
        })
}

fn condition() -> impl Strategy<Value = Filter> {
    let number = (0..5, -3_i64..4).prop_map(|(operator, value)| match operator {
        0 => Filter::ge("amounts/total", value),
        1 => Filter::lt("amounts/total", value),
        2 => Filter::one_of("amounts/total", [value, 0]),
        3 => Filter::ne("amounts/total", value),
        _ => Filter::eq("size", value),
    });
    let moment = (any::<bool>(), time()).prop_map(|(is_later, time)| {
        let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
        if is_later { Filter::gt("createdAt", time) } else { Filter::le("createdAt", time) }
    });
    prop_oneof![
        number,
        moment,
        any::<bool>().prop_map(|truth| Filter::eq("taxable", truth)),
        prop::sample::select(vec!["on", "off", "Off"]).prop_map(|state| Filter::eq("state", state)),
        text().prop_map(|name| Filter::eq_ignore_case("name", name)),
        text().prop_map(|tag| Filter::any_eq("tags", tag)),
        Just(Filter::is_null("name", ValueType::Text)),
        Just(Filter::any_eq("tags", Scalar::Null)),
    ]
}

fn filter() -> impl Strategy<Value = Option<Filter>> {
    let part = prop_oneof![
        5 => condition(),
        1 => condition().prop_map(Filter::not),
        1 => (condition(), condition()).prop_map(|(left, right)| left.or(right)),
    ];
    prop::collection::vec(part, 0..3).prop_map(|parts| parts.into_iter().reduce(Filter::and))
}

fn sort_order() -> impl Strategy<Value = Vec<SortKey>> {
    let keys = vec![
        ("name", ValueType::Text),
        ("state", ValueType::ExactText),
        ("amounts/total", ValueType::Number),
        ("taxable", ValueType::Boolean),
        ("createdAt", ValueType::Timestamp),
        ("size", ValueType::Number),
    ];
    prop::sample::subsequence(keys, 0..3).prop_shuffle().prop_flat_map(|keys| {
        prop::collection::vec(any::<bool>(), keys.len()).prop_map(move |directions| {
            let keys = keys.iter().zip(directions);
            keys.map(|((path, value_type), is_descending)| {
                if is_descending {
                    SortKey::descending(*path, *value_type)
                } else {
                    SortKey::ascending(*path, *value_type)
                }
            })
            .collect()
        })
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (id(), prop_oneof![5 => document().prop_map(Some), 1 => Just(None)], any::<bool>());
    prop::collection::vec(step, 0..40)
}

/// Writes the steps, and answers what there is after them.
async fn write(store: &Arc<dyn Store>, tenant: &TenantId, steps: &[Step]) -> BTreeMap<DocumentId, Value> {
    let mut model = BTreeMap::new();
    let mut batches: Vec<Vec<&Step>> = Vec::new();
    for step in steps {
        let last = batches.last_mut().filter(|batch| !step.2 && batch.iter().all(|other| other.0 != step.0));
        match last {
            Some(batch) => batch.push(step),
            None => batches.push(vec![step]),
        }
    }
    for steps in batches {
        let mut batch = Batch::new(tenant.clone(), Origin::Host, at(0));
        for (id, document, _) in steps {
            let (collection, id, expect) = (&THINGS, id.clone(), Expect::Any);
            if let Some(document) = document {
                model.insert(id.clone(), document.clone());
                batch.push(Write::Put { collection, id, expect, body: document.to_string() });
            } else {
                model.remove(&id);
                batch.push(Write::Delete { collection, id, expect });
            }
        }
        store.commit(batch).await.unwrap();
    }
    model
}

/// The ids that a query finds by filter and order alone.
fn expected(
    model: &BTreeMap<DocumentId, Value>,
    filter: Option<&Filter>,
    order: &[SortKey],
) -> Vec<DocumentId> {
    let matching = model.iter().filter(|(_, document)| filter.is_none_or(|filter| filter.matches(document)));
    let mut found: Vec<_> = matching.map(|(id, document)| (position(order, document), id)).collect();
    found.sort_by(|left, right| {
        left.0.cmp(&right.0).then_with(|| tie_direction(order).apply(left.1.cmp(right.1)))
    });
    found.into_iter().map(|(_, id)| id.clone()).collect()
}

async fn check(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    steps: &[Step],
    questions: &[(Option<Filter>, Vec<SortKey>, u32)],
) -> Result<(), TestCaseError> {
    let model = write(store, tenant, steps).await;
    for (filter, order, size) in questions {
        let expected = expected(&model, filter.as_ref(), order);
        let mut found = Vec::new();
        let mut page = PageRequest::first(*size);
        loop {
            let query =
                Query { filter: filter.clone(), order: order.clone(), page: page.clone(), count: true };
            let answer = store.query(tenant, &THINGS, &query).await.unwrap();
            prop_assert_eq!(answer.total, Some(expected.len() as u64));
            for document in &answer.documents {
                prop_assert_eq!(&document.body, &model[&document.id].to_string());
                found.push(document.id.clone());
            }
            prop_assert_eq!(answer.more, found.len() < expected.len(), "{:?} {:?} {:?}", filter, order, page);
            let Some(last) = answer.documents.last().filter(|_| answer.more) else { break };
            let after = Cursor::at(order, &model[&last.id], serde_json::to_value(&last.id).unwrap());
            page = PageRequest::after(after, *size);
        }
        prop_assert_eq!(&found, &expected, "{:?} {:?}", filter, order);
        for number in 1..=3_u32 {
            let texts = (number.to_string(), size.to_string());
            let page = PageRequest::parse(Some(&texts.0), Some(&texts.1), None).unwrap();
            let query = Query { filter: filter.clone(), order: order.clone(), page, count: number == 2 };
            let answer = store.query(tenant, &THINGS, &query).await.unwrap();
            let first = (number - 1) as usize * *size as usize;
            let ids: Vec<_> = answer.documents.into_iter().map(|document| document.id).collect();
            let wanted: Vec<_> = expected.iter().skip(first).take(*size as usize).cloned().collect();
            prop_assert_eq!(ids, wanted);
            prop_assert_eq!(answer.more, expected.len() > first + *size as usize);
        }
    }
    Ok(())
}

pub(crate) async fn what_is_found_is_what_matches_in_order(store: Arc<dyn Store>) {
    static CASE: AtomicU64 = AtomicU64::new(0);
    let questions = prop::collection::vec((filter(), sort_order(), 1_u32..6), 1..8);
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&(steps(), questions), |(steps, questions)| {
            let tenant = format!("tenant-{}", CASE.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
            runtime.block_on(check(&store, &tenant, &steps, &questions))
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => panic!("{reason}: {input:?}"),
        Err(error) => panic!("{error}"),
    }
}
