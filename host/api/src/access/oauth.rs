//! The errors of the token endpoint (RFC 6749, section 5.2), which have a form of their own, and its client
//! authentication.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mortise_model::access::Client;
use mortise_model::id::{ClientId, TenantId};
use mortise_store::StoreExt as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::credentials::{MAX_LENGTH, is_one_of};
use crate::app::App;
use crate::problem::{Problem, Rendered};

/// An error of the token endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OAuthError {
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<u64>,
    /// The code of RFC 6749: `invalid_client`, `invalid_request` and their like.
    error: &'static str,
    /// What was wrong and what to do.
    error_description: String,
}

impl OAuthError {
    /// A request that is refused with 400.
    pub(super) fn refused(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            retry_after: None,
            error,
            error_description: description.into(),
        }
    }

    /// A client that did not prove who it is.
    fn unknown_client(description: &str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::refused("invalid_client", description) }
    }

    fn too_many(seconds: u64) -> Self {
        let description = format!("too many attempts with a wrong secret: try again in {seconds} s");
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds),
            ..Self::refused("invalid_client", description)
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        response.extensions_mut().insert(Rendered);
        let headers = response.headers_mut();
        forbid_storing(headers);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="mortise""#));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Keeps an answer with secrets out of every cache.
pub(super) fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// What the token endpoint answers when it does not succeed: its own errors, or a failure of the host.
pub(crate) enum TokenFailure {
    Refused(OAuthError),
    Host(Problem),
}

impl From<OAuthError> for TokenFailure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<Problem> for TokenFailure {
    fn from(problem: Problem) -> Self {
        Self::Host(problem)
    }
}

impl From<mortise_store::StoreError> for TokenFailure {
    fn from(error: mortise_store::StoreError) -> Self {
        Self::Host(error.into())
    }
}

impl IntoResponse for TokenFailure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => error.into_response(),
            Self::Host(problem) => {
                let mut response = problem.into_response();
                forbid_storing(response.headers_mut());
                response
            }
        }
    }
}

/// Finds the client by HTTP Basic. Credentials in the body are not looked at.
pub(super) async fn authenticate_client(app: &App, headers: &HeaderMap) -> Result<Client, TokenFailure> {
    let (id, secret) = basic(headers).ok_or_else(|| {
        OAuthError::unknown_client(
            "authenticate with HTTP Basic: the client's id and secret, not in the body",
        )
    })?;
    if let Some(seconds) = app.failures.refused_for(&id, app.now()) {
        return Err(OAuthError::too_many(seconds).into());
    }
    let client = match id.parse::<ClientId>() {
        Ok(id) => app.store.load::<Client>(&TenantId::system(), id.as_str()).await?,
        Err(_) => None,
    };
    let known = client.filter(|(client, _)| is_one_of(&secret, &client.secret_hashes));
    let Some((client, _)) = known else {
        app.failures.note(&id, app.now());
        return Err(OAuthError::unknown_client("the client's id or secret is wrong").into());
    };
    Ok(client)
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 2 * MAX_LENGTH {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_and_anything_else_is_not() {
        let read = |value: &str| {
            basic(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]))
        };
        assert_eq!(read("Basic YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(read("basic YTo="), Some(("a".to_owned(), String::new())));
        for value in ["Basic", "Basic !!!", "Basic YQ==", "Bearer YTpi"] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
