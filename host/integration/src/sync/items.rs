//! Failed items: when they are tried again, when they are given up, and what is kept of them.

use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::error::{FieldError, PluginError};
use mortise_model::id::{InstanceId, ItemId, RunId, TenantId};
use mortise_model::instance::SyncAction;
use mortise_model::item::{FailedItem, ItemState, ItemStatus};
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_scheduler::backoff::Backoff;
use mortise_store::{Entity as _, Expect, Store, StoreError, StoreExt as _, Version, Write};
use serde_json::Value;

use crate::sync::progress::put;
use crate::sync::stop::wait;

/// Most bytes of a record that are kept with an item. Of a longer one the beginning is kept, as text.
const MOST_DATA: usize = 64 * 1024;
/// Most bytes of one text of an error that are kept.
const MOST_TEXT: usize = 4 * 1024;
/// Most bytes of a far side's answer that are kept.
const MOST_ANSWER: usize = 16 * 1024;
/// Most wrong fields of one record that are kept.
const MOST_FIELDS: usize = 100;

/// What is done about an item that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It is tried again, until its attempts are used up.
    Retry,
    /// It is a dead letter at once: another attempt at the same would not help.
    DeadLetter,
}

impl Treatment {
    /// What the contract says about an item of a push that failed with this error.
    pub(crate) fn of_push(error: &PluginError) -> Self {
        match error {
            PluginError::Retryable { .. }
            | PluginError::Conflict { .. }
            | PluginError::Quota { .. }
            | PluginError::Unauthorized { .. } => Self::Retry,
            PluginError::Rejected { .. }
            | PluginError::NotFound { .. }
            | PluginError::Denied { .. }
            | PluginError::Unsupported { .. }
            | PluginError::Failed { .. }
            | PluginError::Other { .. } => Self::DeadLetter,
        }
    }
}

/// A failure of one record.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The action.
    pub(crate) action: SyncAction,
    /// What it is about: made by [`FailedItem::pulled`] or [`FailedItem::pushed`].
    pub(crate) subject: String,
    /// The platform's id.
    pub(crate) record: Option<u64>,
    /// The far side's id.
    pub(crate) external_id: Option<String>,
    /// Why.
    pub(crate) error: PluginError,
    /// The record.
    pub(crate) data: Value,
    /// The key of a push.
    pub(crate) idempotency_key: Option<String>,
    /// What is done about it.
    pub(crate) treatment: Treatment,
}

impl Failure {
    /// The item after this failure, with what was known of its subject before.
    ///
    /// The same state of a record counts its attempts on; another state begins anew. What a person or the attempts
    /// have decided about a state holds until there is another state.
    pub(crate) fn item(
        self,
        before: Option<FailedItem>,
        instance: &InstanceId,
        run: &RunId,
        now: Timestamp,
        backoff: &Backoff,
    ) -> FailedItem {
        let same = before.as_ref().is_some_and(|before| match &self.idempotency_key {
            Some(key) => before.idempotency_key.as_ref() == Some(key),
            None => before.data == self.data,
        });
        let attempts = match &before {
            Some(before) if same && before.state.status() != ItemStatus::Resolved => {
                before.attempts.saturating_add(1)
            }
            _ => 1,
        };
        let state = match before.as_ref().map(|before| &before.state) {
            Some(decided @ (ItemState::Dead | ItemState::Discarded)) if same => decided.clone(),
            _ => next_state(&self.error, attempts, self.treatment, now, backoff),
        };
        FailedItem {
            id: before.as_ref().map_or_else(ItemId::new, |before| before.id.clone()),
            instance: instance.clone(),
            action: self.action,
            subject: self.subject,
            record: self.record,
            external_id: self.external_id,
            state,
            attempts,
            error: bounded(self.error),
            data: self.data,
            idempotency_key: self.idempotency_key,
            run: run.clone(),
            created_at: before
                .filter(|before| before.state.status() != ItemStatus::Resolved)
                .map_or(now, |before| before.created_at),
            updated_at: now,
        }
    }
}

fn next_state(
    error: &PluginError,
    attempts: u32,
    treatment: Treatment,
    now: Timestamp,
    backoff: &Backoff,
) -> ItemState {
    let delay = match treatment {
        Treatment::Retry => backoff.delay(attempts),
        Treatment::DeadLetter => None,
    };
    let asked = match error {
        PluginError::Retryable { after_ms, .. } => wait(*after_ms).unwrap_or(Duration::ZERO),
        _ => Duration::ZERO,
    };
    delay.map_or(ItemState::Dead, |delay| ItemState::Retrying { next_at: now.plus(delay.max(asked)) })
}

/// The item, now that its record was carried over. None when nothing changes.
pub(crate) fn resolved(before: FailedItem, run: &RunId, now: Timestamp) -> Option<FailedItem> {
    match before.state.status() {
        ItemStatus::Resolved | ItemStatus::Discarded => None,
        ItemStatus::Retrying | ItemStatus::Dead => {
            Some(FailedItem { state: ItemState::Resolved, run: run.clone(), updated_at: now, ..before })
        }
    }
}

/// The write of an item over the one that was read.
pub(crate) fn write(item: &FailedItem, version: Option<Version>) -> Result<Write, StoreError> {
    put(item, version.map_or(Expect::Absent, Expect::At))
}

/// Reads what is known of subjects, in their order.
pub(crate) async fn known(
    store: &dyn Store,
    tenant: &TenantId,
    subjects: &[String],
) -> Result<Vec<Option<(FailedItem, Version)>>, StoreError> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let found = store.find_unique(tenant, FailedItem::COLLECTION, "subject", subjects).await?;
    let decode = |document: Option<mortise_store::Document>| {
        document.map(|document| Ok((document.decode()?, document.version))).transpose()
    };
    found.into_iter().map(decode).collect()
}

/// Items of an action that are due, the longest due first.
pub(crate) async fn due(
    store: &dyn Store,
    tenant: &TenantId,
    instance: &InstanceId,
    action: SyncAction,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<FailedItem>, StoreError> {
    let filter = retrying(instance, action).and(Filter::le("state/nextAt", now.to_utc()));
    store.select(tenant, &by_next(filter, limit)).await
}

/// When the first item of these actions is due. Items of actions that the instance does not have any more wait.
pub(crate) async fn first_due(
    store: &dyn Store,
    tenant: &TenantId,
    instance: &InstanceId,
    actions: &[SyncAction],
) -> Result<Option<Timestamp>, StoreError> {
    let mut first = None;
    for action in actions {
        let items: Vec<FailedItem> = store.select(tenant, &by_next(retrying(instance, *action), 1)).await?;
        for item in items {
            if let ItemState::Retrying { next_at } = item.state {
                first = Some(first.map_or(next_at, |first: Timestamp| first.min(next_at)));
            }
        }
    }
    Ok(first)
}

fn retrying(instance: &InstanceId, action: SyncAction) -> Filter {
    of_status(instance, &[ItemStatus::Retrying])
        .and(Filter::starts_with("subject", format!("{instance}/{}/", action.key())))
}

/// How many items of the instance are tried again or dead.
pub(crate) async fn open(
    store: &dyn Store,
    tenant: &TenantId,
    instance: &InstanceId,
) -> Result<u64, StoreError> {
    let query = Query {
        filter: Some(of_status(instance, &[ItemStatus::Retrying, ItemStatus::Dead])),
        page: PageRequest::first(1),
        count: true,
        ..Query::default()
    };
    let found = store.query(tenant, FailedItem::COLLECTION, &query).await?;
    Ok(found.total.unwrap_or(found.documents.len() as u64))
}

fn of_status(instance: &InstanceId, statuses: &[ItemStatus]) -> Filter {
    let status = statuses.iter().map(|status| status.name());
    Filter::eq("instance", instance.as_str()).and(Filter::one_of("state/status", status))
}

fn by_next(filter: Filter, limit: u32) -> Query {
    Query {
        filter: Some(filter),
        order: vec![SortKey::ascending("state/nextAt", ValueType::Timestamp)],
        page: PageRequest::first(limit),
        count: false,
    }
}

/// What is kept of a record: the JSON it is, or the text if it is none or too long.
pub(crate) fn kept_data(data: Option<&str>) -> Value {
    match data {
        None => Value::Null,
        Some(text) if text.len() > MOST_DATA => Value::String(cut(text.to_owned(), MOST_DATA)),
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

/// The error with its texts cut to what is kept.
pub(crate) fn bounded(error: PluginError) -> PluginError {
    let short = |text: String| cut(text, MOST_TEXT);
    match error {
        PluginError::Retryable { after_ms, message } => {
            PluginError::Retryable { after_ms, message: short(message) }
        }
        PluginError::Rejected { errors } => PluginError::Rejected {
            errors: errors
                .into_iter()
                .take(MOST_FIELDS)
                .map(|error| FieldError {
                    pointer: short(error.pointer),
                    code: short(error.code),
                    message: short(error.message),
                })
                .collect(),
        },
        PluginError::Unauthorized { message } => PluginError::Unauthorized { message: short(message) },
        PluginError::NotFound { message } => PluginError::NotFound { message: short(message) },
        PluginError::Conflict { message } => PluginError::Conflict { message: short(message) },
        PluginError::Denied { message } => PluginError::Denied { message: short(message) },
        PluginError::Quota { message } => PluginError::Quota { message: short(message) },
        PluginError::Unsupported { message } => PluginError::Unsupported { message: short(message) },
        PluginError::Failed { code, message, answer } => PluginError::Failed {
            code: short(code),
            message: short(message),
            answer: answer.map(|answer| cut(answer, MOST_ANSWER)),
        },
        PluginError::Other { message } => PluginError::Other { message: short(message) },
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use mortise_model::entity::EntityKind;
    use mortise_model::instance::Direction;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ACTION: SyncAction = SyncAction { entity: EntityKind::Account, direction: Direction::Pull };
    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(30),
        factor: 4.0,
        longest: Duration::from_hours(6),
        attempts: 6,
    };

    fn failure(error: PluginError, data: Value) -> Failure {
        Failure {
            action: ACTION,
            subject: "subject".to_owned(),
            record: None,
            external_id: Some("A-1".to_owned()),
            error,
            data,
            idempotency_key: None,
            treatment: Treatment::Retry,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000_000)
    }

    fn item(failure: Failure, before: Option<FailedItem>) -> FailedItem {
        failure.item(before, &InstanceId::new(), &RunId::new(), now(), &BACKOFF)
    }

    #[test]
    fn an_item_is_tried_until_its_attempts_are_used_up_and_then_dead() {
        let mut last = None;
        for attempt in 1..=6 {
            let next = item(failure(PluginError::retryable("busy"), json!({"name": "A"})), last);
            assert_eq!(next.attempts, attempt);
            assert_eq!(next.state == ItemState::Dead, attempt == 6, "{attempt}");
            last = Some(next);
        }
        // The same state again changes nothing; another state begins anew.
        let again = item(failure(PluginError::retryable("busy"), json!({"name": "A"})), last.clone());
        assert_eq!(again.state, ItemState::Dead);
        let other = item(failure(PluginError::retryable("busy"), json!({"name": "B"})), last);
        assert_eq!((other.attempts, other.state.status()), (1, ItemStatus::Retrying));
    }

    #[test]
    fn what_a_person_gave_up_stays_given_up_until_the_record_changes() {
        let first = item(failure(PluginError::retryable("busy"), json!({"name": "A"})), None);
        let discarded = FailedItem { state: ItemState::Discarded, ..first };
        let again =
            item(failure(PluginError::retryable("busy"), json!({"name": "A"})), Some(discarded.clone()));
        assert_eq!(again.state, ItemState::Discarded);
        assert_eq!(resolved(discarded.clone(), &RunId::new(), now()), None);
        let changed = item(failure(PluginError::retryable("busy"), json!({"name": "B"})), Some(discarded));
        assert_eq!(changed.state.status(), ItemStatus::Retrying);
    }

    #[test]
    fn a_rejected_push_is_a_dead_letter_at_once_and_a_conflict_is_not() {
        let rejected = PluginError::Rejected { errors: Vec::new() };
        let conflict = PluginError::Conflict { message: "changed".to_owned() };
        assert_eq!(Treatment::of_push(&rejected), Treatment::DeadLetter);
        assert_eq!(Treatment::of_push(&conflict), Treatment::Retry);
        let dead = item(Failure { treatment: Treatment::DeadLetter, ..failure(rejected, Value::Null) }, None);
        assert_eq!(dead.state, ItemState::Dead);
    }

    #[test]
    fn what_is_kept_of_a_record_has_a_bound_and_is_json_where_it_can_be() {
        assert_eq!(kept_data(Some(r#"{"a":1}"#)), json!({"a": 1}));
        assert_eq!(kept_data(Some("{not JSON")), json!("{not JSON"));
        let long = kept_data(Some(&"é".repeat(100_000)));
        assert!(long.as_str().unwrap().len() <= MOST_DATA + 3);
        let error = bounded(PluginError::Failed {
            code: "x".repeat(100_000),
            message: "x".repeat(100_000),
            answer: Some("x".repeat(100_000)),
        });
        assert!(serde_json::to_string(&error).unwrap().len() < 30_000);
    }

    proptest! {
        #[test]
        fn an_item_waits_at_least_as_long_as_the_far_side_asks_for(after_ms in 0_u32..100_000_000, attempts in 0_u32..5) {
            let error = PluginError::Retryable { after_ms: Some(after_ms), message: "busy".to_owned() };
            let before = FailedItem { attempts, ..item(failure(error.clone(), Value::Null), None) };
            let ItemState::Retrying { next_at } = item(failure(error, Value::Null), Some(before)).state else {
                return Err(TestCaseError::fail("it is not tried again"));
            };
            let waits = next_at.since(now());
            prop_assert!(waits >= wait(Some(after_ms)).unwrap());
            prop_assert!(waits >= BACKOFF.ceiling(attempts + 1).unwrap() / 2);
        }
    }
}
