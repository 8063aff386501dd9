//! How far an action of an instance is: bookmark, cursor, what landed so far, the place in the change feed.

use mortise_model::clock::Timestamp;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::instance::SyncAction;
use mortise_store::{
    Collection, DocumentId, Entity, Expect, Sequence, Store, StoreError, StoreExt as _, Version, Write,
    collections,
};
use serde::{Deserialize, Serialize};

use crate::sync::enumeration::{Enumeration, Position, Seen};

/// How far an action of an instance is. Kept as `instance/action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SyncState {
    /// The instance.
    pub(crate) instance: InstanceId,
    /// The action.
    pub(crate) action: SyncAction,
    /// What the last complete pull returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bookmark: Option<String>,
    /// The pull that is in progress or was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enumeration: Option<Enumeration>,
    /// How far a push is in the change feed.
    #[serde(default)]
    pub(crate) feed: FeedPlace,
    /// When this was last written.
    pub(crate) updated_at: Timestamp,
}

/// How far a push is in the change feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FeedPlace {
    /// Everything up to here is done.
    pub(crate) after: Sequence,
    /// The end of the stretch that is being sent. Its records are the same whenever it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Sequence>,
    /// How many records of the stretch are done.
    pub(crate) done: u32,
    /// How often sending the next records of the stretch was begun.
    pub(crate) attempts: u32,
}

/// The positions of one page of an enumeration, kept as `instance/action/seen/00000001`, so that a pull that goes on
/// after an interruption knows what landed before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenPage {
    instance: InstanceId,
    action: SyncAction,
    /// Which enumeration. What an older one left behind does not count.
    enumeration: String,
    page: u32,
    /// Hexadecimal numbers without separators, 16 digits each.
    positions: String,
}

impl SyncState {
    /// Nothing was done yet.
    pub(crate) fn new(instance: &InstanceId, action: SyncAction, at: Timestamp) -> Self {
        Self {
            instance: instance.clone(),
            action,
            bookmark: None,
            enumeration: None,
            feed: FeedPlace::default(),
            updated_at: at,
        }
    }

    /// Reads how far an action is. The version is None when nothing was written yet.
    pub(crate) async fn load(
        store: &dyn Store,
        tenant: &TenantId,
        instance: &InstanceId,
        action: SyncAction,
        now: Timestamp,
    ) -> Result<(Self, Option<Version>), StoreError> {
        let found = store.load::<Self>(tenant, state_id(instance, action)).await?;
        Ok(found.map_or_else(
            || (Self::new(instance, action, now), None),
            |(state, version)| (state, Some(version)),
        ))
    }

    /// The write of this state over the one that was read.
    pub(crate) fn write(&self, version: Option<Version>) -> Result<Write, StoreError> {
        put(self, version.map_or(Expect::Absent, Expect::At))
    }

    /// The writes that forget the pages of an enumeration.
    pub(crate) fn forget_pages(&self, enumeration: &Enumeration) -> Vec<Write> {
        // More than a batch takes are left: another enumeration writes over them.
        (1..=enumeration.pages.min(MOST_DELETED))
            .map(|page| Write::Delete {
                collection: &collections::SYNC_STATES,
                id: seen_id(&self.instance, self.action, page).into(),
                expect: Expect::Any,
            })
            .collect()
    }

    /// The write that remembers what landed with a page.
    pub(crate) fn remember_page(
        &self,
        enumeration: &Enumeration,
        positions: &[Position],
    ) -> Result<Write, StoreError> {
        let page = SeenPage {
            instance: self.instance.clone(),
            action: self.action,
            enumeration: enumeration.id.clone(),
            page: enumeration.pages,
            positions: write_positions(positions),
        };
        put(&page, Expect::Any)
    }

    /// Reads what landed so far in the enumeration.
    pub(crate) async fn seen(&self, store: &dyn Store, tenant: &TenantId) -> Result<Seen, StoreError> {
        let mut seen = Seen::default();
        let Some(enumeration) = &self.enumeration else { return Ok(seen) };
        for number in 1..=enumeration.pages {
            let id = seen_id(&self.instance, self.action, number);
            let Some((page, _)) = store.load::<SeenPage>(tenant, id).await? else { continue };
            if page.enumeration == enumeration.id {
                seen.add(&read_positions(&page.positions));
            }
        }
        if let Some(cursor) = &enumeration.cursor {
            seen.add_cursor(cursor);
        }
        Ok(seen)
    }
}

/// Most pages of an enumeration that are forgotten in one batch.
const MOST_DELETED: u32 = 15_000;

/// The writes that forget how far an action of an instance is: the next pull asks for everything, the next push reads
/// the change feed from its beginning.
pub(crate) async fn forget(
    store: &dyn Store,
    tenant: &TenantId,
    instance: &InstanceId,
    action: SyncAction,
) -> Result<Vec<Write>, StoreError> {
    let found = store.load::<SyncState>(tenant, state_id(instance, action)).await?;
    let Some((state, version)) = found else { return Ok(Vec::new()) };
    let mut writes =
        state.enumeration.as_ref().map(|enumeration| state.forget_pages(enumeration)).unwrap_or_default();
    writes.push(Write::Delete {
        collection: SyncState::COLLECTION,
        id: state.document_id(),
        expect: Expect::At(version),
    });
    Ok(writes)
}

fn state_id(instance: &InstanceId, action: SyncAction) -> String {
    format!("{instance}/{}", action.key())
}

fn seen_id(instance: &InstanceId, action: SyncAction, page: u32) -> String {
    format!("{instance}/{}/seen/{page:08}", action.key())
}

fn write_positions(positions: &[Position]) -> String {
    let bytes: Vec<u8> = positions.iter().flat_map(|position| position.0.to_be_bytes()).collect();
    hex::encode(bytes)
}

fn read_positions(text: &str) -> Vec<Position> {
    let digits = text.as_bytes().chunks_exact(16).filter_map(|digits| std::str::from_utf8(digits).ok());
    digits.filter_map(|digits| u64::from_str_radix(digits, 16).ok()).map(Position).collect()
}

/// The write of a document of the engine's own.
pub(crate) fn put<T: Entity>(entity: &T, expect: Expect) -> Result<Write, StoreError> {
    let id = entity.document_id();
    let body = serde_json::to_string(entity)
        .map_err(|error| StoreError::Corrupt(format!("document {id} does not serialise: {error}")))?;
    Ok(Write::Put { collection: T::COLLECTION, id, expect, body })
}

impl Entity for SyncState {
    const COLLECTION: &'static Collection = &collections::SYNC_STATES;

    fn document_id(&self) -> DocumentId {
        state_id(&self.instance, self.action).into()
    }
}

impl Entity for SeenPage {
    const COLLECTION: &'static Collection = &collections::SYNC_STATES;

    fn document_id(&self) -> DocumentId {
        seen_id(&self.instance, self.action, self.page).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_from_their_text() {
        let positions = [Position(0), Position(u64::MAX), Position(42)];
        assert_eq!(read_positions(&write_positions(&positions)), positions);
        assert_eq!(read_positions("not sixteen hexadecimal digits"), []);
    }
}
