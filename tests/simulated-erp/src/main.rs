//! `simulated-erp`: the ledger as a process of its own.
#![forbid(unsafe_code)]

use std::{error::Error, net::SocketAddr, time::Duration};

use clap::Parser;
use serde_json::json;
use simulated_erp::{Config, SimulatedErp};
use tracing_subscriber::EnvFilter;

/// Brindle Ledger, a simulated third-party ERP.
///
/// Prints one line of JSON when it is ready: `{"listening":"http://127.0.0.1:PORT","clientId":"...","clientSecret":"..."}`.
/// Logs go to standard error, as much of them as `RUST_LOG` asks for.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value_t = Config::default().listen)]
    listen: SocketAddr,
    /// Customers at the start, at most 999,999.
    #[arg(long, default_value_t = Config::default().customers)]
    customers: u32,
    /// Invoices at the start, at most 999,999.
    #[arg(long, default_value_t = Config::default().invoices)]
    invoices: u32,
    /// What the records are made of: the same seed makes the same records.
    #[arg(long, default_value_t = Config::default().seed)]
    seed: u64,
    /// How long an access token lives.
    #[arg(long, default_value_t = Config::default().token_lifetime.as_secs())]
    token_seconds: u64,
    /// How many requests an access token lives for; any number if absent.
    #[arg(long)]
    token_uses: Option<u32>,
    /// The largest pageSize of a list, at most 10,000.
    #[arg(long, default_value_t = Config::default().max_page_size)]
    max_page_size: u32,
    /// How long every answer is held back, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Changes that the ledger makes by itself every second.
    #[arg(long, default_value_t = 0)]
    churn: u32,
    /// The OAuth client's id.
    #[arg(long, default_value_t = Config::default().client_id)]
    client_id: String,
    /// The OAuth client's secret.
    #[arg(long, default_value_t = Config::default().client_secret)]
    client_secret: String,
    /// The name that `GET /api/v2/ping` answers.
    #[arg(long, default_value_t = Config::default().account_name)]
    account_name: String,
}

impl Arguments {
    fn into_config(self) -> Config {
        Config {
            listen: self.listen,
            account_name: self.account_name,
            client_id: self.client_id,
            client_secret: self.client_secret,
            token_lifetime: Duration::from_secs(self.token_seconds),
            token_uses: self.token_uses,
            customers: self.customers,
            invoices: self.invoices,
            seed: self.seed,
            max_page_size: self.max_page_size,
            latency: Duration::from_millis(self.latency_ms),
            churn_per_second: self.churn,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let erp = SimulatedErp::start(Arguments::parse().into_config()).await?;
    let ready = json!({
        "listening": erp.base_url(),
        "clientId": erp.config().client_id,
        "clientSecret": erp.config().client_secret,
    });
    println!("{ready}");
    stop_requested().await?;
    erp.shutdown().await;
    Ok(())
}

/// Waits for an interrupt or a request to terminate.
async fn stop_requested() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
