//! Indexes that come, change and go between two versions of the host.

use mortise_query::{Filter, Index, IndexField, PageRequest, Query, SortKey, ValueType};
use mortise_store::{
    Batch, Collection, Conflict, Expect, FeedMembership, Origin, SledOptions, SledStore, Store, StoreError,
    Write,
};
use serde_json::json;

use crate::fixture::{assert_invalid, at, other_tenant, tenant};

static BEFORE: Collection = Collection { name: "parts", indexes: &[], feed: FeedMembership::Private };
static AFTER: Collection = Collection {
    name: "parts",
    indexes: &[
        Index::new("code", &[IndexField::new("code", ValueType::Text)]).unique(),
        Index::new("size", &[IndexField::new("size", ValueType::Number)]),
    ],
    feed: FeedMembership::Private,
};
static CHANGED: Collection = Collection {
    name: "parts",
    indexes: &[Index::new("code", &[IndexField::new("code", ValueType::ExactText)]).unique()],
    feed: FeedMembership::Private,
};
static UNIQUE_SIZE: Collection = Collection {
    name: "parts",
    indexes: &[Index::new("size", &[IndexField::new("size", ValueType::Number)]).unique()],
    feed: FeedMembership::Private,
};

fn open(path: &std::path::Path, collection: &'static Collection) -> Result<SledStore, StoreError> {
    let collections = Vec::leak(vec![collection]);
    SledStore::open(path, &SledOptions { collections, cache_bytes: 16 * 1024 * 1024 })
}

async fn put(store: &SledStore, collection: &'static Collection, id: u64) -> Result<(), StoreError> {
    for tenant in [tenant(), other_tenant()] {
        let mut batch = Batch::new(tenant, Origin::Host, at(0));
        let body = json!({"code": format!("C{id}"), "size": id / 2}).to_string();
        batch.push(Write::Put { collection, id: id.into(), expect: Expect::Any, body });
        store.commit(batch).await?;
    }
    Ok(())
}

async fn by_code(store: &SledStore, collection: &'static Collection, code: &str) -> bool {
    let found = store.find_unique(&other_tenant(), collection, "code", &[code.to_owned()]).await.unwrap();
    found[0].is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_declared_later_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &BEFORE).unwrap();
    for id in 0..10 {
        put(&store, &BEFORE, id).await.unwrap();
    }
    drop(store);

    let store = open(directory.path(), &AFTER).unwrap();
    assert!(by_code(&store, &AFTER, "c7").await);
    let query = Query {
        filter: Some(Filter::ge("size", 3)),
        order: vec![SortKey::descending("size", ValueType::Number)],
        page: PageRequest::first(3),
        count: true,
    };
    let found = store.query(&tenant(), &AFTER, &query).await.unwrap();
    let ids: Vec<_> = found.documents.iter().map(|document| document.id.to_string()).collect();
    assert_eq!((ids, found.total), (["9", "8", "7"].map(str::to_owned).to_vec(), Some(4)));
    put(&store, &AFTER, 20).await.unwrap();
    drop(store);

    // Another definition is another index, and what it was is forgotten.
    let store = open(directory.path(), &CHANGED).unwrap();
    assert!(by_code(&store, &CHANGED, "C20").await);
    assert!(!by_code(&store, &CHANGED, "c20").await);
    put(&store, &CHANGED, 21).await.unwrap();
    drop(store);

    let store = open(directory.path(), &AFTER).unwrap();
    assert!(by_code(&store, &AFTER, "c21").await);
    let mut taken = Batch::new(tenant(), Origin::Host, at(0));
    let body = json!({"code": "c3"}).to_string();
    taken.push(Write::Put { collection: &AFTER, id: 99.into(), expect: Expect::Any, body });
    assert!(matches!(store.commit(taken).await, Err(StoreError::Conflict(Conflict::NotUnique { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_unique_is_refused_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &AFTER).unwrap();
    for id in 0..4 {
        put(&store, &AFTER, id).await.unwrap();
    }
    drop(store);
    assert_invalid(
        open(directory.path(), &UNIQUE_SIZE).map(|_| ()),
        "`size` of parts cannot be unique: 0 and 1",
    );
    let store = open(directory.path(), &AFTER).unwrap();
    let query = Query { filter: Some(Filter::eq("size", 1)), ..Query::default() };
    assert_eq!(store.query(&tenant(), &AFTER, &query).await.unwrap().documents.len(), 2);
    assert!(by_code(&store, &AFTER, "c3").await);
}
