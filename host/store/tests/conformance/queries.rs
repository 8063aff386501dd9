//! Filters, orders and pages.

use std::sync::Arc;

use mortise_query::{Cursor, Direction, Filter, PageRequest, Query, SortKey, ValueType};
use mortise_store::{Document, Expect, Found, Store, Write};
use serde_json::{Value, json};

use crate::fixture::{
    NOTES, THINGS, assert_invalid, commit, delete, find, numbers, other_tenant, put_all, query, tenant,
};

fn by_name(direction: Direction) -> Vec<SortKey> {
    vec![SortKey { direction, ..SortKey::ascending("name", ValueType::Text) }]
}

/// Ten documents: names that repeat, states `on` and `off`, totals that fall as ids rise.
async fn ten(store: &Arc<dyn Store>) {
    let documents: Vec<(u64, Value)> = (1..=10_u64)
        .map(|id| {
            let name = ["Beta", "alpha", "GAMMA"][usize::try_from(id % 3).unwrap()];
            let state = if id % 2 == 0 { "on" } else { "off" };
            (id, json!({"name": name, "state": state, "amounts": {"total": 100 - id}, "size": id % 4, "code": format!("C{id}")}))
        })
        .collect();
    put_all(store, &documents).await;
}

pub(crate) async fn a_filter_finds_what_matches(store: Arc<dyn Store>) {
    ten(&store).await;
    let found = find(&store, &query(Filter::eq("state", "on"), vec![], PageRequest::first(50))).await;
    let mut ids = numbers(&found.documents);
    ids.sort_unstable();
    assert_eq!((ids, found.more, found.total), (vec![2, 4, 6, 8, 10], false, None));
    let filter = Filter::eq_ignore_case("name", "beta").and(Filter::ge("amounts/total", 94));
    let found = find(&store, &query(filter, vec![], PageRequest::first(50))).await;
    assert_eq!(numbers(&found.documents), [3, 6]);
    let found = find(&store, &query(Filter::eq("state", "none"), vec![], PageRequest::first(50))).await;
    assert_eq!(found, Found { documents: vec![], total: None, more: false });
}

pub(crate) async fn documents_without_an_order_come_by_id(store: Arc<dyn Store>) {
    let ids = [5_u64, 300, 70_000, 1];
    let mut writes: Vec<Write> = ids
        .iter()
        .map(|id| Write::Put {
            collection: &NOTES,
            id: (*id).into(),
            expect: Expect::Any,
            body: "{}".to_owned(),
        })
        .collect();
    writes.push(Write::Put {
        collection: &NOTES,
        id: "a".into(),
        expect: Expect::Any,
        body: "{}".to_owned(),
    });
    commit(&store, writes).await.unwrap();
    let found = store.query(&tenant(), &NOTES, &query(None, vec![], PageRequest::first(10))).await.unwrap();
    let ids: Vec<_> = found.documents.iter().map(|document| document.id.to_string()).collect();
    assert_eq!(ids, ["1", "5", "300", "70000", "a"]);
}

pub(crate) async fn an_order_without_an_index_is_sorted(store: Arc<dyn Store>) {
    ten(&store).await;
    let order = vec![SortKey::descending("size", ValueType::Number)];
    let found = find(&store, &query(None, order, PageRequest::first(5))).await;
    assert_eq!((numbers(&found.documents), found.more), (vec![7, 3, 10, 6, 2], true));
}

async fn by_number(
    store: &Arc<dyn Store>,
    filter: Option<Filter>,
    order: &[SortKey],
    size: &str,
) -> Vec<u64> {
    let mut ids = Vec::new();
    for page in 1.. {
        let page = PageRequest::parse(Some(&page.to_string()), Some(size), None).unwrap();
        let found = find(store, &query(filter.clone(), order.to_vec(), page)).await;
        ids.extend(numbers(&found.documents));
        if !found.more {
            break;
        }
        assert_eq!(found.documents.len().to_string(), size);
    }
    ids
}

fn cursor(order: &[SortKey], document: &Document) -> Cursor {
    let body: Value = serde_json::from_str(&document.body).unwrap();
    Cursor::at(order, &body, serde_json::to_value(&document.id).unwrap())
}

async fn by_cursor(store: &Arc<dyn Store>, filter: Option<Filter>, order: &[SortKey], size: u32) -> Vec<u64> {
    let mut ids = Vec::new();
    let mut page = PageRequest::first(size);
    loop {
        let found = find(store, &query(filter.clone(), order.to_vec(), page)).await;
        ids.extend(numbers(&found.documents));
        let Some(last) = found.documents.last().filter(|_| found.more) else { return ids };
        page = PageRequest::after(cursor(order, last), size);
    }
}

pub(crate) async fn pages_by_number_make_up_the_whole(store: Arc<dyn Store>) {
    ten(&store).await;
    let ascending = by_name(Direction::Ascending);
    // Names: 3 documents of `Beta` (3, 6, 9), 4 of `alpha` (1, 4, 7, 10), 3 of `GAMMA` (2, 5, 8).
    assert_eq!(by_number(&store, None, &ascending, "3").await, [1, 4, 7, 10, 3, 6, 9, 2, 5, 8]);
    assert_eq!(by_number(&store, None, &[], "4").await, (1..=10).collect::<Vec<_>>());
    let reverse: Vec<u64> = by_number(&store, None, &by_name(Direction::Descending), "10").await;
    assert_eq!(reverse, [8, 5, 2, 9, 6, 3, 10, 7, 4, 1]);
}

pub(crate) async fn pages_by_cursor_make_up_the_whole(store: Arc<dyn Store>) {
    ten(&store).await;
    for size in [1, 3, 10] {
        for order in [
            vec![],
            by_name(Direction::Ascending),
            by_name(Direction::Descending),
            vec![SortKey::descending("size", ValueType::Number)],
            vec![SortKey::ascending("code", ValueType::Text)],
            vec![SortKey::descending("code", ValueType::Text)],
        ] {
            let whole = by_number(&store, None, &order, "500").await;
            assert_eq!(whole.len(), 10);
            assert_eq!(by_cursor(&store, None, &order, size).await, whole, "{order:?}");
        }
    }
    let filter = Filter::eq("state", "off");
    assert_eq!(by_cursor(&store, Some(filter), &by_name(Direction::Ascending), 2).await, [1, 7, 3, 9, 5]);
}

pub(crate) async fn a_cursor_goes_on_though_its_document_is_gone(store: Arc<dyn Store>) {
    ten(&store).await;
    for (order, expected) in [
        (by_name(Direction::Ascending), [7, 10]),
        (vec![SortKey::ascending("code", ValueType::Text)], [5, 6]),
    ] {
        let document = store.get(&tenant(), &THINGS, &4.into()).await.unwrap().unwrap();
        let after = cursor(&order, &document);
        commit(&store, vec![delete(4)]).await.unwrap();
        let found = find(&store, &query(None, order, PageRequest::after(after, 2))).await;
        assert_eq!((numbers(&found.documents), found.more), (expected.to_vec(), true));
        ten(&store).await;
    }
}

pub(crate) async fn a_count_is_of_all_that_match(store: Arc<dyn Store>) {
    ten(&store).await;
    let counted = |filter: Option<Filter>, order: Vec<SortKey>, page| Query {
        count: true,
        ..query(filter, order, page)
    };
    let second = PageRequest::parse(Some("2"), Some("2"), None).unwrap();
    for filter in [Filter::eq("state", "on"), Filter::eq("state", "on").and(Filter::gt("size", -1))] {
        let found = find(&store, &counted(Some(filter), by_name(Direction::Ascending), second.clone())).await;
        assert_eq!((found.total, found.more, found.documents.len()), (Some(5), true, 2));
    }
    let past = PageRequest::parse(Some("9"), Some("5"), None).unwrap();
    let found = find(&store, &counted(None, vec![], past)).await;
    assert_eq!(found, Found { documents: vec![], total: Some(10), more: false });
    let document = store.get(&tenant(), &THINGS, &6.into()).await.unwrap().unwrap();
    let after = PageRequest::after(cursor(&[], &document), 3);
    let found = find(&store, &counted(None, vec![], after)).await;
    assert_eq!((numbers(&found.documents), found.total, found.more), (vec![7, 8, 9], Some(10), true));
}

pub(crate) async fn a_cursor_of_another_order_is_refused(store: Arc<dyn Store>) {
    ten(&store).await;
    let document = store.get(&tenant(), &THINGS, &6.into()).await.unwrap().unwrap();
    let after = PageRequest::after(cursor(&[], &document), 3);
    for order in [by_name(Direction::Ascending), vec![SortKey::descending("size", ValueType::Number)]] {
        let found = store.query(&tenant(), &THINGS, &query(None, order, after.clone())).await;
        assert_invalid(found, "order");
    }
}

pub(crate) async fn an_empty_tenant_has_nothing(store: Arc<dyn Store>) {
    ten(&store).await;
    let all = Query { count: true, ..query(None, vec![], PageRequest::first(10)) };
    let found = store.query(&other_tenant(), &THINGS, &all).await.unwrap();
    assert_eq!(found, Found { documents: vec![], total: Some(0), more: false });
}
