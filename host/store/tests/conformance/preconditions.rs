//! What must hold for a batch to happen.

use std::sync::Arc;

use mortise_store::{Conflict, Expect, Store, StoreError, Version, Write};
use serde_json::json;

use crate::fixture::{THINGS, commit, put, read};

fn assert_conflict<T: std::fmt::Debug>(answer: Result<T, StoreError>, number: u64) {
    match answer {
        Err(StoreError::Conflict(Conflict::Document { collection, id, .. })) => {
            assert_eq!((collection, id), ("things", number.into()));
        }
        other => panic!("{other:?}"),
    }
}

fn check(id: u64, expect: Expect) -> Write {
    Write::Check { collection: &THINGS, id: id.into(), expect }
}

pub(crate) async fn absent_holds_once(store: Arc<dyn Store>) {
    commit(&store, vec![put(1, Expect::Absent, &json!({}))]).await.unwrap();
    assert_conflict(commit(&store, vec![put(1, Expect::Absent, &json!({}))]).await, 1);
}

pub(crate) async fn a_version_holds_until_the_next_write(store: Arc<dyn Store>) {
    let first = commit(&store, vec![put(1, Expect::Any, &json!({"n": 1}))]).await.unwrap();
    let second = commit(&store, vec![put(1, Expect::At(Version(first.0)), &json!({"n": 2}))]).await.unwrap();
    assert_conflict(commit(&store, vec![put(1, Expect::At(Version(first.0)), &json!({}))]).await, 1);
    let removal = |version| Write::Delete { collection: &THINGS, id: 1.into(), expect: Expect::At(version) };
    assert_conflict(commit(&store, vec![removal(Version(first.0))]).await, 1);
    commit(&store, vec![removal(Version(second.0))]).await.unwrap();
    assert_conflict(commit(&store, vec![removal(Version(second.0))]).await, 1);
}

pub(crate) async fn a_batch_that_does_not_hold_writes_nothing(store: Arc<dyn Store>) {
    commit(&store, vec![put(2, Expect::Any, &json!({"n": "old", "name": "old"}))]).await.unwrap();
    let writes = vec![
        put(1, Expect::Absent, &json!({"name": "new"})),
        put(2, Expect::Absent, &json!({"name": "new"})),
        put(3, Expect::Absent, &json!({"name": "new"})),
    ];
    assert_conflict(commit(&store, writes).await, 2);
    assert_eq!((read(&store, 1).await, read(&store, 3).await), (None, None));
    assert!(read(&store, 2).await.unwrap().body.contains("old"));
}

pub(crate) async fn a_check_guards_a_batch_without_writing(store: Arc<dyn Store>) {
    let first = commit(&store, vec![put(1, Expect::Any, &json!({}))]).await.unwrap();
    let version = Version(first.0);
    commit(
        &store,
        vec![check(1, Expect::At(version)), check(9, Expect::Absent), put(2, Expect::Absent, &json!({}))],
    )
    .await
    .unwrap();
    assert_eq!(read(&store, 1).await.unwrap().version, version);
    assert_conflict(commit(&store, vec![check(1, Expect::Absent), put(3, Expect::Any, &json!({}))]).await, 1);
    assert_eq!(read(&store, 3).await, None);
}

pub(crate) async fn one_of_many_writers_wins_and_the_others_are_told(store: Arc<dyn Store>) {
    let first = commit(&store, vec![put(1, Expect::Any, &json!({"n": 0}))]).await.unwrap();
    let attempts = (1..=20).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            commit(&store, vec![put(1, Expect::At(Version(first.0)), &json!({"n": n}))]).await
        })
    });
    let mut won = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(sequence) => won.push(Version(sequence.0)),
            other => assert_conflict(other, 1),
        }
    }
    assert_eq!(won, [read(&store, 1).await.unwrap().version]);
}

pub(crate) async fn a_batch_that_fails_does_not_fail_its_neighbours(store: Arc<dyn Store>) {
    commit(&store, vec![put(0, Expect::Any, &json!({}))]).await.unwrap();
    let attempts: Vec<_> = (1..=40_u64)
        .map(|n| {
            let store = Arc::clone(&store);
            let guard = if n % 2 == 0 { check(0, Expect::Absent) } else { check(n, Expect::Absent) };
            tokio::spawn(async move { commit(&store, vec![guard, put(n, Expect::Absent, &json!({}))]).await })
        })
        .collect();
    for (n, attempt) in (1..).zip(attempts) {
        let succeeded = attempt.await.unwrap().is_ok();
        assert_eq!((succeeded, read(&store, n).await.is_some()), (n % 2 == 1, n % 2 == 1), "{n}");
    }
}
