//! The ledger as a running server.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::MissedTickBehavior};

use crate::{
    churn::ChurnReport,
    config::{Config, ConfigError},
    customer::Customer,
    faults::{FaultRule, FaultRuleError},
    http::{App, router},
    invoice::Invoice,
    ledger::{LedgerError, parsed},
    record::Record,
    shelf::Tombstone,
    traffic::{Asked, Counters},
};

/// How long requests in progress may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// A running ledger; dropping it stops it.
#[derive(Debug)]
pub struct SimulatedErp {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

/// Why a ledger does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is out of bounds.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address is taken or is not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The records of the start could not be made.
    #[error("cannot make the records: {0}")]
    Records(String),
}

impl SimulatedErp {
    /// Makes the records and listens; requests are answered from when this returns until the handle is dropped.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let listen = config.listen;
        let not_listening = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(not_listening)?;
        let address = listener.local_addr().map_err(not_listening)?;
        let (stop, stopping) = watch::channel(false);
        let app = tokio::task::spawn_blocking(move || App::new(config, stopping))
            .await
            .map_err(|error| StartError::Records(error.to_string()))?
            .map_err(|error| StartError::Records(error.to_string()))?;
        let app = Arc::new(app);
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let until = app.clone();
        let server = axum::serve(listener, router(app.clone()))
            .with_graceful_shutdown(async move { until.stopped().await });
        tokio::spawn(churn_by_itself(app.clone()));
        Ok(Self { address, app, stop, server: tokio::spawn(server.into_future()) })
    }

    /// Where it listens; with port 0 in the configuration, the port that was free.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.app.config
    }

    /// Every customer there is, in the order of numbers.
    pub fn customers(&self) -> Vec<Customer> {
        self.truth()
    }

    /// Every invoice there is, in the order of numbers.
    pub fn invoices(&self) -> Vec<Invoice> {
        self.truth()
    }

    /// Every customer that was deleted, in the order of deletion.
    pub fn deleted_customers(&self) -> Vec<Tombstone> {
        self.app.ledger.read().customers.tombstones(None).to_vec()
    }

    /// Every invoice that was deleted, in the order of deletion.
    pub fn deleted_invoices(&self) -> Vec<Tombstone> {
        self.app.ledger.read().invoices.tombstones(None).to_vec()
    }

    /// Makes so many changes at once: edits, and now and then a new record.
    ///
    /// # Panics
    ///
    /// If the ledger is full: it holds 999,999 records of a kind.
    #[expect(clippy::expect_used, reason = "a test that fills the ledger must fail loudly")]
    pub fn churn(&self, changes: u32) -> ChurnReport {
        self.app.ledger.churn(changes).expect("the ledger takes changes")
    }

    /// Lets requests misbehave.
    pub fn inject(&self, rule: FaultRule) -> Result<(), FaultRuleError> {
        self.app.faults.add(rule)
    }

    /// Takes back every fault that has not met its requests yet.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// The latest requests one by one, in the order of their answers; at most 10,000, none of `/_control`.
    pub fn asked(&self) -> Vec<Asked> {
        self.app.traffic.asked()
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.app.traffic.counters()
    }

    /// Ends the life of every token.
    pub fn expire_tokens(&self) {
        self.app.tokens.expire_all();
    }

    /// Lets no more requests in, lets those in progress end within two seconds, and frees the address.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }

    #[expect(clippy::expect_used, reason = "the ledger wrote this JSON itself")]
    fn truth<R: Record>(&self) -> Vec<R> {
        let jsons: Vec<_> = R::shelf(&self.app.ledger.read()).all().cloned().collect();
        parsed(jsons.into_iter()).expect("the ledger reads what it wrote")
    }
}

impl Drop for SimulatedErp {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Makes the configured changes, one at a time, until the server stops or the ledger is full.
async fn churn_by_itself(app: Arc<App>) {
    let per_second = app.config.churn_per_second;
    if per_second == 0 {
        return;
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stopped() => return,
        }
        match app.ledger.churn(1) {
            Ok(_) => {}
            Err(LedgerError::Full) => {
                return tracing::warn!("the ledger is full; nothing changes by itself any more");
            }
            Err(error) => return tracing::error!(%error, "nothing changes by itself any more"),
        }
    }
}
