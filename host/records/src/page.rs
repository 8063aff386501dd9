//! Taking a page of a connector's records: what is new, what changed, what is refused.

use std::collections::{BTreeMap, HashMap, HashSet};

use mortise_model::account::Account;
use mortise_model::clock::Timestamp;
use mortise_model::connector::PulledRecord;
use mortise_model::entity::EntityKind;
use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::invoice::Invoice;
use mortise_query::{Filter, PageRequest, Query, fold};
use mortise_store::{DocumentId, Entity, Expect, StoreError, Version, Write};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::records::not_unique;
use crate::references::{Accounts, Wanted, find_linked};
use crate::{Record, RecordError, Records};

/// Members that a connector may send back as it got them. The platform keeps its own.
const OWN_MEMBERS: [&str; 5] = ["id", "integrationId", "links", "createdAt", "updatedAt"];

/// What becomes of one record of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordOutcome {
    /// It is new.
    Created(u64),
    /// It changes.
    Updated(u64),
    /// It is as the platform has it, or stands again further down in the page.
    Unchanged,
    /// It is removed.
    Deleted(u64),
    /// It breaks rules.
    Refused(Vec<FieldError>),
}

/// What a page comes to.
#[derive(Debug)]
pub struct PagePlan {
    /// The writes, with preconditions. On a conflict, plan again.
    pub writes: Vec<Write>,
    /// One outcome per record, in the order of the page.
    pub outcomes: Vec<RecordOutcome>,
}

impl Records {
    /// Works out what a page of pulled records comes to. Writes nothing; the caller commits the plan.
    ///
    /// Members that a record does not have keep the platform's value. References by `integrationId` are looked up
    /// among the records linked through `instance`, those of the same page included.
    pub async fn plan_page(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        kind: EntityKind,
        page: &[PulledRecord],
    ) -> Result<PagePlan, RecordError> {
        let planner = Planner { records: self, tenant, instance, at: self.clock.now() };
        match kind {
            EntityKind::Account => planner.plan::<Account>(page).await,
            EntityKind::Invoice => planner.plan::<Invoice>(page).await,
        }
    }
}

struct Planner<'a> {
    records: &'a Records,
    tenant: &'a TenantId,
    instance: &'a InstanceId,
    at: Timestamp,
}

/// A record on its way through the plan.
enum Step<R: Record> {
    Settled(RecordOutcome),
    Create { fields: R::Fields },
    Update { current: R, version: Version, fields: R::Fields },
    Delete { current: R, version: Version },
}

impl Planner<'_> {
    async fn plan<R: Record>(&self, page: &[PulledRecord]) -> Result<PagePlan, RecordError> {
        let mut steps = self.read_page::<R>(page).await?;
        let numbers = self.number_new_records(&steps).await?;
        self.resolve_references(page, &mut steps, &numbers).await?;
        self.refuse_taken_codes(&mut steps).await?;
        self.refuse_needed_accounts(&mut steps).await?;
        refuse_orphans(&mut steps, &numbers);
        self.write_down(page, steps, &numbers)
    }

    async fn read_page<R: Record>(&self, page: &[PulledRecord]) -> Result<Vec<Step<R>>, RecordError> {
        let external_ids: Vec<String> = page.iter().map(|record| record.external_id.clone()).collect();
        let store = self.records.store.as_ref();
        let current = find_linked(store, self.tenant, R::COLLECTION, self.instance, &external_ids).await?;
        let last_places: HashMap<&str, usize> =
            page.iter().enumerate().map(|(place, record)| (record.external_id.as_str(), place)).collect();
        let mut steps = Vec::with_capacity(page.len());
        for (place, (record, document)) in page.iter().zip(current).enumerate() {
            if last_places.get(record.external_id.as_str()) != Some(&place) {
                steps.push(Step::Settled(RecordOutcome::Unchanged));
                continue;
            }
            let current = document
                .map(|document| Ok::<_, StoreError>((document.decode::<R>()?, document.version)))
                .transpose()?;
            steps.push(first_step(record.data.as_deref(), current));
        }
        Ok(steps)
    }

    /// The number of each record that is to be created, by its place in the page.
    async fn number_new_records<R: Record>(
        &self,
        steps: &[Step<R>],
    ) -> Result<BTreeMap<usize, u64>, RecordError> {
        let places: Vec<usize> = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| matches!(step, Step::Create { .. }))
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Ok(BTreeMap::new());
        }
        let first =
            self.records.store.reserve_numbers(self.tenant, R::KIND.name(), places.len() as u64).await?;
        Ok(places.into_iter().zip(first..).collect())
    }

    async fn resolve_references<R: Record>(
        &self,
        page: &[PulledRecord],
        steps: &mut [Step<R>],
        numbers: &BTreeMap<usize, u64>,
    ) -> Result<(), RecordError> {
        let mut wanted = Wanted::default();
        for step in steps.iter_mut() {
            if let Step::Create { fields } | Step::Update { fields, .. } = step {
                wanted.note::<R>(fields);
            }
        }
        let mut accounts: Accounts =
            wanted.find(self.records.store.as_ref(), self.tenant, Some(self.instance)).await?;
        if R::KIND == EntityKind::Account {
            for (place, (record, step)) in page.iter().zip(steps.iter()).enumerate() {
                let (number, fields) = match step {
                    Step::Create { fields } => (numbers.get(&place).copied(), fields),
                    Step::Update { current, fields, .. } => (Some(current.number()), fields),
                    Step::Settled(_) | Step::Delete { .. } => continue,
                };
                if let Some(number) = number {
                    accounts.add(&record.external_id, number, R::name(fields).unwrap_or_default());
                }
            }
        }
        for step in steps {
            let (Step::Create { fields } | Step::Update { fields, .. }) = step else { continue };
            let mut problems = R::problems(fields);
            problems.extend(accounts.resolve::<R>(fields));
            if !problems.is_empty() {
                *step = Step::Settled(RecordOutcome::Refused(problems));
            } else if let Step::Update { current, fields, .. } = step
                && current.fields() == fields
            {
                *step = Step::Settled(RecordOutcome::Unchanged);
            }
        }
        Ok(())
    }

    async fn refuse_taken_codes<R: Record>(&self, steps: &mut [Step<R>]) -> Result<(), RecordError> {
        let mut places = Vec::new();
        let mut codes = Vec::new();
        for (place, step) in steps.iter().enumerate() {
            let (fields, current) = match step {
                Step::Create { fields } => (fields, None),
                Step::Update { current, fields, .. } => (fields, Some(current)),
                Step::Settled(_) | Step::Delete { .. } => continue,
            };
            let code = R::code(fields);
            if let Some(code) = code
                && current.and_then(|current| R::code(current.fields())) != Some(code)
            {
                places.push(place);
                codes.push(code.to_owned());
            }
        }
        let store = &self.records.store;
        let holders = store.find_unique(self.tenant, R::COLLECTION, "code", &codes).await?;
        let mut taken = HashSet::new();
        for ((place, code), holder) in places.into_iter().zip(codes).zip(holders) {
            let Some(step) = steps.get_mut(place) else { continue };
            let own = match step {
                Step::Update { current, .. } => Some(DocumentId::Number(current.number())),
                _ => None,
            };
            if let Some(holder) = holder.filter(|holder| own.as_ref() != Some(&holder.id)) {
                *step = Step::Settled(RecordOutcome::Refused(vec![not_unique(R::KIND, &holder.id)]));
            } else if !taken.insert(fold(&code)) {
                let message = format!("another record of the same page has the code `{code}`");
                let problem = FieldError::new("/code", "not-unique", message);
                *step = Step::Settled(RecordOutcome::Refused(vec![problem]));
            }
        }
        Ok(())
    }

    /// An account that has invoices stays.
    async fn refuse_needed_accounts<R: Record>(&self, steps: &mut [Step<R>]) -> Result<(), RecordError> {
        if R::KIND != EntityKind::Account {
            return Ok(());
        }
        for step in steps {
            let Step::Delete { current, .. } = step else { continue };
            let query = Query {
                filter: Some(Filter::eq("account/id", current.number())),
                page: PageRequest::first(1),
                ..Query::default()
            };
            let found = self.records.store.query(self.tenant, Invoice::COLLECTION, &query).await?;
            if let Some(invoice) = found.documents.first() {
                let message = format!("the account is not removed: invoice {} refers to it", invoice.id);
                let problem = FieldError::new("", "in-use", message);
                *step = Step::Settled(RecordOutcome::Refused(vec![problem]));
            }
        }
        Ok(())
    }

    fn write_down<R: Record>(
        &self,
        page: &[PulledRecord],
        steps: Vec<Step<R>>,
        numbers: &BTreeMap<usize, u64>,
    ) -> Result<PagePlan, RecordError> {
        let mut plan = PagePlan { writes: Vec::new(), outcomes: Vec::with_capacity(page.len()) };
        for (place, (step, pulled)) in steps.into_iter().zip(page).enumerate() {
            let outcome = match step {
                Step::Settled(outcome) => outcome,
                Step::Create { fields } => {
                    let number = numbers.get(&place).copied().unwrap_or_default();
                    let record =
                        R::new(number, fields, self.at).with_link(self.instance, &pulled.external_id);
                    plan.writes.push(put(&record, Expect::Absent)?);
                    RecordOutcome::Created(number)
                }
                Step::Update { current, version, fields } => {
                    let record = current.with_fields(fields, self.at);
                    plan.writes.push(put(&record, Expect::At(version))?);
                    RecordOutcome::Updated(record.number())
                }
                Step::Delete { current, version } => {
                    let number = current.number();
                    plan.writes.push(Write::Delete {
                        collection: R::COLLECTION,
                        id: number.into(),
                        expect: Expect::At(version),
                    });
                    RecordOutcome::Deleted(number)
                }
            };
            plan.outcomes.push(outcome);
        }
        Ok(plan)
    }
}

/// Refuses records that refer to an account that the same page was to create, and does not.
fn refuse_orphans<R: Record>(steps: &mut [Step<R>], numbers: &BTreeMap<usize, u64>) {
    if R::KIND != EntityKind::Account {
        return;
    }
    let mut missing: HashSet<u64> = HashSet::new();
    loop {
        let n_missing = missing.len();
        missing.extend(numbers.iter().filter_map(|(place, number)| {
            matches!(steps.get(*place), Some(Step::Settled(_))).then_some(*number)
        }));
        if missing.len() == n_missing {
            return;
        }
        for step in steps.iter_mut() {
            let (Step::Create { fields } | Step::Update { fields, .. }) = step else { continue };
            let problems: Vec<FieldError> = R::account_references(fields)
                .into_iter()
                .filter(|(_, reference)| reference.id.is_some_and(|number| missing.contains(&number)))
                .map(|(pointer, _)| {
                    let message =
                        "the account that it refers to was refused: see that record of the same page";
                    FieldError::new(pointer, "unknown-reference", message)
                })
                .collect();
            if !problems.is_empty() {
                *step = Step::Settled(RecordOutcome::Refused(problems));
            }
        }
    }
}

fn first_step<R: Record>(data: Option<&str>, current: Option<(R, Version)>) -> Step<R> {
    let Some(data) = data else {
        return match current {
            Some((current, version)) => Step::Delete { current, version },
            None => Step::Settled(RecordOutcome::Unchanged),
        };
    };
    match (parse_fields::<R>(data, current.as_ref().map(|(record, _)| record)), current) {
        (Err(problem), _) => Step::Settled(RecordOutcome::Refused(vec![problem])),
        (Ok(fields), Some((current, version))) => Step::Update { current, version, fields },
        (Ok(fields), None) => Step::Create { fields },
    }
}

/// Reads the fields of a pulled record over those that the platform has.
fn parse_fields<R: Record>(data: &str, current: Option<&R>) -> Result<R::Fields, FieldError> {
    let malformed = |error: serde_json::Error| {
        FieldError::new("", "malformed", format!("the record is not a valid {}: {error}", R::KIND))
    };
    // What most new records are: nothing to merge, nothing to leave out. Whatever is not so simple is read again. An
    // array could be read as fields in their order, and is no record.
    if current.is_none()
        && data.trim_start().starts_with('{')
        && let Ok(fields) = serde_json::from_str(data)
    {
        return Ok(fields);
    }
    let pulled: Map<String, Value> = serde_json::from_str(data).map_err(malformed)?;
    let mut members = match current.map(|current| serde_json::to_value(current.fields())) {
        Some(Ok(Value::Object(members))) => members,
        Some(Err(error)) => return Err(malformed(error)),
        _ => Map::new(),
    };
    for (name, value) in pulled {
        if value.is_null() {
            members.remove(&name);
        } else if !OWN_MEMBERS.contains(&name.as_str()) {
            members.insert(name, value);
        }
    }
    R::Fields::deserialize(Value::Object(members)).map_err(malformed)
}

/// The write of a record.
pub(crate) fn put<R: Record>(record: &R, expect: Expect) -> Result<Write, StoreError> {
    let id = record.document_id();
    let body = serde_json::to_string(record)
        .map_err(|error| StoreError::Corrupt(format!("{} {id} does not serialise: {error}", R::KIND)))?;
    Ok(Write::Put { collection: R::COLLECTION, id, expect, body })
}
