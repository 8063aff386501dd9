//! Finding documents by the text of an index.

use std::sync::Arc;

use mortise_query::{Filter, PageRequest, ValueType};
use mortise_store::{Conflict, DocumentId, Expect, Store, StoreError};
use serde_json::json;

use crate::fixture::{THINGS, assert_invalid, commit, delete, find, numbers, put, put_all, query, tenant};

async fn by(store: &Arc<dyn Store>, index: &'static str, texts: &[&str]) -> Vec<Option<u64>> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let found = store.find_unique(&tenant(), &THINGS, index, &texts).await.unwrap();
    found
        .into_iter()
        .map(|document| match document?.id {
            DocumentId::Number(number) => Some(number),
            DocumentId::Text(_) => None,
        })
        .collect()
}

fn assert_taken<T: std::fmt::Debug>(answer: Result<T, StoreError>, index_name: &str, holder: u64) {
    match answer {
        Err(StoreError::Conflict(Conflict::NotUnique { collection, index, id })) => {
            assert_eq!((collection, index, id), ("things", index_name, holder.into()));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_text_finds_the_document_that_has_it(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({"code": "A-1"})), (2, json!({"code": "b-2"}))]).await;
    assert_eq!(by(&store, "code", &["B-2", "x", "a-1", "B-2"]).await, [Some(2), None, Some(1), Some(2)]);
    assert_eq!(by(&store, "code", &[]).await, []);
}

pub(crate) async fn a_unique_value_belongs_to_one_document(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({"code": "A"}))]).await;
    assert_taken(commit(&store, vec![put(2, Expect::Any, &json!({"code": "a"}))]).await, "code", 1);
    put_all(&store, &[(1, json!({"code": "A", "again": true}))]).await;
}

pub(crate) async fn a_unique_value_is_free_again_when_it_is_given_up(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({"code": "A"})), (2, json!({"code": "B"}))]).await;
    commit(&store, vec![put(1, Expect::Any, &json!({"code": "C"})), delete(2)]).await.unwrap();
    put_all(&store, &[(3, json!({"code": "A"})), (4, json!({"code": "B"}))]).await;
    assert_eq!(by(&store, "code", &["a", "b", "c"]).await, [Some(3), Some(4), Some(1)]);
}

pub(crate) async fn values_may_be_exchanged_within_a_batch(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({"code": "A"})), (2, json!({"code": "B"}))]).await;
    put_all(&store, &[(1, json!({"code": "B"})), (2, json!({"code": "A"}))]).await;
    assert_eq!(by(&store, "code", &["A", "B"]).await, [Some(2), Some(1)]);
    commit(&store, vec![put(3, Expect::Any, &json!({"code": "A"})), delete(2)]).await.unwrap();
    assert_eq!(by(&store, "code", &["A"]).await, [Some(3)]);
}

pub(crate) async fn two_documents_of_a_batch_cannot_share_a_unique_value(store: Arc<dyn Store>) {
    let writes = vec![put(1, Expect::Any, &json!({"code": "A"})), put(2, Expect::Any, &json!({"code": "A"}))];
    assert_taken(commit(&store, writes).await, "code", 1);
    assert_eq!(by(&store, "code", &["A"]).await, [None]);
}

pub(crate) async fn a_document_without_the_value_is_no_conflict(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({})), (2, json!({"code": null})), (3, json!({"code": 5}))]).await;
    let without = Filter::is_null("code", ValueType::Text);
    let found = find(&store, &query(without, vec![], PageRequest::first(10))).await;
    assert_eq!(numbers(&found.documents), [1, 2, 3]);
}

pub(crate) async fn every_element_of_an_array_finds_the_document(store: Arc<dyn Store>) {
    put_all(&store, &[(1, json!({"links": ["x/1", "y/1"]})), (2, json!({"links": ["x/2"]}))]).await;
    assert_eq!(by(&store, "links", &["y/1", "x/2", "X/2", "x/1"]).await, [Some(1), Some(2), None, Some(1)]);
    assert_taken(
        commit(&store, vec![put(3, Expect::Any, &json!({"links": ["z", "x/2"]}))]).await,
        "links",
        2,
    );
    put_all(&store, &[(1, json!({"links": ["y/1"]})), (3, json!({"links": ["x/1"]}))]).await;
    assert_eq!(by(&store, "links", &["x/1", "y/1"]).await, [Some(3), Some(1)]);
}

pub(crate) async fn only_a_unique_index_of_one_text_finds_by_text(store: Arc<dyn Store>) {
    for index in ["name", "taxable-total", "unknown"] {
        let found = store.find_unique(&tenant(), &THINGS, index, &["x".to_owned()]).await;
        assert_invalid(found, index);
    }
}
