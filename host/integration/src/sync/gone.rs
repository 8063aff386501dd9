//! Records that are gone from the platform and that other far sides still hold.
//!
//! A record's links go with it. So the batch that removes it keeps, for every other instance that pushes its entity,
//! what a later push has to tell: the far side's id and the last state. It is forgotten once the far side knows.

use mortise_model::entity::{EntityKind, Link};
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::instance::{Direction, Instance, SyncAction};
use mortise_records::Rendered;
use mortise_store::{
    Collection, Document, DocumentId, Entity, Expect, Store, StoreError, StoreExt as _, Write, collections,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sync::progress::put;
use crate::sync::scope::Scope;
use crate::sync::stop::Stop;

/// A record that is gone, as one instance knew it. Kept as `instance/action/gone/number`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gone {
    instance: InstanceId,
    action: SyncAction,
    record: u64,
    external_id: String,
    data: Map<String, Value>,
}

/// The links of any record.
#[derive(Deserialize)]
struct Linked {
    #[serde(default)]
    links: Vec<Link>,
}

impl Entity for Gone {
    const COLLECTION: &'static Collection = &collections::SYNC_STATES;

    fn document_id(&self) -> DocumentId {
        gone_id(&self.instance, self.action, self.record).into()
    }
}

impl Gone {
    /// What is known of a record that is gone, if its far side still holds it.
    pub(crate) async fn load(
        store: &dyn Store,
        tenant: &TenantId,
        instance: &InstanceId,
        action: SyncAction,
        record: u64,
    ) -> Result<Option<Rendered>, StoreError> {
        let found = store.load::<Self>(tenant, gone_id(instance, action, record)).await?;
        Ok(found.map(|(gone, _)| Rendered {
            id: gone.record,
            external_id: Some(gone.external_id),
            data: gone.data,
        }))
    }

    /// The write that forgets it.
    pub(crate) fn forget(instance: &InstanceId, action: SyncAction, record: u64) -> Write {
        let id = gone_id(instance, action, record).into();
        Write::Delete { collection: Self::COLLECTION, id, expect: Expect::Any }
    }
}

impl Scope {
    /// The writes that keep what other instances have to tell of a record that this batch removes.
    pub(crate) async fn keep_gone(&self, kind: EntityKind, record: u64) -> Result<Vec<Write>, Stop> {
        let (store, tenant) = (self.store.as_ref(), self.tenant());
        let action = SyncAction { entity: kind, direction: Direction::Push };
        let id = DocumentId::Number(record);
        let Some(document) = store.get(tenant, collection_of(kind), &id).await? else {
            return Ok(Vec::new());
        };
        let linked: Linked = document.decode()?;
        let mut writes = Vec::new();
        for link in linked.links.iter().filter(|link| link.instance != self.instance.id) {
            let found = store.load::<Instance>(tenant, link.instance.as_str()).await?;
            if found.is_some_and(|(instance, _)| instance.actions.contains(&action)) {
                writes.push(self.gone(action, &document, link).await?);
            }
        }
        Ok(writes)
    }

    async fn gone(&self, action: SyncAction, document: &Document, link: &Link) -> Result<Write, Stop> {
        let rendered =
            self.records.for_connector(self.tenant(), &link.instance, action.entity, document).await?;
        let gone = Gone {
            instance: link.instance.clone(),
            action,
            record: rendered.id,
            external_id: link.external_id.clone(),
            data: rendered.data,
        };
        Ok(put(&gone, Expect::Any)?)
    }
}

/// Where the records of a kind are.
pub(crate) fn collection_of(kind: EntityKind) -> &'static Collection {
    match kind {
        EntityKind::Account => &collections::ACCOUNTS,
        EntityKind::Invoice => &collections::INVOICES,
    }
}

fn gone_id(instance: &InstanceId, action: SyncAction, record: u64) -> String {
    format!("{instance}/{}/gone/{record}", action.key())
}
