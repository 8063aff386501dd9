//! Taking in what was pulled: the writes of one batch, failed items included.

use std::collections::BTreeMap;

use mortise_model::connector::{MAX_EXTERNAL_ID, PulledRecord, Receipt, RecordFailure, Refusal};
use mortise_model::error::{FieldError, PluginError};
use mortise_model::instance::SyncAction;
use mortise_model::item::{FailedItem, ItemState};
use mortise_model::log::LogLevel;
use mortise_model::run::Counts;
use mortise_records::RecordOutcome;
use mortise_store::Write;
use serde_json::Value;

use crate::sync::items::{self, Failure, Treatment};
use crate::sync::scope::{Scope, key_of};
use crate::sync::stop::Stop;

/// Longest record, in bytes of JSON text: together with what the platform has of it, it fits a document.
const MOST_RECORD: usize = 512 * 1024;

/// What a connector handed over.
#[derive(Debug, Default)]
pub(crate) struct Pulled {
    /// The records.
    pub(crate) records: Vec<PulledRecord>,
    /// Those that could not be mapped or fetched.
    pub(crate) failures: Vec<Unmapped>,
}

/// A record that could not be mapped or fetched.
#[derive(Debug, Clone)]
pub(crate) struct Unmapped {
    /// The far side's id, where it is known.
    pub(crate) external_id: Option<String>,
    /// Why.
    pub(crate) error: PluginError,
    /// What is kept of it.
    pub(crate) data: Value,
}

/// What it comes to.
#[derive(Debug)]
pub(crate) struct Landing {
    /// The writes, with preconditions. On a conflict, plan again.
    pub(crate) writes: Vec<Write>,
    /// What the plugin is told.
    pub(crate) receipt: Receipt,
    /// What is counted, pages apart.
    pub(crate) counts: Counts,
    /// What the log is told.
    notes: Vec<String>,
}

impl Pulled {
    /// The content of a page. Records that are too long to be kept count as failures.
    pub(crate) fn of_page(records: Vec<PulledRecord>, failures: Vec<RecordFailure>) -> Self {
        let mut pulled = Self::default();
        for record in records {
            pulled.add(record);
        }
        pulled.failures.extend(failures.into_iter().map(|failure| Unmapped {
            external_id: failure.external_id,
            error: failure.error,
            data: items::kept_data(failure.data.as_deref()),
        }));
        pulled
    }

    /// Adds a record.
    pub(crate) fn add(&mut self, record: PulledRecord) {
        match record.data.as_ref().map(String::len) {
            Some(found) if found > MOST_RECORD => {
                let message = format!("a record has at most {MOST_RECORD} bytes, this one has {found}");
                self.failures.push(Unmapped {
                    error: PluginError::Rejected { errors: vec![FieldError::new("", "too-long", message)] },
                    data: items::kept_data(record.data.as_deref()),
                    external_id: Some(record.external_id),
                });
            }
            _ => self.records.push(record),
        }
    }
}

/// What became of one record.
enum Fate {
    Arrived,
    Failed { external_id: Option<String>, error: PluginError, data: Value, treatment: Treatment },
}

impl Scope {
    /// Works out what pulled records come to. Writes nothing.
    pub(crate) async fn plan_landing(&self, action: SyncAction, pulled: &Pulled) -> Result<Landing, Stop> {
        let plan =
            self.records.plan_page(self.tenant(), &self.instance.id, action.entity, &pulled.records).await?;
        let mut landing = Landing {
            writes: plan.writes,
            receipt: Receipt::default(),
            counts: Counts::default(),
            notes: Vec::new(),
        };
        landing.counts.records = count(pulled.records.len().saturating_add(pulled.failures.len()));
        let mut fates = BTreeMap::new();
        for (record, outcome) in pulled.records.iter().zip(plan.outcomes) {
            if let RecordOutcome::Deleted(number) = outcome {
                landing.writes.extend(self.keep_gone(action.entity, number).await?);
            }
            let fate = landing.note_outcome(record, outcome);
            fates.insert(FailedItem::pulled(&self.instance.id, action, &record.external_id), fate);
        }
        for failure in &pulled.failures {
            let (subject, fate) = self.fate_of(action, failure);
            fates.insert(subject, fate);
        }
        self.keep_items(action, &mut landing, fates).await?;
        Ok(landing)
    }

    /// A record that the far side gave no id for cannot be asked for again: it is a dead letter at once.
    fn fate_of(&self, action: SyncAction, failure: &Unmapped) -> (String, Fate) {
        let usable = failure.external_id.clone().filter(|id| (1..=MAX_EXTERNAL_ID).contains(&id.len()));
        let (name, treatment) = match &usable {
            Some(external_id) => (external_id.clone(), Treatment::Retry),
            None => (format!("?{}", key_of(&[&failure.data.to_string()])), Treatment::DeadLetter),
        };
        let fate = Fate::Failed {
            external_id: usable,
            error: failure.error.clone(),
            data: failure.data.clone(),
            treatment,
        };
        (FailedItem::pulled(&self.instance.id, action, &name), fate)
    }

    async fn keep_items(
        &self,
        action: SyncAction,
        landing: &mut Landing,
        fates: BTreeMap<String, Fate>,
    ) -> Result<(), Stop> {
        let all = self.items.may_be_open();
        let fates: Vec<(String, Fate)> =
            fates.into_iter().filter(|(_, fate)| all || matches!(fate, Fate::Failed { .. })).collect();
        let subjects: Vec<String> = fates.iter().map(|(subject, _)| subject.clone()).collect();
        let known = items::known(self.store.as_ref(), self.tenant(), &subjects).await?;
        let now = self.now();
        for ((subject, fate), known) in fates.into_iter().zip(known) {
            let (before, version) = known.unzip();
            let item = match fate {
                Fate::Arrived => before.and_then(|before| items::resolved(before, &self.run, now)),
                Fate::Failed { external_id, error, data, treatment } => {
                    let failure = Failure {
                        action,
                        subject,
                        record: before.as_ref().and_then(|before| before.record),
                        external_id,
                        error: self.log().masks().apply_to_error(error),
                        data,
                        idempotency_key: None,
                        treatment,
                    };
                    let item =
                        failure.item(before, &self.instance.id, &self.run, now, &self.config.item_backoff);
                    landing.note_failure(&item);
                    Some(item)
                }
            };
            landing.writes.extend(item.map(|item| items::write(&item, version)).transpose()?);
        }
        Ok(())
    }

    /// Tells the log what was kept.
    pub(crate) fn log_landing(&self, landing: &Landing) {
        for note in &landing.notes {
            self.log().host(LogLevel::Warn, note.as_str());
        }
    }
}

impl Landing {
    fn note_outcome(&mut self, record: &PulledRecord, outcome: RecordOutcome) -> Fate {
        let (counts, receipt) = (&mut self.counts, &mut self.receipt);
        match outcome {
            RecordOutcome::Created(_) => {
                counts.created += 1;
                receipt.created += 1;
            }
            RecordOutcome::Updated(_) => {
                counts.updated += 1;
                receipt.updated += 1;
            }
            RecordOutcome::Unchanged => {
                counts.unchanged += 1;
                receipt.unchanged += 1;
            }
            RecordOutcome::Deleted(_) => {
                counts.deleted += 1;
                receipt.deleted += 1;
            }
            RecordOutcome::Refused(errors) => {
                receipt
                    .refused
                    .push(Refusal { external_id: record.external_id.clone(), errors: errors.clone() });
                return Fate::Failed {
                    external_id: Some(record.external_id.clone()),
                    error: PluginError::Rejected { errors },
                    data: items::kept_data(record.data.as_deref()),
                    treatment: Treatment::Retry,
                };
            }
        }
        Fate::Arrived
    }

    fn note_failure(&mut self, item: &FailedItem) {
        if item.state == ItemState::Discarded {
            self.counts.skipped += 1;
            return;
        }
        self.counts.failed += 1;
        let what = item.external_id.as_deref().unwrap_or("a record without an id");
        let then = match &item.state {
            ItemState::Retrying { next_at } => format!("it is tried again at {next_at}"),
            _ => "it is a dead letter".to_owned(),
        };
        let attempt = item.attempts;
        self.notes.push(format!("{what} was not taken ({}); after attempt {attempt} {then}", item.error));
    }
}

/// A number of things as the counts have it.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
