//! Whether the host lives and takes requests.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{Problem, kind};

/// Longest time the store may take to say that it works.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// How the host is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Says that the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "Host",
    security(()),
    responses((status = 200, description = "The process lives", body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Says whether requests should be sent here: the store works, and the host does not stop.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "Host",
    security(()),
    responses((status = 200, description = "The host takes requests", body = Health))
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if app.shutdown.is_cancelled() {
        return Err(Problem::new(&kind::DRAINING, "the host stops and takes no new requests"));
    }
    let Ok(checked) = tokio::time::timeout(STORE_TIMEOUT, app.store.check()).await else {
        let detail = format!("the store did not answer within {} s", STORE_TIMEOUT.as_secs());
        return Err(Problem::new(&kind::UNAVAILABLE, detail));
    };
    checked?;
    Ok(Json(Health { status: "ready" }))
}
