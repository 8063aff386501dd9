//! OAuth 2 client credentials (RFC 6749, 4.4) and bearer tokens (RFC 6750).

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{Request, State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{App, Problem};
use crate::config::Config;

const BASIC_CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"brindle-ledger\"");
const BEARER_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"brindle-ledger\"");
const EXPIRED_CHALLENGE: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"brindle-ledger\", error=\"invalid_token\", error_description=\"The access token expired\"",
);

/// A token request; `scope` and anything else is ignored.
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: String,
}

/// `POST /oauth/token`.
pub(super) async fn token(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    if !is_client(&app.config, &headers) {
        let mut response =
            refusal(StatusCode::UNAUTHORIZED, "invalid_client", "wrong or missing client credentials");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, BASIC_CHALLENGE);
        return response;
    }
    match form {
        Err(rejection) => refusal(StatusCode::BAD_REQUEST, "invalid_request", &rejection.body_text()),
        Ok(Form(request)) if request.grant_type != "client_credentials" => refusal(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "grant_type must be client_credentials",
        ),
        Ok(_) => {
            app.traffic.token_issued();
            let answer = json!({
                "access_token": app.tokens.issue(),
                "token_type": "Bearer",
                "expires_in": app.tokens.lifetime().as_secs(),
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
    }
}

/// Lets a request through whose bearer token is alive.
pub(super) async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match credentials(request.headers(), "Bearer") {
        None => {
            let message = "send the token of POST /oauth/token as `Authorization: Bearer TOKEN`";
            unauthorized("token_missing", message, BEARER_CHALLENGE)
        }
        Some(token) if app.tokens.admit(token) => next.run(request).await,
        Some(_) => expired_token(),
    }
}

/// What a request with a dead token is answered.
pub(crate) fn expired_token() -> Response {
    let message = "the access token is unknown or has expired; ask POST /oauth/token for another";
    unauthorized("token_expired", message, EXPIRED_CHALLENGE)
}

fn unauthorized(code: &'static str, message: &str, challenge: HeaderValue) -> Response {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, code, message.to_owned()).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// An error in the form of RFC 6749, 5.2.
fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn is_client(config: &Config, headers: &HeaderMap) -> bool {
    credentials(headers, "Basic")
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .is_some_and(|pair| pair == format!("{}:{}", config.client_id, config.client_secret).as_bytes())
}

/// What follows the scheme in `Authorization`; the scheme's case does not matter.
fn credentials<'a>(headers: &'a HeaderMap, wanted_scheme: &str) -> Option<&'a str> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted_scheme).then(|| credentials.trim_start())
}
