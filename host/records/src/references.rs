//! Finding the accounts that records refer to.

use std::collections::HashMap;

use mortise_model::account::Account;
use mortise_model::entity::{Link, Reference};
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_store::{Document, DocumentId, Entity, Store, StoreError};

use crate::Record;

/// The accounts that some records refer to, looked up once for all of them.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_external_id: HashMap<String, u64>,
    names: HashMap<u64, String>,
}

/// Texts by which accounts were referred to.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    external_ids: Vec<String>,
    numbers: Vec<u64>,
}

impl Wanted {
    /// Notes what the references of `fields` point to.
    pub(crate) fn note<R: Record>(&mut self, fields: &mut R::Fields) {
        for (_, reference) in R::account_references(fields) {
            match (&reference.id, &reference.integration_id) {
                (Some(number), _) => self.numbers.push(*number),
                (None, Some(external_id)) => self.external_ids.push(external_id.clone()),
                (None, None) => {}
            }
        }
    }

    /// Looks everything up. External ids are those of `instance`; without one, none is known.
    pub(crate) async fn find(
        mut self,
        store: &dyn Store,
        tenant: &TenantId,
        instance: Option<&InstanceId>,
    ) -> Result<Accounts, StoreError> {
        let mut accounts = Accounts::default();
        self.external_ids.sort_unstable();
        self.external_ids.dedup();
        if let Some(instance) = instance {
            let found = find_linked(store, tenant, Account::COLLECTION, instance, &self.external_ids).await?;
            for (external_id, document) in self.external_ids.into_iter().zip(found) {
                if let Some(document) = document {
                    let account: Account = document.decode()?;
                    accounts.by_external_id.insert(external_id, account.id.0);
                    accounts.names.insert(account.id.0, account.fields.name);
                }
            }
        }
        self.numbers.sort_unstable();
        self.numbers.dedup();
        for number in self.numbers {
            if let Some(document) =
                store.get(tenant, Account::COLLECTION, &DocumentId::Number(number)).await?
            {
                let account: Account = document.decode()?;
                accounts.names.insert(number, account.fields.name);
            }
        }
        Ok(accounts)
    }
}

/// Finds the documents linked to external ids through an instance, in the order of `external_ids`.
pub(crate) async fn find_linked(
    store: &dyn Store,
    tenant: &TenantId,
    collection: &'static mortise_store::Collection,
    instance: &InstanceId,
    external_ids: &[String],
) -> Result<Vec<Option<Document>>, StoreError> {
    let texts: Vec<String> = external_ids
        .iter()
        .map(|external_id| Link { instance: instance.clone(), external_id: external_id.clone() }.to_string())
        .collect();
    store.find_unique(tenant, collection, "links", &texts).await
}

impl Accounts {
    /// Adds an account that the same page creates.
    pub(crate) fn add(&mut self, external_id: &str, number: u64, name: &str) {
        self.by_external_id.insert(external_id.to_owned(), number);
        self.names.insert(number, name.to_owned());
    }

    /// Replaces what the references say by the numbers of the accounts, or tells which are unknown.
    pub(crate) fn resolve<R: Record>(&self, fields: &mut R::Fields) -> Vec<FieldError> {
        let mut problems = Vec::new();
        for (pointer, reference) in R::account_references(fields) {
            let number = match (reference.id, reference.integration_id.as_deref()) {
                (Some(number), _) => Some(number).filter(|number| self.names.contains_key(number)),
                (None, Some(external_id)) => self.by_external_id.get(external_id).copied(),
                (None, None) => continue,
            };
            if let Some(number) = number {
                *reference = Reference {
                    id: Some(number),
                    name: self.names.get(&number).cloned(),
                    integration_id: None,
                };
            } else {
                let said = match (reference.id, reference.integration_id.as_deref()) {
                    (Some(number), _) => format!("there is no account {number}"),
                    (None, external_id) => format!(
                        "no account is linked to `{}` through this instance yet",
                        external_id.unwrap_or_default()
                    ),
                };
                problems.push(FieldError::new(pointer, "unknown-reference", said));
            }
        }
        problems
    }
}
