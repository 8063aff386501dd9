//! Showing records to a connector, and linking what it stored.

use mortise_model::account::Account;
use mortise_model::entity::{EntityKind, Reference};
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::invoice::Invoice;
use mortise_store::{Document, Expect, StoreError, StoreExt, Write};
use serde_json::{Map, Value};

use crate::page::put;
use crate::{Record, RecordError, Records};

/// A record as a connector sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The platform's number.
    pub id: u64,
    /// The far side's id through the instance, once known.
    pub external_id: Option<String>,
    /// The platform's object with `integrationId` where it is known, references included.
    pub data: Map<String, Value>,
}

impl Records {
    /// Shows a stored record to the connector behind an instance.
    pub async fn for_connector(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        kind: EntityKind,
        document: &Document,
    ) -> Result<Rendered, RecordError> {
        match kind {
            EntityKind::Account => self.render::<Account>(tenant, instance, document).await,
            EntityKind::Invoice => self.render::<Invoice>(tenant, instance, document).await,
        }
    }

    /// The write that links a stored record to `external_id` through an instance.
    pub fn link(
        &self,
        kind: EntityKind,
        document: &Document,
        instance: &InstanceId,
        external_id: &str,
    ) -> Result<Write, RecordError> {
        let relink = Relink::To(external_id);
        match kind {
            EntityKind::Account => relinked::<Account>(document, instance, relink),
            EntityKind::Invoice => relinked::<Invoice>(document, instance, relink),
        }
    }

    /// The write that breaks a stored record's link through an instance.
    pub fn unlink(
        &self,
        kind: EntityKind,
        document: &Document,
        instance: &InstanceId,
    ) -> Result<Write, RecordError> {
        match kind {
            EntityKind::Account => relinked::<Account>(document, instance, Relink::None),
            EntityKind::Invoice => relinked::<Invoice>(document, instance, Relink::None),
        }
    }

    async fn render<R: Record>(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        document: &Document,
    ) -> Result<Rendered, RecordError> {
        let record: R = document.decode()?;
        let id = record.number();
        let external_id = record.external_id(instance).map(str::to_owned);
        let (created_at, updated_at) = (record.created_at(), record.updated_at());
        let mut fields = record.into_fields();
        for (_, reference) in R::account_references(&mut fields) {
            self.add_external_id(tenant, instance, reference).await?;
        }
        let Ok(Value::Object(mut data)) = serde_json::to_value(&fields) else {
            return Err(StoreError::Corrupt(format!("{} {id} does not serialise", R::KIND)).into());
        };
        data.insert("id".to_owned(), id.into());
        data.insert("createdAt".to_owned(), created_at.to_string().into());
        data.insert("updatedAt".to_owned(), updated_at.to_string().into());
        if let Some(external_id) = &external_id {
            data.insert("integrationId".to_owned(), external_id.clone().into());
        }
        Ok(Rendered { id, external_id, data })
    }

    async fn add_external_id(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        reference: &mut Reference,
    ) -> Result<(), RecordError> {
        let Some(number) = reference.id else { return Ok(()) };
        if let Some((account, _)) = self.store.load::<Account>(tenant, number).await? {
            reference.integration_id = account.external_id(instance).map(str::to_owned);
            reference.name = Some(account.fields.name);
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Relink<'a> {
    To(&'a str),
    None,
}

fn relinked<R: Record>(
    document: &Document,
    instance: &InstanceId,
    relink: Relink<'_>,
) -> Result<Write, RecordError> {
    let record: R = document.decode()?;
    let record = match relink {
        Relink::To(external_id) => record.with_link(instance, external_id),
        Relink::None => record.without_link(instance),
    };
    Ok(put(&record, Expect::At(document.version))?)
}
