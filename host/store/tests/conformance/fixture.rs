//! The collections of the cases, and short ways to say what they do.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::id::{JobId, TenantId};
use mortise_query::{Filter, Index, IndexField, PageRequest, Query, SortKey, ValueType};
use mortise_store::{
    Batch, Claim, Collection, Document, Expect, FeedMembership, Found, LeasedJob, NewJob, Origin, Sequence,
    Store, StoreError, Write, collections,
};
use serde_json::{Value, json};

/// A store that is gone when this is dropped.
pub(crate) struct Fixture {
    store: Arc<dyn Store>,
    _kept: Box<dyn Any + Send>,
}

impl Fixture {
    /// A store, and what must live as long.
    pub(crate) fn new(store: Arc<dyn Store>, kept: impl Any + Send) -> Self {
        Self { store, _kept: Box::new(kept) }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

const NAME: IndexField = IndexField::new("name", ValueType::Text);
const STATE: IndexField = IndexField::new("state", ValueType::ExactText);
const TOTAL: IndexField = IndexField::new("amounts/total", ValueType::Number);
const TAXABLE: IndexField = IndexField::new("taxable", ValueType::Boolean);
const CREATED_AT: IndexField = IndexField::new("createdAt", ValueType::Timestamp);

/// Published, with an index of every sort.
pub(crate) static THINGS: Collection = Collection {
    name: "things",
    indexes: &[
        Index::new("code", &[IndexField::new("code", ValueType::Text)]).unique(),
        Index::new("links", &[IndexField::new("links", ValueType::ExactText)]).unique().many(),
        Index::new("name", &[NAME]),
        Index::new("state-created", &[STATE, CREATED_AT]),
        Index::new("taxable-total", &[TAXABLE, TOTAL]),
        Index::new("tags", &[IndexField::new("tags", ValueType::Text)]).many(),
    ],
    feed: FeedMembership::Published,
};

/// Private, with no index.
pub(crate) static NOTES: Collection =
    Collection { name: "notes", indexes: &[], feed: FeedMembership::Private };

/// What a store of these cases is opened with.
pub(crate) static COLLECTIONS: &[&Collection] =
    &[&THINGS, &NOTES, &collections::ACCOUNTS, &collections::SCHEDULES, &collections::TENANTS];

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn other_tenant() -> TenantId {
    "globex".parse().unwrap()
}

/// So many seconds after the cases' midnight.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_772_323_200_000 + seconds * 1_000)
}

pub(crate) fn put(id: u64, expect: Expect, body: &Value) -> Write {
    Write::Put { collection: &THINGS, id: id.into(), expect, body: body.to_string() }
}

pub(crate) fn delete(id: u64) -> Write {
    Write::Delete { collection: &THINGS, id: id.into(), expect: Expect::Any }
}

pub(crate) fn batch(writes: Vec<Write>) -> Batch {
    Batch { writes, ..Batch::new(tenant(), Origin::Host, at(0)) }
}

pub(crate) async fn commit(store: &Arc<dyn Store>, writes: Vec<Write>) -> Result<Sequence, StoreError> {
    store.commit(batch(writes)).await
}

pub(crate) async fn put_all(store: &Arc<dyn Store>, documents: &[(u64, Value)]) {
    let writes = documents.iter().map(|(id, body)| put(*id, Expect::Any, body)).collect();
    commit(store, writes).await.unwrap();
}

pub(crate) async fn read(store: &Arc<dyn Store>, id: u64) -> Option<Document> {
    store.get(&tenant(), &THINGS, &id.into()).await.unwrap()
}

/// The numbers of the documents, in order.
pub(crate) fn numbers(documents: &[Document]) -> Vec<u64> {
    documents.iter().map(|document| document.id.to_string().parse().unwrap()).collect()
}

pub(crate) fn query(filter: impl Into<Option<Filter>>, order: Vec<SortKey>, page: PageRequest) -> Query {
    Query { filter: filter.into(), order, page, count: false }
}

pub(crate) async fn find(store: &Arc<dyn Store>, query: &Query) -> Found {
    store.query(&tenant(), &THINGS, query).await.unwrap()
}

pub(crate) fn job(due: i64) -> NewJob {
    NewJob {
        id: JobId::new(),
        kind: "sync".to_owned(),
        payload: json!({"n": due}),
        due: at(due),
        key: None,
        lane: None,
    }
}

pub(crate) fn job_with_key(due: i64, key: &str) -> NewJob {
    NewJob { key: Some(key.to_owned()), ..job(due) }
}

pub(crate) fn job_in_lane(due: i64, lane: &str) -> NewJob {
    NewJob { lane: Some(lane.to_owned()), ..job(due) }
}

pub(crate) async fn enqueue(store: &Arc<dyn Store>, jobs: Vec<NewJob>) {
    commit(store, jobs.into_iter().map(Write::Enqueue).collect()).await.unwrap();
}

/// A claim of up to 100 jobs at a time, each for 30 seconds.
pub(crate) fn claim_at(now: i64) -> Claim {
    Claim {
        worker: "worker-1".to_owned(),
        kinds: vec!["sync".to_owned()],
        now: at(now),
        lease: Duration::from_secs(30),
        limit: 100,
        per_tenant: 100,
    }
}

pub(crate) async fn claim(store: &Arc<dyn Store>, now: i64) -> Vec<LeasedJob> {
    store.claim_jobs(&claim_at(now)).await.unwrap()
}

/// Claims the one job that is due.
pub(crate) async fn claim_one(store: &Arc<dyn Store>, now: i64) -> LeasedJob {
    let mut jobs = claim(store, now).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.remove(0)
}

/// Says that an answer is a refusal that names what is wrong.
#[track_caller]
pub(crate) fn assert_invalid<T: std::fmt::Debug>(answer: Result<T, StoreError>, named: &str) {
    match answer {
        Err(StoreError::Invalid(message)) => assert!(message.contains(named), "{message}"),
        other => panic!("{other:?}"),
    }
}
