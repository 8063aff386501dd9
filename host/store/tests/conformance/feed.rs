//! The change feed.

use std::sync::Arc;

use mortise_model::id::InstanceId;
use mortise_store::{Batch, Change, ChangeKind, ChangeSet, Expect, Origin, Sequence, Store, Version, Write};
use serde_json::json;

use crate::fixture::{NOTES, at, batch, commit, delete, job, other_tenant, put, put_all, read, tenant};

async fn after(store: &Arc<dyn Store>, sequence: Sequence, limit: usize) -> Vec<ChangeSet> {
    store.changes(&tenant(), sequence, limit).await.unwrap()
}

fn change(id: u64, kind: ChangeKind) -> Change {
    Change { collection: "things".to_owned(), id: id.into(), kind }
}

pub(crate) async fn a_change_tells_what_happened_by_whom_and_when(store: Arc<dyn Store>) {
    let instance = InstanceId::new();
    put_all(&store, &[(1, json!({})), (2, json!({}))]).await;
    let origin = Origin::Instance(instance);
    let writes = vec![delete(2), put(1, Expect::Any, &json!({})), put(300, Expect::Any, &json!({}))];
    let of_instance = Batch { origin: origin.clone(), at: at(5), ..batch(writes) };
    let sequence = store.commit(of_instance).await.unwrap();
    let api = Batch { origin: Origin::Api, ..batch(vec![delete(1)]) };
    store.commit(api).await.unwrap();

    let sets = after(&store, Sequence(0), 10).await;
    assert_eq!(sets.iter().map(|set| set.changes.len()).collect::<Vec<_>>(), [2, 3, 1]);
    assert_eq!(sets[0].origin, Origin::Host);
    let changes = vec![
        change(2, ChangeKind::Deleted),
        change(1, ChangeKind::Updated),
        change(300, ChangeKind::Created),
    ];
    assert_eq!(sets[1], ChangeSet { sequence, origin, at: at(5), changes });
    assert_eq!(sets[2].origin, Origin::Api);
}

pub(crate) async fn private_collections_are_not_in_the_feed(store: Arc<dyn Store>) {
    let note = Write::Put { collection: &NOTES, id: 1.into(), expect: Expect::Any, body: "{}".to_owned() };
    commit(&store, vec![note.clone(), Write::Enqueue(job(0))]).await.unwrap();
    assert_eq!(after(&store, Sequence(0), 10).await, []);
    commit(&store, vec![note, put(1, Expect::Any, &json!({}))]).await.unwrap();
    assert_eq!(after(&store, Sequence(0), 10).await[0].changes, [change(1, ChangeKind::Created)]);
}

pub(crate) async fn removing_what_is_not_there_is_no_change(store: Arc<dyn Store>) {
    commit(&store, vec![delete(1)]).await.unwrap();
    assert_eq!(after(&store, Sequence(0), 10).await, []);
}

pub(crate) async fn the_feed_goes_on_after_a_place(store: Arc<dyn Store>) {
    let mut sequences = Vec::new();
    for id in 1..=5 {
        sequences.push(commit(&store, vec![put(id, Expect::Any, &json!({}))]).await.unwrap());
        let theirs = Batch { tenant: other_tenant(), ..batch(vec![put(id, Expect::Any, &json!({}))]) };
        store.commit(theirs).await.unwrap();
    }
    assert!(sequences.is_sorted_by(|left, right| left < right));
    let mut seen = Vec::new();
    let mut place = Sequence::default();
    loop {
        let sets = after(&store, place, 2).await;
        assert!(sets.len() <= 2);
        let Some(last) = sets.last() else { break };
        place = last.sequence;
        seen.extend(sets.iter().map(|set| set.sequence));
    }
    assert_eq!(seen, sequences);
    assert_eq!(after(&store, Sequence(u64::MAX), 2).await, []);
}

pub(crate) async fn a_sequence_is_the_version_of_what_it_wrote(store: Arc<dyn Store>) {
    let sequence = commit(&store, vec![put(1, Expect::Any, &json!({}))]).await.unwrap();
    assert_eq!(read(&store, 1).await.unwrap().version, Version(sequence.0));
    assert_eq!(after(&store, Sequence(0), 1).await[0].sequence, sequence);
}
