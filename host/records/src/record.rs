//! What accounts and invoices have in common.

use mortise_model::account::{Account, AccountFields};
use mortise_model::clock::Timestamp;
use mortise_model::entity::{EntityKind, Link, Reference};
use mortise_model::error::FieldError;
use mortise_model::id::{AccountId, InstanceId, InvoiceId};
use mortise_model::invoice::{Invoice, InvoiceFields};
use mortise_store::Entity;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A business object: a number, fields a caller may write, links and times.
pub trait Record: Entity + Send + Sync {
    /// What a caller may write.
    type Fields: Serialize + DeserializeOwned + PartialEq + Send + Sync;

    /// Which entity it is.
    const KIND: EntityKind;

    /// A record that was never written before.
    fn new(id: u64, fields: Self::Fields, at: Timestamp) -> Self;

    /// The number.
    fn number(&self) -> u64;

    /// The fields.
    fn fields(&self) -> &Self::Fields;

    /// The links to far sides.
    fn links(&self) -> &[Link];

    /// When it was created.
    fn created_at(&self) -> Timestamp;

    /// When it last changed.
    fn updated_at(&self) -> Timestamp;

    /// The fields alone.
    fn into_fields(self) -> Self::Fields;

    /// The same record with other fields.
    #[must_use]
    fn with_fields(self, fields: Self::Fields, at: Timestamp) -> Self;

    /// The same record linked to `external_id` through `instance`, in place of any link through it before.
    #[must_use]
    fn with_link(self, instance: &InstanceId, external_id: &str) -> Self;

    /// The same record without a link through `instance`.
    #[must_use]
    fn without_link(self, instance: &InstanceId) -> Self;

    /// Everything that is wrong with the fields taken alone.
    fn problems(fields: &Self::Fields) -> Vec<FieldError>;

    /// The number people know it by, unique where given.
    fn code(fields: &Self::Fields) -> Option<&str>;

    /// What people call it, where it has a name.
    fn name(fields: &Self::Fields) -> Option<&str>;

    /// Its references to accounts, each with the JSON Pointer to it.
    fn account_references(fields: &mut Self::Fields) -> Vec<(&'static str, &mut Reference)>;

    /// The far side's id through `instance`.
    fn external_id(&self, instance: &InstanceId) -> Option<&str> {
        self.links().iter().find(|link| link.instance == *instance).map(|link| link.external_id.as_str())
    }
}

macro_rules! record {
    ($record:ident, $fields:ident, $id:ident, $kind:expr, $name:expr, $references:expr) => {
        impl Record for $record {
            type Fields = $fields;

            const KIND: EntityKind = $kind;

            fn new(id: u64, fields: $fields, at: Timestamp) -> Self {
                Self { id: $id(id), fields, links: Vec::new(), created_at: at, updated_at: at }
            }

            fn number(&self) -> u64 {
                self.id.0
            }

            fn fields(&self) -> &$fields {
                &self.fields
            }

            fn links(&self) -> &[Link] {
                &self.links
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }

            fn updated_at(&self) -> Timestamp {
                self.updated_at
            }

            fn into_fields(self) -> $fields {
                self.fields
            }

            fn with_fields(self, fields: $fields, at: Timestamp) -> Self {
                Self { fields, updated_at: at, ..self }
            }

            fn with_link(self, instance: &InstanceId, external_id: &str) -> Self {
                let mut linked = self.without_link(instance);
                linked.links.push(Link { instance: instance.clone(), external_id: external_id.to_owned() });
                linked
            }

            fn without_link(mut self, instance: &InstanceId) -> Self {
                self.links.retain(|link| link.instance != *instance);
                self
            }

            fn problems(fields: &$fields) -> Vec<FieldError> {
                fields.problems()
            }

            fn code(fields: &$fields) -> Option<&str> {
                fields.code.as_deref()
            }

            fn name(fields: &$fields) -> Option<&str> {
                let name: fn(&$fields) -> Option<&str> = $name;
                name(fields)
            }

            fn account_references(fields: &mut $fields) -> Vec<(&'static str, &mut Reference)> {
                let references: fn(&mut $fields) -> Vec<(&'static str, &mut Reference)> = $references;
                references(fields)
            }
        }
    };
}

record!(Account, AccountFields, AccountId, EntityKind::Account, |fields| Some(&fields.name), |fields| {
    let parent = fields.parent_account.as_mut().map(|reference| ("/parentAccount", reference));
    let bill_to = fields.bill_to_account.as_mut().map(|reference| ("/billToAccount", reference));
    parent.into_iter().chain(bill_to).collect()
});

record!(Invoice, InvoiceFields, InvoiceId, EntityKind::Invoice, |_| None, |fields| vec![(
    "/account",
    &mut fields.account
)]);
