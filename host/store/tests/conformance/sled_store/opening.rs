//! Opening a directory: again, twice, and one of another version.

use std::sync::Arc;

use bytes::Bytes;
use mortise_query::{PageRequest, SortKey, ValueType};
use mortise_store::{Expect, Sequence, Store, StoreError, Write};
use serde_json::json;

use super::open_in;
use crate::fixture::{
    THINGS, assert_invalid, claim, claim_one, commit, enqueue, find, job, job_with_key, numbers, put,
    put_all, query, read, tenant,
};

fn reopen(path: &std::path::Path) -> Arc<dyn Store> {
    Arc::new(open_in(path).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_opened_again_has_everything() {
    let directory = tempfile::tempdir().unwrap();
    let store = reopen(directory.path());
    put_all(&store, &[(1, json!({"code": "A", "name": "x"})), (2, json!({"name": "a"}))]).await;
    enqueue(&store, vec![job(0), job_with_key(10, "sync")]).await;
    let leased = claim_one(&store, 0).await;
    let blob = store.put_blob(Bytes::from_static(b"component")).await.unwrap();
    let first_number = store.reserve_numbers(&tenant(), "account", 7).await.unwrap();
    let feed = store.changes(&tenant(), Sequence(0), 10).await.unwrap();
    let before = read(&store, 1).await;
    drop(store);

    let store = reopen(directory.path());
    assert_eq!(read(&store, 1).await, before);
    assert_eq!(store.changes(&tenant(), Sequence(0), 10).await.unwrap(), feed);
    assert!(store.get_blob(&blob).await.unwrap().is_some());
    let by_name = vec![SortKey::ascending("name", ValueType::Text)];
    assert_eq!(numbers(&find(&store, &query(None, by_name, PageRequest::first(9))).await.documents), [2, 1]);
    assert_eq!(store.reserve_numbers(&tenant(), "account", 1).await.unwrap(), first_number + 7);
    enqueue(&store, vec![job_with_key(20, "sync")]).await;
    assert_eq!(store.jobs(&tenant(), &mortise_store::JobFilter::default(), 9).await.unwrap().len(), 2);
    let sequence = commit(&store, vec![put(3, Expect::Any, &json!({}))]).await.unwrap();
    assert!(sequence > feed[0].sequence);
    commit(&store, vec![Write::Complete(leased.lease)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_worked_on_when_the_host_ended_comes_back_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = reopen(directory.path());
    enqueue(&store, vec![job(0)]).await;
    let first = claim_one(&store, 0).await;
    drop(store);
    let store = reopen(directory.path());
    let second = claim_one(&store, 1).await;
    assert_eq!((second.lease.job, second.attempt), (first.lease.job, 2));
    assert_eq!(claim(&store, 1).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_is_written_before_the_store_ends() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_in(directory.path()).unwrap();
    let commits: Vec<_> = (1..=50)
        .map(|id| {
            let store: Arc<dyn Store> = Arc::new(store.clone());
            tokio::spawn(async move { commit(&store, vec![put(id, Expect::Absent, &json!({}))]).await })
        })
        .collect();
    drop(store);
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    let store = reopen(directory.path());
    let all = find(&store, &query(None, vec![], PageRequest::first(100))).await;
    assert_eq!(numbers(&all.documents), (1..=50).collect::<Vec<_>>());
}

#[test]
fn a_directory_that_is_in_use_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open_in(directory.path()).unwrap();
    match open_in(directory.path()).err() {
        Some(StoreError::Unavailable { message, .. }) => {
            assert!(message.contains("another process has the store") && message.contains("data directory"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open_in(directory.path()).unwrap());
    let tree = sled::open(directory.path().join("tree")).unwrap();
    tree.insert(b"\x00f", &[99]).unwrap();
    tree.flush().unwrap();
    drop(tree);
    let error = open_in(directory.path()).err().unwrap();
    assert!(matches!(error, StoreError::NewerFormat { found: 99, supported: 1 }), "{error:?}");
    assert!(error.to_string().contains("run the newer version"), "{error}");
}

#[tokio::test]
async fn a_collection_that_was_not_declared_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_in(directory.path()).unwrap();
    let undeclared = &mortise_store::collections::RUNS;
    assert_invalid(store.get(&tenant(), undeclared, &"x".into()).await, "runs");
    assert!(store.get(&tenant(), &THINGS, &"x".into()).await.unwrap().is_none());
}
