//! What every handler holds.

use std::ops::Deref;
use std::sync::Arc;

use mortise_integration::Integration;
use mortise_model::clock::{Clock, Timestamp};
use mortise_store::Store;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::ApiConfig;
use crate::access::Failures;
use crate::metrics::HttpMetrics;
use crate::platform::CursorKey;
use crate::shares::Shares;

/// Most requests in progress at the same time, but for health and metrics.
const MAX_REQUESTS: usize = 512;
/// Most components taken in at the same time: each is held in memory.
const MAX_UPLOADS: usize = 4;
/// Most of them of one tenant.
const MAX_UPLOADS_OF_TENANT: u32 = 2;
/// Most requests of one tenant in progress that wait for a plugin. A plugin may take minutes, and all tenants share
/// the host's slots for plugins.
const MAX_PLUGIN_CALLS_OF_TENANT: u32 = 8;

/// Most webhooks of one tenant that are being read. Anybody can send them.
const MAX_WEBHOOKS_OF_TENANT: u32 = 8;

/// What every handler holds. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

/// The parts.
pub(crate) struct State {
    pub(crate) config: ApiConfig,
    pub(crate) integration: Integration,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    pub(crate) metrics: HttpMetrics,
    pub(crate) failures: Failures,
    pub(crate) cursor_key: CursorKey,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) uploads: Semaphore,
    /// Each tenant's part of the uploads.
    pub(crate) upload_shares: Shares,
    /// Each tenant's requests that wait for a plugin.
    pub(crate) plugin_calls: Shares,
    /// Each tenant's webhooks in progress.
    pub(crate) hook_shares: Shares,
    /// Fires when the host stops.
    pub(crate) shutdown: CancellationToken,
}

impl App {
    pub(crate) fn new(
        config: ApiConfig,
        integration: Integration,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        mut registry: Registry,
    ) -> Self {
        let metrics = HttpMetrics::register(&mut registry);
        Self(Arc::new(State {
            config,
            integration,
            store,
            clock,
            registry,
            metrics,
            failures: Failures::default(),
            cursor_key: CursorKey::default(),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            uploads: Semaphore::new(MAX_UPLOADS),
            upload_shares: Shares::new("uploads", MAX_UPLOADS_OF_TENANT),
            plugin_calls: Shares::new("requests that wait for a plugin", MAX_PLUGIN_CALLS_OF_TENANT),
            hook_shares: Shares::new("webhooks", MAX_WEBHOOKS_OF_TENANT),
            shutdown: CancellationToken::new(),
        }))
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
