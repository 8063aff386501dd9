//! Sending records and keeping what became of each.

use std::collections::HashMap;

use mortise_model::connector::{MAX_EXTERNAL_ID, Operation, Outcome, PushItem, PushResult};
use mortise_model::entity::Link;
use mortise_model::error::PluginError;
use mortise_model::instance::SyncAction;
use mortise_model::item::{FailedItem, ItemState, ItemStatus};
use mortise_model::log::LogLevel;
use mortise_model::run::Counts;
use mortise_records::Rendered;
use mortise_runtime::{CallError, Limit, Returned};
use mortise_store::{DocumentId, Write, collections};
use serde_json::Value;

use crate::sync::book::CommitError;
use crate::sync::gone::{Gone, collection_of};
use crate::sync::items::{self, Failure, Treatment};
use crate::sync::landing::count;
use crate::sync::progress::FeedPlace;
use crate::sync::push::Feed;
use crate::sync::scope::{MOST_PLANS, Scope, add, key_of};
use crate::sync::sink::{forgotten, is_in};
use crate::sync::stop::Stop;

/// A record that is to be sent.
pub(crate) struct Candidate {
    operation: Operation,
    rendered: Rendered,
    key: String,
    before: Option<FailedItem>,
}

/// Why records are sent.
pub(crate) enum Sending<'a> {
    /// They changed. When what became of them is kept, the place in the feed moves with it.
    Feed {
        /// The state of the action.
        feed: &'a mut Feed,
        /// The place behind the records.
        done: FeedPlace,
        /// How often sending them was begun, this time included.
        attempts: u32,
    },
    /// They failed before and are due.
    Again,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// What became of each record is kept.
    Kept,
    /// A bug of the plugin ended the call, perhaps over one record: send fewer at a time, to find it.
    Broken,
}

/// What became of one record, with everything that is kept of it.
struct Sent<'a> {
    candidate: &'a Candidate,
    outcome: Outcome,
}

impl Scope {
    /// Reads records as they are now. Those that are gone are left out, unless the far side still holds them.
    pub(crate) async fn candidates(
        &self,
        action: SyncAction,
        records: &[u64],
    ) -> Result<Vec<Candidate>, Stop> {
        let (store, instance) = (self.store.as_ref(), &self.instance.id);
        let subjects: Vec<String> =
            records.iter().map(|record| FailedItem::pushed(instance, action, *record)).collect();
        let known = if self.items.may_be_open() {
            items::known(store, self.tenant(), &subjects).await?
        } else {
            vec![None; records.len()]
        };
        let mut candidates = Vec::with_capacity(records.len());
        for (record, known) in records.iter().zip(known) {
            let id = DocumentId::Number(*record);
            let document = store.get(self.tenant(), collection_of(action.entity), &id).await?;
            let (rendered, state) = match &document {
                Some(document) => {
                    let rendered =
                        self.records.for_connector(self.tenant(), instance, action.entity, document);
                    (rendered.await?, document.version.to_string())
                }
                None => match Gone::load(store, self.tenant(), instance, action, *record).await? {
                    Some(rendered) => (rendered, "gone".to_owned()),
                    None => continue,
                },
            };
            let operation = match (&document, &rendered.external_id) {
                (None, _) => Operation::Delete,
                (Some(_), Some(_)) => Operation::Update,
                (Some(_), None) => Operation::Create,
            };
            let key = key_of(&[
                self.tenant().as_str(),
                instance.as_str(),
                &action.key(),
                &record.to_string(),
                &state,
            ]);
            candidates.push(Candidate { operation, rendered, key, before: known.map(|(item, _)| item) });
        }
        Ok(candidates)
    }

    /// Sends records in one call and keeps what became of each in one batch.
    pub(crate) async fn send(
        &self,
        action: SyncAction,
        candidates: Vec<Candidate>,
        mut sending: Sending<'_>,
    ) -> Result<Delivery, Stop> {
        let sent_before = match &sending {
            Sending::Feed { attempts, .. } => *attempts,
            Sending::Again => 2,
        };
        let items: Vec<PushItem> = candidates.iter().map(|candidate| candidate.item(sent_before)).collect();
        let part = key_of(&items.iter().map(|item| item.idempotency_key.as_str()).collect::<Vec<_>>());
        let returned = match self.connectors.push(self.call(&part), action.entity, items).await {
            Ok(returned) => returned,
            Err(error) => match self.broken_by_one(error)? {
                error if candidates.len() == 1 => {
                    self.items.add_broken(&error)?;
                    let outcome = Outcome::Failed(error);
                    let value = candidates
                        .iter()
                        .map(|candidate| PushResult { id: candidate.rendered.id, outcome: outcome.clone() })
                        .collect();
                    Returned { value, storage: Vec::new() }
                }
                _ => return Ok(Delivery::Broken),
            },
        };
        let results = in_order(&candidates, returned.value)?;
        let mut sent: Vec<Sent<'_>> =
            candidates.iter().zip(results).map(|(candidate, outcome)| Sent { candidate, outcome }).collect();
        self.refuse_foreign_ids(action, &mut sent).await?;
        self.keep_outcomes(action, &sent, &returned.storage, &mut sending).await?;
        let unauthorized = sent.into_iter().find_map(|sent| match sent.outcome {
            Outcome::Failed(error @ PluginError::Unauthorized { .. }) => Some(error),
            _ => None,
        });
        unauthorized.map_or(Ok(Delivery::Kept), |error| Err(Stop::Unauthorized(error)))
    }

    /// The error of a call that one record alone may have caused. Others are about the call as a whole.
    fn broken_by_one(&self, error: CallError) -> Result<PluginError, Stop> {
        let of_one = match &error {
            CallError::Trap { .. } => true,
            CallError::Limit { limit } => !matches!(limit, Limit::Wall(_)),
            _ => false,
        };
        match self.stop_of(error) {
            Stop::Failed(error) if of_one => Ok(error),
            stop => Err(stop),
        }
    }

    /// An id that another record is linked to already cannot be this record's.
    async fn refuse_foreign_ids(&self, action: SyncAction, sent: &mut [Sent<'_>]) -> Result<(), Stop> {
        let texts: Vec<String> = sent
            .iter()
            .map(|sent| sent.new_link().map_or_else(String::new, |external_id| self.link_text(external_id)))
            .collect();
        let collection = collection_of(action.entity);
        let wanted: Vec<String> = texts.iter().filter(|text| !text.is_empty()).cloned().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let holders = self.store.find_unique(self.tenant(), collection, "links", &wanted).await?;
        let mut taken: HashMap<String, DocumentId> = wanted
            .into_iter()
            .zip(holders)
            .filter_map(|(text, holder)| holder.map(|holder| (text, holder.id)))
            .collect();
        for (sent, text) in sent.iter_mut().zip(texts).filter(|(_, text)| !text.is_empty()) {
            let own = DocumentId::Number(sent.candidate.rendered.id);
            let holder = taken.entry(text).or_insert_with(|| own.clone());
            if *holder != own {
                let message = format!(
                    "the far side says that {} {own} is its record `{}`, to which {} {holder} is linked already",
                    action.entity,
                    sent.new_link().unwrap_or_default(),
                    action.entity,
                );
                sent.outcome = Outcome::Failed(PluginError::failed("already-linked", message));
            }
        }
        Ok(())
    }

    fn link_text(&self, external_id: &str) -> String {
        Link { instance: self.instance.id.clone(), external_id: external_id.to_owned() }.to_string()
    }

    async fn keep_outcomes(
        &self,
        action: SyncAction,
        sent: &[Sent<'_>],
        storage: &[Write],
        sending: &mut Sending<'_>,
    ) -> Result<(), Stop> {
        let mut last = None;
        for _ in 0..MOST_PLANS {
            let mut kept = self.plan_outcomes(action, sent).await?;
            kept.writes.extend_from_slice(storage);
            let mut moved = None;
            if let Sending::Feed { feed, done, .. } = sending {
                let (state, write) = feed.moved(*done, self)?;
                kept.writes.push(write);
                moved = Some(state);
            }
            let counts = kept.counts;
            let update = move |report: &mut mortise_model::run::ActionReport| {
                report.counts = add(report.counts, counts);
            };
            match self.commit(action, kept.writes, update).await {
                Ok(version) => {
                    if let (Sending::Feed { feed, .. }, Some(state)) = (sending, moved) {
                        **feed = Feed { state, version: Some(version) };
                    }
                    for (level, note) in kept.notes {
                        self.log().host(level, note);
                    }
                    return self.items.add_failed(counts.failed);
                }
                Err(CommitError::Conflict(conflict)) if is_in(&conflict, &collections::SYNC_STATES) => {
                    return Err(forgotten());
                }
                Err(CommitError::Conflict(conflict)) => last = Some(conflict),
                Err(CommitError::Stop(stop)) => return Err(stop),
            }
        }
        Err(last.map_or_else(forgotten, |conflict| Self::too_many_conflicts(&conflict)))
    }

    async fn plan_outcomes(&self, action: SyncAction, sent: &[Sent<'_>]) -> Result<Kept, Stop> {
        let mut kept = Kept { writes: Vec::new(), counts: Counts::default(), notes: Vec::new() };
        kept.counts.pages = 1;
        kept.counts.records = count(sent.len());
        let subjects: Vec<String> = sent
            .iter()
            .map(|sent| FailedItem::pushed(&self.instance.id, action, sent.candidate.rendered.id))
            .collect();
        let known = items::known(self.store.as_ref(), self.tenant(), &subjects).await?;
        for ((sent, subject), known) in sent.iter().zip(subjects).zip(known) {
            let (before, version) = known.unzip();
            kept.note(action, sent);
            if sent.candidate.operation == Operation::Delete && !matches!(sent.outcome, Outcome::Failed(_)) {
                kept.writes.push(Gone::forget(&self.instance.id, action, sent.candidate.rendered.id));
            }
            let item = match &sent.outcome {
                Outcome::Stored { external_id, .. } => {
                    if sent.new_link().is_some() {
                        kept.writes.extend(self.link(action, sent, external_id).await?);
                    }
                    before.and_then(|before| items::resolved(before, &self.run, self.now()))
                }
                Outcome::Skipped(_) => {
                    before.and_then(|before| items::resolved(before, &self.run, self.now()))
                }
                Outcome::Failed(error) => {
                    let item = self.failed_item(action, sent, subject, error, before);
                    kept.note_failure(action, &item);
                    Some(item)
                }
            };
            kept.writes.extend(item.map(|item| items::write(&item, version)).transpose()?);
        }
        Ok(kept)
    }

    /// The record may have changed since it was sent: the link goes onto what it is now. None when it is gone.
    async fn link(
        &self,
        action: SyncAction,
        sent: &Sent<'_>,
        external_id: &str,
    ) -> Result<Option<Write>, Stop> {
        let id = DocumentId::Number(sent.candidate.rendered.id);
        let document = self.store.get(self.tenant(), collection_of(action.entity), &id).await?;
        let link = |document| self.records.link(action.entity, &document, &self.instance.id, external_id);
        Ok(document.map(link).transpose()?)
    }

    fn failed_item(
        &self,
        action: SyncAction,
        sent: &Sent<'_>,
        subject: String,
        error: &PluginError,
        before: Option<FailedItem>,
    ) -> FailedItem {
        let Candidate { rendered, key, .. } = sent.candidate;
        let failure = Failure {
            action,
            subject,
            record: Some(rendered.id),
            external_id: rendered.external_id.clone(),
            treatment: Treatment::of_push(error),
            error: self.log().masks().apply_to_error(error.clone()),
            data: items::kept_data(Some(&Value::Object(rendered.data.clone()).to_string())),
            idempotency_key: Some(key.clone()),
        };
        failure.item(before, &self.instance.id, &self.run, self.now(), &self.config.item_backoff)
    }
}

impl Candidate {
    /// The platform's number of the record.
    pub(crate) fn number(&self) -> u64 {
        self.rendered.id
    }

    /// An earlier attempt at the record may have arrived, whatever its state was then.
    fn item(&self, attempts: u32) -> PushItem {
        let failed_before = match &self.before {
            Some(before) if before.state.status() != ItemStatus::Resolved => {
                before.attempts.saturating_add(1).max(2)
            }
            _ => 1,
        };
        PushItem {
            idempotency_key: self.key.clone(),
            attempt: attempts.max(failed_before),
            operation: self.operation,
            id: self.rendered.id,
            external_id: self.rendered.external_id.clone(),
            data: Value::Object(self.rendered.data.clone()).to_string(),
        }
    }
}

impl Sent<'_> {
    /// The far side's id, where it is new to the platform.
    fn new_link(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Stored { external_id, .. }
                if self.candidate.operation != Operation::Delete
                    && self.candidate.rendered.external_id.as_ref() != Some(external_id) =>
            {
                Some(external_id)
            }
            _ => None,
        }
    }
}

/// What a batch of outcomes comes to.
struct Kept {
    writes: Vec<Write>,
    counts: Counts,
    notes: Vec<(LogLevel, String)>,
}

impl Kept {
    fn note(&mut self, action: SyncAction, sent: &Sent<'_>) {
        let what = format!("{} {}", action.entity, sent.candidate.rendered.id);
        match (&sent.outcome, sent.candidate.operation) {
            (Outcome::Stored { external_id, note }, operation) => {
                match operation {
                    Operation::Create => self.counts.created += 1,
                    Operation::Update => self.counts.updated += 1,
                    Operation::Delete => self.counts.deleted += 1,
                }
                if !note.is_empty() {
                    self.notes.push((LogLevel::Info, format!("{what} is {external_id}: {note}")));
                }
            }
            (Outcome::Skipped(why), _) => {
                self.counts.skipped += 1;
                self.notes.push((LogLevel::Info, format!("{what} was left out: {why}")));
            }
            (Outcome::Failed(_), _) => {}
        }
    }

    fn note_failure(&mut self, action: SyncAction, item: &FailedItem) {
        self.counts.failed += 1;
        let number = item.record.unwrap_or_default();
        let then = match &item.state {
            ItemState::Retrying { next_at } => format!("it is tried again at {next_at}"),
            _ => "it is a dead letter".to_owned(),
        };
        let (entity, error, attempts) = (action.entity, &item.error, item.attempts);
        let note = format!("{entity} {number} was not taken ({error}); after attempt {attempts} {then}");
        self.notes.push((LogLevel::Warn, note));
    }
}

/// The outcomes in the order of what was sent.
fn in_order(candidates: &[Candidate], results: Vec<PushResult>) -> Result<Vec<Outcome>, Stop> {
    let wrong = || {
        Stop::failed(
            "incomplete-push",
            "the plugin did not answer for each record that it was to push, once each",
        )
    };
    if results.len() != candidates.len() {
        return Err(wrong());
    }
    let mut by_id: HashMap<u64, Outcome> =
        results.into_iter().map(|result| (result.id, result.outcome)).collect();
    candidates
        .iter()
        .map(|candidate| by_id.remove(&candidate.rendered.id).map(with_usable_id).ok_or_else(wrong))
        .collect()
}

fn with_usable_id(outcome: Outcome) -> Outcome {
    match &outcome {
        Outcome::Stored { external_id, .. } if !(1..=MAX_EXTERNAL_ID).contains(&external_id.len()) => {
            let message = format!("the id that the far side gave has not 1 to {MAX_EXTERNAL_ID} bytes");
            Outcome::Failed(PluginError::failed("unusable-id", message))
        }
        _ => outcome,
    }
}
