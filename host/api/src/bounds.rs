//! The bounds of one request and of all: length of the address, number in progress, time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::problem::{Problem, kind};

/// Longest path, in bytes.
const MAX_PATH: usize = 2_048;
/// Longest query, in bytes.
const MAX_QUERY: usize = 8_192;
/// Longest time for the upload of a component.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);
/// Longest time for the test of an instance. The tenant's own limit, `callWallMs`, ends it sooner.
const TEST_TIMEOUT: Duration = Duration::from_mins(20);
/// Paths that are answered however busy the host is.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Holds the bounds.
pub(crate) async fn bound(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Err(problem) = check_address(&request) {
        return problem.into_response();
    }
    if ALWAYS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(_permit) = Arc::clone(&app.requests).try_acquire_owned() else {
        let detail = "the host has as many requests in progress as it takes: try again shortly";
        return Problem::new(&kind::BUSY, detail).retry_after(1).into_response();
    };
    let limit = time_limit(&app, &request);
    if let Ok(response) = tokio::time::timeout(limit, next.run(request)).await {
        return response;
    }
    let detail = format!("the request took longer than {} s: try again later", limit.as_secs());
    Problem::new(&kind::TIMEOUT, detail).retry_after(5).into_response()
}

fn check_address(request: &Request) -> Result<(), Problem> {
    let uri = request.uri();
    for (what, length, most) in
        [("path", uri.path().len(), MAX_PATH), ("query", uri.query().map_or(0, str::len), MAX_QUERY)]
    {
        if length > most {
            let detail = format!("the {what} has {length} bytes, the most is {most}");
            return Err(Problem::new(&kind::URI_TOO_LONG, detail));
        }
    }
    Ok(())
}

fn time_limit(app: &App, request: &Request) -> Duration {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match (request.method().as_str(), route) {
        ("POST", "/manage/plugins") => UPLOAD_TIMEOUT,
        ("POST", "/manage/instances/{id}/test") => TEST_TIMEOUT,
        _ => app.config.request_timeout,
    }
}
