//! The HTTP interface.

mod authentication;
mod control;
mod listing;
mod problem;
mod records;
mod writing;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) use self::{authentication::expired_token, problem::Problem};
use crate::{
    config::Config,
    customer::Customer,
    faults::{Faults, inject},
    invoice::Invoice,
    ledger::{Ledger, LedgerError},
    record::Record,
    tokens::Tokens,
    traffic::{Asked, Traffic},
};

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// What every request shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) ledger: Ledger,
    pub(crate) tokens: Tokens,
    pub(crate) faults: Faults,
    pub(crate) traffic: Traffic,
    stopping: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(config: Config, stopping: watch::Receiver<bool>) -> Result<Self, LedgerError> {
        Ok(Self {
            ledger: Ledger::new(&config)?,
            tokens: Tokens::new(config.token_lifetime, config.token_uses),
            faults: Faults::default(),
            traffic: Traffic::default(),
            config,
            stopping,
        })
    }

    /// Puts everything back to how it was at the start.
    pub(crate) fn reset(&self) -> Result<(), LedgerError> {
        self.faults.clear();
        self.tokens.expire_all();
        self.ledger.reset()?;
        self.traffic.reset();
        Ok(())
    }

    /// Waits that long, or until the server stops.
    pub(crate) async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stopped() => {}
        }
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // A sender that is gone has stopped too.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }
}

/// Every route: counted, then authenticated, then open to faults; the control interface is none of these.
pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/api/v2/ping", get(ping))
        .merge(records::<Customer>("/api/v2/customers"))
        .merge(records::<Invoice>("/api/v2/invoices"))
        .route_layer(from_fn_with_state(app.clone(), inject))
        .route_layer(from_fn_with_state(app.clone(), authentication::require_token));
    let oauth = Router::new()
        .route("/oauth/token", post(authentication::token))
        .route_layer(from_fn_with_state(app.clone(), inject));
    api.merge(oauth)
        .fallback(no_such_path)
        .layer(from_fn_with_state(app.clone(), count))
        .merge(control::routes())
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}

fn records<R: Record>(path: &str) -> Router<Arc<App>> {
    Router::new()
        .route(path, get(listing::list::<R>).post(writing::create::<R>))
        .route(&format!("{path}/deleted"), get(listing::deleted::<R>))
        .route(
            &format!("{path}/{{no}}"),
            get(records::read::<R>)
                .put(writing::replace::<R>)
                .patch(writing::merge::<R>)
                .delete(writing::remove::<R>),
        )
}

async fn ping(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "product": "Brindle Ledger", "account": app.config.account_name }))
}

async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let _in_flight = app.traffic.enter();
    let path = request.extensions().get::<MatchedPath>().map_or("(unknown path)", MatchedPath::as_str);
    let name = format!("{} {path}", request.method());
    let (at, asked) = (Instant::now(), format!("{} {}", request.method(), request.uri()));
    if !app.config.latency.is_zero() {
        app.pause(app.config.latency).await;
    }
    let response = next.run(request).await;
    tracing::debug!(request = name, status = response.status().as_u16(), "answered");
    let status = response.status().as_u16();
    app.traffic.answered(name, status);
    app.traffic.remember(Asked { at, request: asked, status });
    response
}

async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_path",
        "the ledger has no such path; its interface is below /api/v2".to_owned(),
    )
}

async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no_such_method",
        "this path does not take that method".to_owned(),
    )
}
