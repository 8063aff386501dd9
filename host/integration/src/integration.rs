//! The one thing that the HTTP interface holds.

use std::sync::Arc;

use mortise_model::clock::Clock;
use mortise_records::Records;
use mortise_runtime::Runtime;
use mortise_store::Store;
use prometheus_client::registry::Registry;

use crate::sync::{LiveRuns, SyncMetrics};
use crate::{
    DeadLetters, Instances, IntegrationConfig, IntegrationError, Plugins, Runs, Schedules, SyncHandler,
    Vault, Webhooks,
};

/// Plugins, instances, schedules, runs and dead letters of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Integration {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: IntegrationConfig,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runtime: Runtime,
    pub(crate) records: Records,
    pub(crate) vault: Vault,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) sync_metrics: SyncMetrics,
}

impl Integration {
    /// Puts the pieces together.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when the master key is not 32 bytes as hexadecimal text.
    pub fn new(
        config: IntegrationConfig,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        runtime: Runtime,
        metrics: &mut Registry,
    ) -> Result<Self, IntegrationError> {
        let sync_metrics = SyncMetrics::new(metrics);
        let records = Records::new(Arc::clone(&store), Arc::clone(&clock));
        let vault = Vault::new(&config.master_key, Arc::clone(&store), Arc::clone(&clock))?;
        let live = Arc::default();
        let inner = Inner { config, store, clock, runtime, records, vault, live, sync_metrics };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Plugins, releases and grants.
    pub fn plugins(&self) -> Plugins<'_> {
        Plugins { inner: &self.inner }
    }

    /// Instances, their settings and secrets.
    pub fn instances(&self) -> Instances<'_> {
        Instances { inner: &self.inner }
    }

    /// Schedules of instances.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules { inner: &self.inner }
    }

    /// Runs and their logs.
    pub fn runs(&self) -> Runs<'_> {
        Runs { inner: &self.inner }
    }

    /// Webhooks of the far sides.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { inner: &self.inner }
    }

    /// Failed items.
    pub fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters { inner: &self.inner }
    }

    /// Accounts and invoices.
    pub fn records(&self) -> &Records {
        &self.inner.records
    }

    /// What works on `sync` jobs.
    pub fn sync_handler(&self) -> SyncHandler {
        SyncHandler::new(Arc::clone(&self.inner))
    }
}
