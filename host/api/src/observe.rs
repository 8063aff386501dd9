//! The outermost layer: an id, a span and a count for each request, and the document of each error.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument as _, Span, field};

use crate::app::App;
use crate::problem::render;
use crate::request_id::{X_REQUEST_ID, header_value, request_id};

/// What a request that matches no route is counted under.
const UNMATCHED: &str = "unmatched";

/// Watches a request from its head to its answer. Neither headers nor bodies are logged.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| UNMATCHED.to_owned(), |matched| matched.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        %method,
        route,
        request_id = id,
        tenant = field::Empty,
        caller = field::Empty,
        status = field::Empty,
    );
    let started = Instant::now();
    async move {
        let response = next.run(request).await;
        let mut response = render(response, &id, &path);
        response.headers_mut().insert(X_REQUEST_ID.clone(), header_value(&id));
        let elapsed = started.elapsed();
        let status = response.status();
        app.metrics.count(&route, &method, status, elapsed);
        Span::current().record("status", status.as_u16());
        tracing::debug!(elapsed_ms = elapsed.as_secs_f64() * 1000.0, "answered");
        response
    }
    .instrument(span)
    .await
}
