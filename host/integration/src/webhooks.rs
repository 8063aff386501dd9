//! Webhooks: what a far side sends to an instance is verified and read by its plugin; what it names is taken in by a run.
//!
//! One batch keeps the delivery, the records it names, what the plugin stored and the job of the run. The sender is
//! answered after it. A far side sends a webhook again when it is not sure: an event that was taken is not taken twice.

use std::sync::Arc;
use std::time::Duration;

use mortise_model::entity::EntityKind;
use mortise_model::error::{FieldError, PluginError};
use mortise_model::id::{DeliveryId, Digest, InstanceId, RunId, TenantId};
use mortise_model::instance::{Direction, Instance, InstanceState, SyncAction};
use mortise_model::webhook::{Delivery, InboundAnswer, InboundRequest, NamedChange, WaitingChange};
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_runtime::{CallError, CallMode, Returned};
use mortise_scheduler::webhook_job;
use mortise_store::collections::WEBHOOK_CHANGES;
use mortise_store::{Batch, Conflict, Entity as _, Expect, Origin, StoreError, StoreExt as _, Write};
use tokio_util::sync::CancellationToken;

use crate::binding::{self, BindingProblem};
use crate::integration::Inner;
use crate::sync::Masks;
use crate::sync::log::RunLog;
use crate::{IntegrationError, listing};

/// Longest time that a sender waits for its answer. Most give up sooner.
const WALL_MS: u32 = 20_000;
/// Thread CPU time of one webhook: anybody can send one.
const CPU_MS: u32 = 5_000;
/// Lines of the plugin's log that are kept of a delivery.
const LINES: u32 = 50;
/// How long a delivery is kept, and repeats of its event are known.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// Most deliveries that are kept of an instance.
const MOST_DELIVERIES: u64 = 2_000;
/// Deliveries that each new one removes at most.
const TRIMMED: u32 = 20;
/// Most records of an instance that wait to be taken in.
const MOST_WAITING: u64 = 10_000;
/// Longest record that is kept as the webhook carried it, in bytes. A longer one is asked for.
const MOST_DATA: usize = 256 * 1024;

/// Webhooks of a tenant's instances.
pub struct Webhooks<'a> {
    pub(crate) inner: &'a Inner,
}

/// Why a webhook was not taken. But for [`WebhookError::Failed`], nothing is kept of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// There is no such instance, or its plugin takes no webhooks.
    #[error("there is nothing that takes webhooks at this address")]
    NotFound,
    /// The plugin does not believe that the far side sent it.
    #[error("the webhook was not accepted as the far side's: {0}")]
    Unauthorized(String),
    /// The plugin cannot read it.
    #[error("the webhook was refused")]
    Rejected(Vec<FieldError>),
    /// It can be sent again later.
    #[error("{message}: send it again later")]
    Later {
        /// Not before.
        after: Duration,
        /// Why.
        message: String,
    },
    /// The plugin failed. The instance's deliveries say how; the sender is not told.
    #[error("the connector failed: its deliveries say why")]
    Failed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether the plugin's word is to be kept.
enum Kept {
    Taken,
    Repeat,
}

impl Webhooks<'_> {
    /// Has the instance's plugin verify and read a webhook, and keeps what it names for a run that follows at once.
    ///
    /// # Errors
    /// [`WebhookError`], with what the sender may know.
    pub async fn receive(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        request: InboundRequest,
    ) -> Result<InboundAnswer, WebhookError> {
        let found = self.inner.store.load::<Instance>(tenant, id.as_str()).await?;
        let Some((instance, _)) = found else { return Err(WebhookError::NotFound) };
        if let InstanceState::Paused { .. } = instance.state {
            return Err(later(300, "the instance is paused"));
        }
        if self.waiting(tenant, id).await? >= MOST_WAITING {
            return Err(later(60, "the instance has too much to take in"));
        }
        let received_at = request.received_at;
        let (log, called) = self.call(tenant, &instance, request).await?;
        log.end();
        let mut delivery = Delivery {
            id: DeliveryId::new(),
            instance: id.clone(),
            event: None,
            received_at,
            status: 0,
            changes: 0,
            error: None,
            log: log.waiting().chunks.into_iter().flat_map(|chunk| chunk.lines).collect(),
        };
        let returned = match called {
            Ok(returned) => returned,
            Err(error) => {
                let error = refused(error)?;
                let error = log.masks().apply_to_error(error);
                tracing::warn!(%tenant, instance = %id, %error, "a plugin failed over a webhook");
                delivery.status = 502;
                delivery.error = Some(error);
                self.keep(tenant, &instance, &delivery, Vec::new(), Vec::new()).await?;
                return Err(WebhookError::Failed);
            }
        };
        let answer = returned.value.answer;
        let changes = pulled_changes(&instance, returned.value.changes);
        delivery.status = answer.status;
        delivery.changes = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        delivery.event =
            returned.value.event_id.map(|event| format!("{id}/{}", Digest::of(event.as_bytes()).to_hex()));
        let changes = changes.into_iter().map(|(entity, change)| WaitingChange {
            instance: id.clone(),
            entity,
            external_id: change.external_id,
            data: change.data.filter(|data| data.len() <= MOST_DATA),
            received_at,
        });
        match self.keep(tenant, &instance, &delivery, changes.collect(), returned.storage).await? {
            Kept::Taken => {}
            Kept::Repeat => tracing::debug!(%tenant, instance = %id, "a webhook came again and was dropped"),
        }
        Ok(answer)
    }

    /// The deliveries of an instance, the latest first, from `offset`, at most `limit`.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when `limit` is not 1 to 500 or `offset` is over 10,000.
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        id: &InstanceId,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Delivery>, IntegrationError> {
        crate::instances::load(self.inner, tenant, id).await?;
        let filter = Some(Filter::eq("instance", id.as_str()));
        let order = vec![SortKey::descending("receivedAt", ValueType::Timestamp)];
        listing::part(self.inner.store.as_ref(), tenant, filter, order, offset, limit).await
    }

    async fn waiting(&self, tenant: &TenantId, id: &InstanceId) -> Result<u64, StoreError> {
        let of_instance = Some(Filter::eq("instance", id.as_str()));
        listing::count(self.inner.store.as_ref(), tenant, &WEBHOOK_CHANGES, of_instance).await
    }

    async fn call(
        &self,
        tenant: &TenantId,
        instance: &Instance,
        request: InboundRequest,
    ) -> Result<(Arc<RunLog>, Result<Returned<mortise_model::webhook::WebhookResult>, CallError>), WebhookError>
    {
        let not_ready = || later(300, "the instance is not ready");
        let mut binding = match binding::bind(self.inner, tenant, instance).await {
            Ok(binding) => binding,
            Err(BindingProblem::Store(error)) => return Err(error.into()),
            Err(problem) => {
                tracing::warn!(%tenant, instance = %instance.id, %problem, "a webhook found its instance not ready");
                return Err(not_ready());
            }
        };
        binding.limits.call_wall_ms = binding.limits.call_wall_ms.min(WALL_MS);
        binding.limits.call_cpu_ms = binding.limits.call_cpu_ms.min(CPU_MS);
        let names: Vec<String> = binding.permissions.secrets.iter().cloned().collect();
        let masks = Masks::load(binding.secrets.as_ref(), &names).await.map_err(|_| not_ready())?;
        // No run is open yet: the id only tells this webhook's calls from others.
        let run = RunId::new();
        let clock = Arc::clone(&self.inner.clock);
        let log = Arc::new(RunLog::new(run.clone(), clock, instance.log_level, LINES, masks));
        let key = run.to_string();
        let writer = Arc::clone(&log) as Arc<_>;
        let call = binding.call(run, 1, key, CallMode::Live, writer, CancellationToken::new());
        let called = self.inner.runtime.handle_webhook(call, request).await;
        Ok((log, called))
    }

    async fn keep(
        &self,
        tenant: &TenantId,
        instance: &Instance,
        delivery: &Delivery,
        changes: Vec<WaitingChange>,
        storage: Vec<Write>,
    ) -> Result<Kept, WebhookError> {
        let now = self.inner.clock.now();
        let mut batch = Batch::new(tenant.clone(), Origin::Instance(instance.id.clone()), now);
        batch.writes = storage;
        batch.put(delivery, Expect::Absent)?;
        if !changes.is_empty() {
            batch.push(Write::Enqueue(webhook_job(&instance.id, now)));
        }
        for change in changes {
            batch.put(&change, Expect::Any)?;
        }
        for id in self.outlived(tenant, &instance.id).await? {
            batch.delete::<Delivery>(id.as_str(), Expect::Any);
        }
        match self.inner.store.commit(batch).await {
            Ok(_) => Ok(Kept::Taken),
            Err(StoreError::Conflict(Conflict::NotUnique { index: "event", .. })) => Ok(Kept::Repeat),
            Err(StoreError::Conflict(conflict)) => {
                tracing::debug!(%conflict, "what a webhook was to write changed meanwhile");
                Err(later(1, "something changed meanwhile"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Deliveries that are kept no longer, the oldest first.
    async fn outlived(&self, tenant: &TenantId, id: &InstanceId) -> Result<Vec<DeliveryId>, StoreError> {
        let query = Query {
            filter: Some(Filter::eq("instance", id.as_str())),
            order: vec![SortKey::ascending("receivedAt", ValueType::Timestamp)],
            page: PageRequest::first(TRIMMED),
            count: true,
        };
        let found = self.inner.store.query(tenant, Delivery::COLLECTION, &query).await?;
        let too_many = found.total.unwrap_or_default() >= MOST_DELIVERIES;
        let oldest = self.inner.clock.now().minus(KEPT);
        let mut outlived = Vec::new();
        for document in &found.documents {
            let delivery: Delivery = document.decode()?;
            if too_many || delivery.received_at < oldest {
                outlived.push(delivery.id);
            }
        }
        Ok(outlived)
    }
}

/// The changes that the instance pulls, each record once: the last word counts.
fn pulled_changes(instance: &Instance, changes: Vec<NamedChange>) -> Vec<(EntityKind, NamedChange)> {
    let pulls = |entity: &EntityKind| {
        instance.actions.contains(&SyncAction { entity: *entity, direction: Direction::Pull })
    };
    let mut kept: Vec<(EntityKind, NamedChange)> = Vec::new();
    for change in changes {
        let entity = EntityKind::ALL.into_iter().find(|entity| entity.name() == change.entity);
        let Some(entity) = entity.filter(pulls) else { continue };
        kept.retain(|(of, before)| *of != entity || before.external_id != change.external_id);
        kept.push((entity, change));
    }
    kept
}

fn later(seconds: u64, message: &str) -> WebhookError {
    WebhookError::Later { after: Duration::from_secs(seconds), message: message.to_owned() }
}

/// What the sender is told of a call that failed, or the plugin's failure, which it is not told.
fn refused(error: CallError) -> Result<PluginError, WebhookError> {
    match error {
        CallError::Plugin(PluginError::Unauthorized { message }) => Err(WebhookError::Unauthorized(message)),
        CallError::Plugin(PluginError::Rejected { errors }) => Err(WebhookError::Rejected(errors)),
        CallError::Plugin(PluginError::Unsupported { .. }) => Err(WebhookError::NotFound),
        CallError::Plugin(PluginError::Retryable { after_ms, message }) => {
            let after = Duration::from_millis(after_ms.unwrap_or(1_000).into());
            Err(WebhookError::Later { after, message })
        }
        CallError::Plugin(error) => Ok(error),
        CallError::Limit { limit } => Ok(PluginError::Quota { message: limit.to_string() }),
        CallError::Trap { message } => Ok(PluginError::failed("trap", message)),
        CallError::Stopped => Err(later(1, "the host stops")),
        error => {
            tracing::warn!(%error, "a webhook could not be handed to its plugin");
            Err(later(5, "the host is busy"))
        }
    }
}
