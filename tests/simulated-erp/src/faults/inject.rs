//! The layer where faults meet requests, behind authentication and before the books.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::Value;

use super::{
    reshape,
    rule::{Fault, RetryAfter},
};
use crate::http::{App, Problem, expired_token};

/// The largest answer that a fault changes: the largest page of large records.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Lets a request through, unless a rule waits for it.
pub(crate) async fn inject(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(fault) = app.faults.meet(request.method(), request.uri()) else {
        return next.run(request).await;
    };
    app.traffic.fault_met(fault.kind());
    match fault {
        Fault::Status { status } => failure(Fault::status_code(status)),
        Fault::TooManyRequests { retry_after } => too_many_requests(retry_after),
        Fault::Unauthorized => expired_token(),
        Fault::Redirect { location } => redirect(&location),
        Fault::Hang => hang(&app).await,
        Fault::HangAfterwards => {
            next.run(request).await;
            hang(&app).await
        }
        Fault::HtmlPage => Html(LOG_IN_PAGE).into_response(),
        Fault::ErrorObject => {
            let mut response = failure(StatusCode::INTERNAL_SERVER_ERROR);
            *response.status_mut() = StatusCode::OK;
            response
        }
        Fault::Slow { ms } => {
            app.pause(Duration::from_millis(ms)).await;
            next.run(request).await
        }
        Fault::DropMidBody => rewritten(next.run(request).await, |body| drop_mid_body(&body)).await,
        Fault::DropMidChunks => {
            let mut response = rewritten(next.run(request).await, |body| drop_mid_body(&body)).await;
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        }
        Fault::RevokeTokens => {
            app.tokens.expire_all();
            expired_token()
        }
        Fault::LongBody { bytes } => long_body(bytes),
        Fault::TruncatedJson => {
            rewritten(next.run(request).await, |body| body.slice(..body.len() / 2).into()).await
        }
        Fault::Trickle { chunk_bytes, pause_ms } => {
            let pause = Duration::from_millis(pause_ms);
            rewritten(next.run(request).await, |body| trickle(app, body, chunk_bytes, pause)).await
        }
        Fault::EmptyPage => reshaped(next.run(request).await, reshape::empty).await,
        Fault::WrongTotal { by } => {
            reshaped(next.run(request).await, |list| {
                reshape::shift_total(list, by);
            })
            .await
        }
        Fault::MalformedRecord { index, damage } => {
            reshaped(next.run(request).await, |list| {
                reshape::spoil(list, index, damage);
            })
            .await
        }
        Fault::RepeatLastPage => {
            let Some((uri, page)) = reshape::for_previous_page(request.uri()) else {
                return next.run(request).await;
            };
            *request.uri_mut() = uri;
            reshaped(next.run(request).await, |list| {
                reshape::label_page(list, page);
            })
            .await
        }
    }
}

const LOG_IN_PAGE: &str = "<!DOCTYPE html><html><head><title>Brindle Ledger - sign in</title></head>\
    <body><h1>Your session has ended</h1><form action=\"/login\"><input name=\"user\"></form></body></html>";

fn failure(status: StatusCode) -> Response {
    Problem::new(status, "injected", "the ledger was told to fail here".to_owned()).into_response()
}

fn redirect(location: &str) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn too_many_requests(retry_after: Option<RetryAfter>) -> Response {
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS);
    let value = match retry_after {
        None => return response,
        Some(RetryAfter::Seconds(seconds)) => seconds.to_string(),
        Some(RetryAfter::DateInSeconds(seconds)) => {
            let wait = Duration::from_secs(seconds.into());
            httpdate::fmt_http_date(std::time::SystemTime::now() + wait)
        }
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Holds the request until the caller gives up or the server stops.
async fn hang(app: &App) -> Response {
    app.stopped().await;
    failure(StatusCode::SERVICE_UNAVAILABLE)
}

/// Puts another body under the head of an answer, whose `Content-Length` stays unless the new body has one.
async fn rewritten(response: Response, rewrite: impl FnOnce(Bytes) -> Body) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_ANSWER).await else {
        return failure(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let promised = body.len();
    let body = rewrite(body);
    let length = axum::body::HttpBody::size_hint(&body).exact();
    let length = length.unwrap_or(u64::try_from(promised).unwrap_or(u64::MAX));
    head.headers.insert(header::CONTENT_LENGTH, length.into());
    Response::from_parts(head, body)
}

/// Changes the JSON of a successful answer.
async fn reshaped(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    if !response.status().is_success() {
        return response;
    }
    rewritten(response, |body| match serde_json::from_slice::<Value>(&body) {
        Ok(mut json) if json.is_object() => {
            change(&mut json);
            Body::from(json.to_string())
        }
        _ => Body::from(body),
    })
    .await
}

fn drop_mid_body(body: &Bytes) -> Body {
    let half = stream::iter([Ok(body.slice(..body.len() / 2))]);
    let broken = stream::once(async {
        // The server sends what it has when the body has nothing ready; only then does it break off.
        tokio::task::yield_now().await;
        Err(io::Error::other("the connection was told to break"))
    });
    Body::from_stream(half.chain(broken))
}

/// The beginning of a list, and then one blank after the other.
fn long_body(bytes: u32) -> Response {
    static BLANKS: [u8; 64 * 1024] = [b' '; 64 * 1024];
    let chunks = stream::unfold(u64::from(bytes), |left| async move {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(BLANKS.len());
        let chunk = Bytes::from_static(&BLANKS[..length]);
        (0 < length).then_some((Ok::<_, io::Error>(chunk), left - length as u64))
    });
    let head = stream::iter([Ok(Bytes::from_static(b"{\"items\":["))]);
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(head.chain(chunks))).into_response()
}

fn trickle(app: Arc<App>, body: Bytes, chunk_bytes: usize, pause: Duration) -> Body {
    Body::from_stream(stream::unfold((app, body), move |(app, mut rest)| async move {
        if rest.is_empty() {
            return None;
        }
        app.pause(pause).await;
        if app.is_stopping() {
            return Some((Err(io::Error::other("the server stops")), (app, Bytes::new())));
        }
        let chunk = rest.split_to(chunk_bytes.min(rest.len()));
        Some((Ok(chunk), (app, rest)))
    }))
}
