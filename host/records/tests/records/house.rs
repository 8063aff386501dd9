//! A store with records, and short ways to pull pages into it.

use std::sync::Arc;
use std::time::Duration;

use mortise_model::account::{Account, AccountFields};
use mortise_model::clock::{Clock as _, ManualClock};
use mortise_model::connector::PulledRecord;
use mortise_model::entity::{EntityKind, Reference};
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::invoice::InvoiceFields;
use mortise_records::{RecordError, RecordOutcome, Records};
use mortise_store::{Batch, Document, Entity as _, Origin, SledOptions, SledStore, Store};
use serde_json::Value;

pub(crate) struct House {
    pub(crate) records: Records,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) instance: InstanceId,
    _directory: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SledOptions { cache_bytes: 16 * 1024 * 1024, ..SledOptions::default() };
        let store: Arc<dyn Store> = Arc::new(SledStore::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap()));
        Self {
            records: Records::new(Arc::clone(&store), clock.clone()),
            store,
            clock,
            tenant: "acme".parse().unwrap(),
            instance: InstanceId::new(),
            _directory: directory,
        }
    }

    pub(crate) async fn create(&self, fields: AccountFields) -> Account {
        self.records.create::<Account>(&self.tenant, fields, Origin::Api, vec![]).await.unwrap().0
    }

    pub(crate) async fn account(&self, id: u64) -> Account {
        self.records.read::<Account>(&self.tenant, id).await.unwrap().0
    }

    pub(crate) async fn document(&self, id: u64) -> Document {
        self.store.get(&self.tenant, Account::COLLECTION, &id.into()).await.unwrap().unwrap()
    }

    pub(crate) async fn commit(&self, writes: Vec<mortise_store::Write>) {
        let origin = Origin::Instance(self.instance.clone());
        let batch = Batch { writes, ..Batch::new(self.tenant.clone(), origin, self.clock.now()) };
        self.store.commit(batch).await.unwrap();
    }

    /// Pulls a page of `(external id, record)`: plans it and commits the plan. A second passes.
    pub(crate) async fn pull(&self, kind: EntityKind, page: &[(&str, Value)]) -> Vec<RecordOutcome> {
        self.clock.advance(Duration::from_secs(1));
        let page: Vec<PulledRecord> = page
            .iter()
            .map(|(external_id, data)| PulledRecord {
                external_id: (*external_id).to_owned(),
                data: (!data.is_null()).then(|| data.to_string()),
            })
            .collect();
        let plan = self.records.plan_page(&self.tenant, &self.instance, kind, &page).await.unwrap();
        assert_eq!(plan.outcomes.len(), page.len());
        self.commit(plan.writes).await;
        plan.outcomes
    }

    pub(crate) async fn pull_accounts(&self, page: &[(&str, Value)]) -> Vec<RecordOutcome> {
        self.pull(EntityKind::Account, page).await
    }
}

pub(crate) fn named(name: &str) -> AccountFields {
    AccountFields { name: name.to_owned(), ..AccountFields::default() }
}

pub(crate) fn coded(name: &str, code: &str) -> AccountFields {
    AccountFields { code: Some(code.to_owned()), ..named(name) }
}

pub(crate) fn to(id: u64) -> Reference {
    Reference { id: Some(id), ..Reference::default() }
}

pub(crate) fn invoice_of(account: u64) -> InvoiceFields {
    InvoiceFields {
        account: to(account),
        invoice_date: "2026-03-01".parse().ok(),
        currency: "EUR".parse().ok(),
        ..InvoiceFields::default()
    }
}

/// Where and why, of each problem.
pub(crate) fn told(problems: &[FieldError]) -> Vec<(&str, &str)> {
    problems.iter().map(|problem| (problem.pointer.as_str(), problem.code.as_str())).collect()
}

#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(answer: Result<T, RecordError>, expected: &[(&str, &str)]) {
    match answer {
        Err(RecordError::Refused(problems)) => assert_eq!(told(&problems), expected),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_outcome_refused(outcome: &RecordOutcome, expected: &[(&str, &str)]) {
    match outcome {
        RecordOutcome::Refused(problems) => assert_eq!(told(problems), expected),
        other => panic!("{other:?}"),
    }
}
