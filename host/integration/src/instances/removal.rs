//! Removing an instance with everything that is only its own.

use mortise_model::id::{InstanceId, TenantId};
use mortise_model::instance::{Instance, InstanceState};
use mortise_model::item::FailedItem;
use mortise_model::run::Run;
use mortise_model::schedule::Schedule;
use mortise_model::webhook::Delivery;
use mortise_query::Filter;
use mortise_scheduler::{instance_lane, schedules};
use mortise_store::collections::{
    FAILED_ITEMS, PLUGIN_STORAGE, SYNC_STATES, WEBHOOK_CHANGES, WEBHOOK_DELIVERIES,
};
use mortise_store::{Collection, Expect, JobFilter, Version, Write};

use crate::{Instances, IntegrationError, Vault, listing};

/// Documents removed in one batch.
const CHUNK: usize = 1_000;
/// Most jobs of one instance that are cancelled.
const LANE_JOBS: usize = 1_000;

impl Instances<'_> {
    /// Removes an instance with its secrets, schedules, sync states, failed items, webhooks and the plugin's
    /// storage. The platform's records stay. Runs and their logs stay.
    ///
    /// Much may have to be removed, in several batches; the instance itself goes with the last. A removal that was
    /// interrupted leaves it paused, and is completed by removing it again.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] while a run of it is in progress.
    pub async fn remove(&self, tenant: &TenantId, id: &InstanceId) -> Result<(), IntegrationError> {
        let (instance, version) = self.load(tenant, id).await?;
        self.check_idle(tenant, &instance).await?;
        let version = self.stop(tenant, instance.clone(), version).await?;
        // A run may have begun since the first look.
        self.check_idle(tenant, &instance).await?;
        let store = self.inner.store.as_ref();
        let items: Vec<FailedItem> =
            listing::all(store, tenant, Some(Filter::eq("instance", id.as_str()))).await?;
        let items = items.into_iter().map(|item| item.id.to_string()).collect();
        self.delete(tenant, id, &FAILED_ITEMS, items).await?;
        let deliveries: Vec<Delivery> =
            listing::all(store, tenant, Some(Filter::eq("instance", id.as_str()))).await?;
        let deliveries = deliveries.into_iter().map(|delivery| delivery.id.to_string()).collect();
        self.delete(tenant, id, &WEBHOOK_DELIVERIES, deliveries).await?;
        for collection in [&PLUGIN_STORAGE, &SYNC_STATES, &WEBHOOK_CHANGES] {
            let prefix = format!("{id}/");
            let rests = listing::with_prefix(store, tenant, collection, &prefix).await?;
            let ids = rests.into_iter().map(|rest| format!("{prefix}{rest}")).collect();
            self.delete(tenant, id, collection, ids).await?;
        }
        let mut batch = self.batch(tenant);
        for name in self.inner.vault.names(tenant, id).await? {
            batch.push(Vault::remove(id, &name));
        }
        let of_instance = Filter::eq("instance", id.as_str());
        for schedule in listing::all::<Schedule>(store, tenant, Some(of_instance)).await? {
            schedules::remove(&mut batch, &schedule.id);
        }
        batch.delete::<Instance>(id.as_str(), Expect::At(version));
        self.commit(batch, id).await?;
        tracing::info!(%tenant, instance = %id, "an instance was removed");
        Ok(())
    }

    async fn check_idle(&self, tenant: &TenantId, instance: &Instance) -> Result<(), IntegrationError> {
        let running = Filter::eq("instance", instance.id.as_str()).and(Filter::eq("status", "running"));
        let runs: Vec<Run> = listing::all(self.inner.store.as_ref(), tenant, Some(running)).await?;
        let Some(run) = runs.first() else { return Ok(()) };
        Err(IntegrationError::Conflict(format!(
            "the run {} of the instance `{}` is in progress: cancel it, or wait for its end, and remove the instance then",
            run.id, instance.name
        )))
    }

    /// Sees to it that no run begins any more.
    async fn stop(
        &self,
        tenant: &TenantId,
        mut instance: Instance,
        version: Version,
    ) -> Result<Version, IntegrationError> {
        let id = instance.id.clone();
        let filter = JobFilter { status: None, lane: Some(instance_lane(&id)) };
        let jobs = self.inner.store.jobs(tenant, &filter, LANE_JOBS).await?;
        instance.state = InstanceState::Paused { reason: "it is being removed".to_owned() };
        let mut batch = self.batch(tenant);
        batch.put(&instance, Expect::At(version))?;
        for job in jobs {
            batch.push(Write::Cancel(job.id));
        }
        self.commit(batch, &id).await
    }

    async fn delete(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        collection: &'static Collection,
        ids: Vec<String>,
    ) -> Result<(), IntegrationError> {
        for chunk in ids.chunks(CHUNK) {
            let mut batch = self.batch(tenant);
            for id in chunk {
                batch.push(Write::Delete { collection, id: id.as_str().into(), expect: Expect::Any });
            }
            self.commit(batch, instance).await?;
        }
        Ok(())
    }
}
