//! `mortise serve`: the pieces put together, and stopped in good order.

use std::env;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use mortise_api::{Api, ApiConfig, ApiError};
use mortise_egress::{Egress, EgressConfig, EgressSetupError, PlainHttp};
use mortise_integration::{Integration, IntegrationConfig, IntegrationError, Retention};
use mortise_model::clock::{Clock, SystemClock};
use mortise_runtime::{Compiler, CompilerConfig, Runtime, RuntimeConfig, RuntimeError};
use mortise_scheduler::backoff::Backoff;
use mortise_scheduler::{JobHandler, Scheduler, SchedulerConfig, TickHandler};
use mortise_store::{SledOptions, SledStore, Store, StoreError};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::arguments;
use crate::config::{self, Config, ConfigError};
use crate::keys::{self, DataDirectory, KeyError};
use crate::shutdown::Signals;
use crate::telemetry;

/// What every metric's name begins with.
const METRICS_PREFIX: &str = "mortise";

/// Why the host does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}. Choose another with --listen; port 0 takes a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something every program needs.
    #[error("{what}: {source}")]
    System {
        /// What cannot be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Requests cannot be sent.
    #[error(transparent)]
    Egress(#[from] EgressSetupError),
    /// The engine does not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// Plugins and instances cannot be worked with.
    #[error(transparent)]
    Integration(#[from] IntegrationError),
    /// Requests cannot be answered.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A part of the host panicked.
    #[error("{part} stopped by itself: this is a bug of the host, see the log")]
    Died {
        /// The part.
        part: &'static str,
    },
}

/// Runs the host until it is told to stop.
///
/// # Errors
/// [`ServeError`] with what to do.
pub(crate) fn command(options: &arguments::Serve) -> Result<(), ServeError> {
    let config = Config::of(options, |name| env::var(name).ok())?;
    telemetry::start(&config.log);
    let data = DataDirectory::open(&config.data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| ServeError::System { what: "threads cannot be started", source })?;
    runtime.block_on(serve(config, data))
}

async fn serve(config: Config, data: DataDirectory) -> Result<(), ServeError> {
    let signals = Signals::take()
        .map_err(|source| ServeError::System { what: "signals cannot be waited for", source })?;
    let stop = CancellationToken::new();
    tokio::spawn(signals.watch(stop.clone()));
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServeError::Listen { address: config.listen, source })?;
    let address =
        listener.local_addr().map_err(|source| ServeError::Listen { address: config.listen, source })?;

    let House { api, scheduler } = House::build(&config, &data).await?;
    announce(address);
    tracing::info!(%address, data_dir = %data.path.display(), "the host takes requests");

    let mut api = tokio::spawn(api.serve(listener, stop.clone()));
    let mut scheduler = tokio::spawn(scheduler.run(stop.clone()));
    // Whichever part ends first, the other is to end as well.
    let (served, worked) = tokio::select! {
        served = &mut api => {
            stop.cancel();
            (served, scheduler.await)
        }
        worked = &mut scheduler => {
            stop.cancel();
            (api.await, worked)
        }
    };
    served.map_err(|_| ServeError::Died { part: "the HTTP interface" })??;
    worked.map_err(|_| ServeError::Died { part: "the scheduler" })?;
    tracing::info!("the host has stopped");
    Ok(())
}

/// The parts that run.
struct House {
    api: Api,
    scheduler: Scheduler,
}

impl House {
    async fn build(config: &Config, data: &DataDirectory) -> Result<Self, ServeError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = open_store(config, data).await?;
        let mut metrics = Registry::with_prefix(METRICS_PREFIX);
        let egress = Egress::new(egress_config(&config.egress), Arc::clone(&clock))?;
        let runtime = Runtime::new(
            runtime_config(config, data)?,
            Arc::clone(&store),
            egress,
            Arc::clone(&clock),
            &mut metrics,
        )?;
        // Better now than at the first upload.
        runtime.check_compiler().await?;
        let integration = Integration::new(
            integration_config(config, data),
            Arc::clone(&store),
            Arc::clone(&clock),
            runtime,
            &mut metrics,
        )?;
        let handlers: Vec<Arc<dyn JobHandler>> = vec![
            Arc::new(integration.sync_handler()),
            Arc::new(integration.retention_handler()),
            Arc::new(TickHandler::new(Arc::clone(&store), Arc::clone(&clock))),
        ];
        integration.begin_retention().await?;
        let scheduler = Scheduler::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            scheduler_config(&config.workers),
            handlers,
        );
        let api = Api::new(api_config(config), integration, store, clock, metrics);
        api.register_operator_key(&data.operator_key).await?;
        Ok(Self { api, scheduler })
    }
}

/// Tells whoever started the host where it listens.
fn announce(address: SocketAddr) {
    let line = serde_json::json!({ "listening": format!("http://{address}") });
    let mut stdout = io::stdout().lock();
    if writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_err() {
        tracing::debug!("nobody reads standard output");
    }
}

async fn open_store(config: &Config, data: &DataDirectory) -> Result<Arc<dyn Store>, ServeError> {
    let path = data.path.join(keys::STORE);
    let options = SledOptions { cache_bytes: config.store.cache_bytes, ..SledOptions::default() };
    let store = tokio::task::spawn_blocking(move || SledStore::open(&path, &options))
        .await
        .map_err(|_| ServeError::Died { part: "the store" })??;
    Ok(Arc::new(store))
}

fn egress_config(config: &config::Egress) -> EgressConfig {
    EgressConfig {
        allowed_networks: config.allow.clone(),
        plain_http: if config.plain_http { PlainHttp::Allowed } else { PlainHttp::Refused },
        connect_timeout: Duration::from_secs(config.connect_timeout_seconds),
        timeout: Duration::from_secs(config.timeout_seconds),
        max_body_bytes: config.max_body_bytes,
    }
}

fn runtime_config(config: &Config, data: &DataDirectory) -> Result<RuntimeConfig, RuntimeError> {
    let (runtime, compiler) = (&config.runtime, compiler_config(&config.compiler)?);
    Ok(RuntimeConfig {
        max_component_bytes: runtime.max_component_bytes,
        calls: runtime.calls,
        calls_per_tenant: runtime.calls_per_tenant,
        max_call_memory_bytes: runtime.max_call_memory_bytes,
        total_memory_bytes: runtime.total_memory_bytes,
        memory_per_tenant_bytes: runtime.memory_per_tenant_bytes,
        compiler: compiler.clone(),
        ..RuntimeConfig::new(data.path.join(keys::IMAGES), data.image_key(), compiler.compiler)
    })
}

fn compiler_config(config: &config::Compiler) -> Result<CompilerConfig, RuntimeError> {
    let compiler = if config.program.as_os_str().is_empty() {
        Compiler::beside_this_program()?
    } else {
        Compiler::Program(std::path::absolute(&config.program).unwrap_or_else(|_| config.program.clone()))
    };
    Ok(CompilerConfig {
        compiler,
        at_once: config.at_once,
        cpu: Duration::from_secs(config.cpu_seconds),
        wall: Duration::from_secs(config.wall_seconds),
        memory_bytes: config.memory_bytes,
    })
}

fn integration_config(config: &Config, data: &DataDirectory) -> IntegrationConfig {
    let Config { sync: config, retention, .. } = config;
    let days = |days: u32| Duration::from_hours(24 * u64::from(days));
    IntegrationConfig {
        page_size: config.page_size,
        push_batch: usize::try_from(config.push_batch).unwrap_or(usize::MAX),
        item_backoff: Backoff {
            first: Duration::from_millis(config.retry_first_milliseconds),
            factor: config.retry_factor,
            longest: Duration::from_secs(config.retry_longest_seconds),
            attempts: config.retry_attempts,
        },
        retention: Retention {
            runs: days(retention.runs_days),
            settled_items: days(retention.settled_items_days),
        },
        ..IntegrationConfig::new(data.master_key.clone())
    }
}

fn scheduler_config(config: &config::Workers) -> SchedulerConfig {
    SchedulerConfig {
        worker: format!("mortise-{}", process::id()),
        concurrency: usize::try_from(config.concurrency).unwrap_or(usize::MAX),
        per_tenant: usize::try_from(config.per_tenant).unwrap_or(usize::MAX),
        lease: Duration::from_secs(config.lease_seconds),
        poll: Duration::from_millis(config.poll_milliseconds),
        drain: Duration::from_secs(config.drain_seconds),
        ..SchedulerConfig::default()
    }
}

fn api_config(config: &Config) -> ApiConfig {
    ApiConfig {
        token_lifetime: Duration::from_secs(config.api.token_seconds),
        max_body_bytes: usize::try_from(config.api.max_body_bytes).unwrap_or(usize::MAX),
        max_component_bytes: usize::try_from(config.runtime.max_component_bytes).unwrap_or(usize::MAX),
        request_timeout: Duration::from_secs(config.api.request_timeout_seconds),
        drain: Duration::from_secs(config.api.drain_seconds),
    }
}
