//! Writing, reading and removing documents.

use std::sync::Arc;

use mortise_model::tenant::{Tenant, TenantLimits};
use mortise_store::{Batch, DocumentId, Expect, Origin, Store, StoreExt as _, Version, Write};
use serde_json::json;

use crate::fixture::{NOTES, THINGS, at, commit, delete, other_tenant, put, read, tenant};

pub(crate) async fn a_document_reads_back_byte_for_byte(store: Arc<dyn Store>) {
    let body = "{\"z\": 1.50,  \"a\":\"\\u0000 é\"}";
    let write =
        Write::Put { collection: &THINGS, id: 7.into(), expect: Expect::Absent, body: body.to_owned() };
    let sequence = commit(&store, vec![write]).await.unwrap();
    let document = read(&store, 7).await.unwrap();
    assert_eq!((document.body.as_str(), document.version), (body, Version(sequence.0)));
    assert_eq!(document.id, DocumentId::Number(7));
}

pub(crate) async fn a_document_that_was_removed_is_gone(store: Arc<dyn Store>) {
    commit(&store, vec![put(1, Expect::Absent, &json!({}))]).await.unwrap();
    commit(&store, vec![delete(1), delete(2)]).await.unwrap();
    assert_eq!(read(&store, 1).await, None);
}

pub(crate) async fn numbers_and_texts_are_different_ids(store: Arc<dyn Store>) {
    let ids = [DocumentId::from(1), DocumentId::from(256), DocumentId::from(u64::MAX), DocumentId::from("1")];
    let writes = ids
        .iter()
        .map(|id| Write::Put {
            collection: &NOTES,
            id: id.clone(),
            expect: Expect::Absent,
            body: json!({"id": id}).to_string(),
        })
        .collect();
    commit(&store, writes).await.unwrap();
    for id in &ids {
        let document = store.get(&tenant(), &NOTES, id).await.unwrap().unwrap();
        assert_eq!(document.body, json!({"id": id}).to_string());
    }
}

pub(crate) async fn tenants_do_not_see_one_another(store: Arc<dyn Store>) {
    commit(&store, vec![put(1, Expect::Absent, &json!({"code": "A"}))]).await.unwrap();
    assert_eq!(store.get(&other_tenant(), &THINGS, &1.into()).await.unwrap(), None);
    let theirs = Batch {
        writes: vec![put(1, Expect::Absent, &json!({"code": "A", "theirs": true}))],
        ..Batch::new(other_tenant(), Origin::Host, at(0))
    };
    store.commit(theirs).await.unwrap();
    assert_eq!(read(&store, 1).await.unwrap().body, json!({"code": "A"}).to_string());
    let found = store.find_unique(&other_tenant(), &THINGS, "code", &["a".to_owned()]).await.unwrap();
    assert!(found[0].as_ref().unwrap().body.contains("theirs"));
}

pub(crate) async fn collections_do_not_share_ids(store: Arc<dyn Store>) {
    commit(&store, vec![put(1, Expect::Absent, &json!({}))]).await.unwrap();
    assert_eq!(store.get(&tenant(), &NOTES, &1.into()).await.unwrap(), None);
}

pub(crate) async fn a_typed_document_reads_back(store: Arc<dyn Store>) {
    let limits = TenantLimits::default();
    let entity = Tenant { id: tenant(), name: "Acme".to_owned(), limits, created_at: at(0) };
    let mut batch = Batch::new(tenant(), Origin::Host, at(0));
    batch.put(&entity, Expect::Absent).unwrap();
    let sequence = store.commit(batch).await.unwrap();
    let (read, version) = store.load::<Tenant>(&tenant(), "acme").await.unwrap().unwrap();
    assert_eq!((read, version), (entity, Version(sequence.0)));
}
