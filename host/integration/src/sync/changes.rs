//! Records that webhooks named: each is taken in as the webhook carried it, or asked for.

use mortise_model::connector::PulledRecord;
use mortise_model::entity::EntityKind;
use mortise_model::instance::SyncAction;
use mortise_model::log::LogLevel;
use mortise_model::webhook::WaitingChange;
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_store::{Document, Entity as _, Expect, StoreError, Write};
use serde_json::Value;

use crate::sync::book::CommitError;
use crate::sync::retry::{Fetched, Wanted};
use crate::sync::scope::{MOST_PLANS, Scope, add};
use crate::sync::stop::Stop;

/// Records that are taken in with one batch.
const BATCH: u32 = 50;
/// Most batches of one action and run. There are no more records than that waiting.
const MOST_BATCHES: u32 = 400;

impl Scope {
    /// Takes in what webhooks named of the entity of an action.
    ///
    /// A record that a webhook names again meanwhile is read again: its place among those that wait is given up only
    /// in the state in which it was taken in.
    pub(crate) async fn land_changes(&self, action: SyncAction) -> Result<(), Stop> {
        let mut conflicts = 0;
        for _ in 0..MOST_BATCHES {
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
            let waiting = self.waiting_changes(action.entity).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            self.log()
                .host(LogLevel::Info, format!("{}: webhooks named {} records", action.key(), waiting.len()));
            match self.land_some(action, &waiting).await {
                Ok(()) => conflicts = 0,
                Err(CommitError::Conflict(conflict)) => {
                    conflicts += 1;
                    if conflicts == MOST_PLANS {
                        return Err(Self::too_many_conflicts(&conflict));
                    }
                }
                Err(CommitError::Stop(stop)) => return Err(stop),
            }
        }
        Ok(())
    }

    async fn land_some(&self, action: SyncAction, waiting: &[Document]) -> Result<(), CommitError> {
        let mut fetched = Fetched::default();
        let mut writes = Vec::new();
        for document in waiting {
            let change: WaitingChange = document.decode().map_err(Stop::from)?;
            if change.data.is_some() {
                fetched.pulled.add(PulledRecord { external_id: change.external_id, data: change.data });
            } else {
                let part = format!("webhook/{}/{}", document.id, document.version.0);
                let wanted = Wanted { external_id: change.external_id, part, kept: Value::Null };
                self.fetch(action, wanted, &mut fetched).await;
            }
            if fetched.stop.is_some() {
                break;
            }
            let (collection, id) = (WaitingChange::COLLECTION, document.id.clone());
            writes.push(Write::Delete { collection, id, expect: Expect::At(document.version) });
        }
        if !writes.is_empty() {
            let landing = self.plan_landing(action, &fetched.pulled).await?;
            writes.extend(landing.writes.iter().cloned());
            writes.append(&mut fetched.storage);
            let counts = landing.counts;
            self.commit(action, writes, move |report| report.counts = add(report.counts, counts)).await?;
            self.log_landing(&landing);
            self.items.add_failed(counts.failed)?;
        }
        fetched.stop.map_or(Ok(()), |stop| Err(stop.into()))
    }

    async fn waiting_changes(&self, entity: EntityKind) -> Result<Vec<Document>, StoreError> {
        let of_entity =
            Filter::eq("instance", self.instance.id.as_str()).and(Filter::eq("entity", entity.name()));
        let query = Query {
            filter: Some(of_entity),
            order: vec![SortKey::ascending("receivedAt", ValueType::Timestamp)],
            page: PageRequest::first(BATCH),
            count: false,
        };
        Ok(self.store.query(self.tenant(), WaitingChange::COLLECTION, &query).await?.documents)
    }
}
