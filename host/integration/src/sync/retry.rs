//! Failed items that are due: each is tried again by itself.

use std::mem;

use mortise_model::connector::PulledRecord;
use mortise_model::error::PluginError;
use mortise_model::instance::{Direction, SyncAction};
use mortise_model::item::FailedItem;
use mortise_model::log::LogLevel;
use mortise_runtime::CallError;
use mortise_store::Write;
use serde_json::Value;

use crate::sync::book::CommitError;
use crate::sync::items;
use crate::sync::landing::{Pulled, Unmapped};
use crate::sync::scope::{MOST_PLANS, Scope, add};
use crate::sync::send::{Candidate, Delivery, Sending};
use crate::sync::stop::Stop;

/// Items that are tried again in one batch.
const BATCH: u32 = 50;
/// Most batches of one action and run. What is left is due in the next.
const MOST_BATCHES: u32 = 100;
/// So many failures that may pass, one after the other, are no matter of single records.
const MOST_IN_A_ROW: u32 = 5;

/// A record to ask the plugin for.
pub(crate) struct Wanted {
    /// The far side's id.
    pub(crate) external_id: String,
    /// What tells the call from others of the run.
    pub(crate) part: String,
    /// What is kept of the record if it cannot be read.
    pub(crate) kept: Value,
}

/// What the plugin answered, record by record.
#[derive(Default)]
pub(crate) struct Fetched {
    /// The records, and those that could not be read.
    pub(crate) pulled: Pulled,
    /// What the plugin stored meanwhile.
    pub(crate) storage: Vec<Write>,
    /// Why no more are asked for.
    pub(crate) stop: Option<Stop>,
    in_a_row: u32,
}

impl Scope {
    /// Tries the items of an action that are due again.
    pub(crate) async fn retry_due(&self, action: SyncAction) -> Result<(), Stop> {
        // Items that fail again are due later than this, so each is tried once.
        let due_by = self.now();
        for _ in 0..MOST_BATCHES {
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
            let (store, tenant) = (self.store.as_ref(), self.tenant());
            let due = items::due(store, tenant, &self.instance.id, action, due_by, BATCH).await?;
            if due.is_empty() {
                return Ok(());
            }
            self.log().host(LogLevel::Info, format!("{}: {} failed items are due", action.key(), due.len()));
            match action.direction {
                Direction::Pull => self.pull_again(action, due).await?,
                Direction::Push => self.push_again(action, due).await?,
            }
        }
        Ok(())
    }

    async fn pull_again(&self, action: SyncAction, due: Vec<FailedItem>) -> Result<(), Stop> {
        let mut fetched = Fetched::default();
        for item in due {
            let Some(external_id) = item.external_id else {
                // It cannot be asked for: it goes back to the dead letters.
                let lost = Unmapped { external_id: None, error: item.error, data: item.data };
                fetched.pulled.failures.push(lost);
                continue;
            };
            let wanted = Wanted { external_id, part: item.subject, kept: item.data };
            self.fetch(action, wanted, &mut fetched).await;
            if fetched.stop.is_some() {
                break;
            }
        }
        self.land_again(action, &fetched.pulled, &fetched.storage).await?;
        fetched.stop.map_or(Ok(()), Err)
    }

    /// Asks the plugin for one record and adds what came of it.
    pub(crate) async fn fetch(&self, action: SyncAction, wanted: Wanted, fetched: &mut Fetched) {
        let Wanted { external_id, part, kept } = wanted;
        match self.connectors.pull_one(self.call(&part), action.entity, &external_id).await {
            Ok(returned) => {
                fetched.in_a_row = 0;
                fetched.storage = merged(mem::take(&mut fetched.storage), returned.storage);
                // What the far side does not have is removed here too.
                let record = returned.value.unwrap_or(PulledRecord { external_id, data: None });
                fetched.pulled.add(record);
            }
            Err(error) => match self.failure_of_one(error) {
                Ok(error) => {
                    fetched.in_a_row = if error.is_retryable() { fetched.in_a_row + 1 } else { 0 };
                    if fetched.in_a_row >= MOST_IN_A_ROW {
                        fetched.stop = Some(Stop::Later { after: None, error: error.clone() });
                    }
                    let failure = Unmapped { external_id: Some(external_id), error, data: kept };
                    fetched.pulled.failures.push(failure);
                }
                Err(stop) => fetched.stop = Some(stop),
            },
        }
    }

    /// What a failed call means for the one record it was about, or why it means more than that.
    fn failure_of_one(&self, error: CallError) -> Result<PluginError, Stop> {
        if let Some(stop) = self.stopped() {
            return Err(stop);
        }
        match error {
            CallError::Plugin(PluginError::Unauthorized { message }) => {
                Err(Stop::Unauthorized(PluginError::Unauthorized { message }))
            }
            CallError::Plugin(error) => Ok(error),
            // A record on which the plugin has a bug does not keep the others back.
            CallError::Trap { .. } | CallError::Limit { .. } => match Stop::of_call(error) {
                Stop::Failed(error) => Ok(error),
                stop => Err(stop),
            },
            error => Err(Stop::of_call(error)),
        }
    }

    async fn land_again(&self, action: SyncAction, pulled: &Pulled, storage: &[Write]) -> Result<(), Stop> {
        if pulled.records.is_empty() && pulled.failures.is_empty() {
            return Ok(());
        }
        let mut last = None;
        for _ in 0..MOST_PLANS {
            let landing = self.plan_landing(action, pulled).await?;
            let mut writes = landing.writes.clone();
            writes.extend_from_slice(storage);
            let counts = landing.counts;
            match self.commit(action, writes, move |report| report.counts = add(report.counts, counts)).await
            {
                Ok(_) => {
                    self.log_landing(&landing);
                    return self.items.add_failed(counts.failed);
                }
                Err(CommitError::Conflict(conflict)) => last = Some(conflict),
                Err(CommitError::Stop(stop)) => return Err(stop),
            }
        }
        Err(last.map_or(Stop::LeaseLost, |conflict| Self::too_many_conflicts(&conflict)))
    }

    async fn push_again(&self, action: SyncAction, due: Vec<FailedItem>) -> Result<(), Stop> {
        let records: Vec<u64> = due.iter().filter_map(|item| item.record).collect();
        let mut size = self.config.push_batch.max(1);
        let mut rest = records.as_slice();
        while let Some(batch) = rest.chunks(size).next() {
            let candidates = self.candidates(action, batch).await?;
            let present: Vec<u64> = candidates.iter().map(Candidate::number).collect();
            let gone = due
                .iter()
                .filter(|item| {
                    item.record.is_some_and(|record| batch.contains(&record) && !present.contains(&record))
                })
                .map(|item| item.subject.clone())
                .collect();
            self.resolve_gone(action, gone).await?;
            let delivery = match candidates.len() {
                0 => Delivery::Kept,
                _ => self.send(action, candidates, Sending::Again).await?,
            };
            match delivery {
                Delivery::Kept => rest = rest.get(batch.len()..).unwrap_or_default(),
                Delivery::Broken => size = (batch.len() / 2).max(1),
            }
        }
        Ok(())
    }

    /// There is nothing to send any more of a record that is gone.
    async fn resolve_gone(&self, action: SyncAction, subjects: Vec<String>) -> Result<(), Stop> {
        let known = items::known(self.store.as_ref(), self.tenant(), &subjects).await?;
        let mut writes = Vec::new();
        for (item, version) in known.into_iter().flatten() {
            let resolved = items::resolved(item, &self.run, self.now());
            writes.extend(resolved.map(|item| items::write(&item, Some(version))).transpose()?);
        }
        if writes.is_empty() {
            return Ok(());
        }
        match self.commit(action, writes, |_| ()).await {
            Ok(_) => Ok(()),
            Err(CommitError::Stop(stop)) => Err(stop),
            Err(CommitError::Conflict(conflict)) => Err(Self::too_many_conflicts(&conflict)),
        }
    }
}

/// The writes of several calls as one batch may have them: of the same document, the last.
fn merged(mut writes: Vec<Write>, later: Vec<Write>) -> Vec<Write> {
    let document = |write: &Write| match write {
        Write::Put { collection, id, .. } | Write::Delete { collection, id, .. } => {
            Some((collection.name, id.clone()))
        }
        _ => None,
    };
    for write in later {
        let written = document(&write);
        if written.is_some() {
            writes.retain(|before| document(before) != written);
        }
        writes.push(write);
    }
    writes
}
