//! Which records a push has to look at: a stretch of the change feed, each record once.

use std::collections::HashSet;

use mortise_model::entity::EntityKind;
use mortise_model::id::{InstanceId, TenantId};
use mortise_store::{ChangeKind, ChangeSet, DocumentId, Origin, Sequence, Store, StoreError};

/// Sets that are read at a time.
const SETS: usize = 50;
/// A stretch ends with the set that brings it to this many records.
const RECORDS: usize = 2_000;
/// A stretch ends with this many sets at the latest.
const MOST_SETS: usize = 20_000;

/// A stretch of the change feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The records that changed, in the order of their last change.
    pub(crate) records: Vec<u64>,
    /// The place of its last set. None when nothing was committed since.
    pub(crate) until: Option<Sequence>,
}

/// Reads the stretch after a place: up to `until`, or as long as is good.
pub(crate) async fn read(
    store: &dyn Store,
    tenant: &TenantId,
    instance: &InstanceId,
    kind: EntityKind,
    after: Sequence,
    until: Option<Sequence>,
) -> Result<Stretch, StoreError> {
    let mut collected = Collected::default();
    let mut place = after;
    let mut sets = 0;
    'reading: loop {
        let changes = store.changes(tenant, place, SETS).await?;
        if changes.is_empty() {
            break;
        }
        for set in changes {
            if until.is_some_and(|until| set.sequence > until) {
                break 'reading;
            }
            place = set.sequence;
            sets += 1;
            collected.add(&set, instance, kind);
            if until.is_none() && (collected.known.len() >= RECORDS || sets >= MOST_SETS) {
                break 'reading;
            }
        }
    }
    Ok(Stretch { records: collected.in_order(), until: (place > after).then_some(place) })
}

#[derive(Default)]
struct Collected {
    known: HashSet<u64>,
    changes: Vec<u64>,
}

impl Collected {
    /// What the instance caused itself is left out.
    fn add(&mut self, set: &ChangeSet, instance: &InstanceId, kind: EntityKind) {
        if matches!(&set.origin, Origin::Instance(origin) if origin == instance) {
            return;
        }
        for change in set.changes.iter().filter(|change| change.collection == kind.collection()) {
            let DocumentId::Number(number) = change.id else { continue };
            match change.kind {
                // A record that is gone is found to be gone when it is read.
                ChangeKind::Created | ChangeKind::Updated | ChangeKind::Deleted => {
                    self.known.insert(number);
                    self.changes.push(number);
                }
            }
        }
    }

    fn in_order(mut self) -> Vec<u64> {
        let mut records = Vec::with_capacity(self.known.len());
        for number in self.changes.into_iter().rev() {
            if self.known.remove(&number) {
                records.push(number);
            }
        }
        records.reverse();
        records
    }
}

#[cfg(test)]
mod tests {
    use mortise_model::clock::Timestamp;
    use mortise_store::Change;

    use super::*;

    fn set(sequence: u64, origin: Origin, numbers: &[u64]) -> ChangeSet {
        let change = |number: &u64| Change {
            collection: "accounts".to_owned(),
            id: DocumentId::Number(*number),
            kind: ChangeKind::Updated,
        };
        ChangeSet {
            sequence: Sequence(sequence),
            origin,
            at: Timestamp::from_millis(0),
            changes: numbers.iter().map(change).collect(),
        }
    }

    #[test]
    fn a_record_is_looked_at_once_where_it_changed_last_and_not_for_what_the_instance_did() {
        let (own, other) = (InstanceId::new(), InstanceId::new());
        let mut collected = Collected::default();
        collected.add(&set(1, Origin::Api, &[1, 2, 3]), &own, EntityKind::Account);
        collected.add(&set(2, Origin::Instance(own.clone()), &[4, 2]), &own, EntityKind::Account);
        collected.add(&set(3, Origin::Instance(other), &[1, 5]), &own, EntityKind::Account);
        collected.add(&set(4, Origin::Host, &[6]), &own, EntityKind::Invoice);
        assert_eq!(collected.in_order(), [2, 3, 1, 5]);
    }
}
