//! Bounds, each with an error that names it.

use std::sync::Arc;

use mortise_store::limits::{
    MAX_BODY, MAX_INDEX_ENTRIES, MAX_INDEX_KEY, MAX_PAYLOAD, MAX_REASON, MAX_WRITES,
};
use mortise_store::{Expect, JobFilter, NewJob, Store, Write};
use serde_json::json;

use crate::fixture::{NOTES, assert_invalid, claim_one, commit, delete, enqueue, job, put, read, tenant};

fn note(id: &str, body: String) -> Write {
    Write::Put { collection: &NOTES, id: id.into(), expect: Expect::Any, body }
}

pub(crate) async fn a_document_that_is_too_long_is_refused(store: Arc<dyn Store>) {
    let longest = format!("\"{}\"", "x".repeat(MAX_BODY - 2));
    commit(&store, vec![note("longest", longest.clone())]).await.unwrap();
    let found = store.get(&tenant(), &NOTES, &"longest".into()).await.unwrap().unwrap();
    assert_eq!(found.body, longest);
    assert_invalid(commit(&store, vec![note("longer", format!("{longest} "))]).await, "1048576");
}

pub(crate) async fn an_id_that_is_too_long_or_empty_is_refused(store: Arc<dyn Store>) {
    let longest = "é".repeat(288);
    commit(&store, vec![note(&longest, "{}".to_owned())]).await.unwrap();
    assert!(store.get(&tenant(), &NOTES, &longest.into()).await.unwrap().is_some());
    assert_invalid(commit(&store, vec![note(&"x".repeat(577), "{}".to_owned())]).await, "576");
    assert_invalid(commit(&store, vec![note("", "{}".to_owned())]).await, "empty");
    assert_invalid(store.get(&tenant(), &NOTES, &"x".repeat(577).into()).await, "576");
}

pub(crate) async fn a_batch_with_too_many_writes_is_refused(store: Arc<dyn Store>) {
    let writes = (0..=MAX_WRITES as u64).map(delete).collect();
    assert_invalid(commit(&store, writes).await, "20000");
}

pub(crate) async fn a_document_written_twice_in_a_batch_is_refused(store: Arc<dyn Store>) {
    assert_invalid(commit(&store, vec![put(1, Expect::Any, &json!({})), delete(1)]).await, "things/1 twice");
}

pub(crate) async fn a_body_that_is_not_json_is_refused(store: Arc<dyn Store>) {
    assert_invalid(commit(&store, vec![note("a", "{".to_owned())]).await, "notes/a is not JSON");
}

pub(crate) async fn a_value_too_long_for_its_index_is_refused(store: Arc<dyn Store>) {
    let long = "x".repeat(MAX_INDEX_KEY);
    assert_invalid(commit(&store, vec![put(1, Expect::Any, &json!({"name": long}))]).await, "2048");
    let tags: Vec<String> = (0..=MAX_INDEX_ENTRIES).map(|tag| tag.to_string()).collect();
    assert_invalid(commit(&store, vec![put(1, Expect::Any, &json!({"tags": tags}))]).await, "1000");
    commit(&store, vec![put(1, Expect::Any, &json!({"note": long}))]).await.unwrap();
    assert!(read(&store, 1).await.is_some());
}

pub(crate) async fn a_payload_that_is_too_long_is_refused(store: Arc<dyn Store>) {
    let long = NewJob { payload: json!("x".repeat(MAX_PAYLOAD - 1)), ..job(0) };
    assert_invalid(commit(&store, vec![Write::Enqueue(long)]).await, "65536");
    let lane = NewJob { lane: Some("x".repeat(2_000)), ..job(0) };
    assert_invalid(commit(&store, vec![Write::Enqueue(lane)]).await, "1024");
}

pub(crate) async fn a_reason_that_is_too_long_is_cut_off(store: Arc<dyn Store>) {
    enqueue(&store, vec![job(0)]).await;
    let lease = claim_one(&store, 0).await.lease;
    commit(&store, vec![Write::Bury { lease, reason: "é".repeat(MAX_REASON + 1) }]).await.unwrap();
    let shown = store.jobs(&tenant(), &JobFilter::default(), 1).await.unwrap();
    assert_eq!(shown[0].reason, Some("é".repeat(MAX_REASON)));
}

pub(crate) async fn a_store_that_works_says_so(store: Arc<dyn Store>) {
    store.check().await.unwrap();
}
