//! Listening and answering.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mortise_integration::Integration;
use mortise_model::clock::Clock;
use mortise_model::secret::SecretText;
use mortise_store::{Store, StoreError};
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ApiConfig;
use crate::access::{self, KEY_PREFIX};
use crate::app::App;
use crate::router::router;

/// Most connections open at the same time. Further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// Longest time for the head of a request, and for an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Most headers of a request.
const MAX_HEADERS: usize = 100;
/// Largest head of a request, in bytes. A larger one is answered 431.
const MAX_HEAD: usize = 64 << 10;
/// How long to wait when the machine has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The HTTP interface.
pub struct Api {
    app: App,
}

/// Why the interface cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket failed.
    #[error("requests cannot be taken: {0}")]
    Socket(#[from] std::io::Error),
}

impl Api {
    /// An interface to `integration`. `metrics` is everything that `/metrics` shows; the interface adds its own.
    pub fn new(
        config: ApiConfig,
        integration: Integration,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: Registry,
    ) -> Self {
        Self { app: App::new(config, integration, store, clock, metrics) }
    }

    /// Makes a new API key: a prefix that scanners know, and 256 random bits.
    pub fn generate_key() -> SecretText {
        access::generate(KEY_PREFIX)
    }

    /// Makes a key the operator's: every scope, no tenant, no end. Keys registered so before stop working.
    pub async fn register_operator_key(&self, key: &SecretText) -> Result<(), ApiError> {
        Ok(access::register_operator_key(&self.app, key).await?)
    }

    /// The interface without a socket, for tests.
    pub fn router(&self) -> Router {
        router(self.app.clone())
    }

    /// Answers requests until `shutdown` fires, then lets those in progress finish. While it drains, `/readyz` says so.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ApiError> {
        let server = Server {
            router: self.router(),
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            tasks: TaskTracker::new(),
            draining: self.app.shutdown.clone(),
            cut: CancellationToken::new(),
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = server.accept_all(&listener) => {}
        }
        self.app.shutdown.cancel();
        server.tasks.close();
        tokio::select! {
            () = server.tasks.wait() => {}
            () = server.accept_all(&listener) => {}
            () = tokio::time::sleep(self.app.config.drain) => {
                tracing::warn!(connections = server.tasks.len(), "requests in progress are cut off");
                server.cut.cancel();
                server.tasks.wait().await;
            }
        }
        Ok(())
    }
}

/// What serves connections.
struct Server {
    router: Router,
    connections: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Fires when connections are to end after the request in progress.
    draining: CancellationToken,
    /// Fires when connections are to end at once.
    cut: CancellationToken,
}

impl Server {
    /// Accepts connections for ever.
    async fn accept_all(&self, listener: &TcpListener) {
        while let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = self.connection(stream);
                    self.tasks.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection to its end.
    fn connection(&self, stream: TcpStream) -> impl Future<Output = ()> + use<> {
        let service = TowerToHyperService::new(self.router.clone());
        let (draining, cut) = (self.draining.clone(), self.cut.clone());
        async move {
            let _ = stream.set_nodelay(true);
            // A connection that comes while the host stops is answered once: whoever probes must be told.
            let is_late = draining.is_cancelled();
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .keep_alive(!is_late)
                .max_headers(MAX_HEADERS)
                .max_header_size(MAX_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = draining.cancelled() => {
                    if !is_late {
                        connection.as_mut().graceful_shutdown();
                    }
                    tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = cut.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke");
            }
        }
    }
}
