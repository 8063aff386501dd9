//! From the credentials of a request to a caller.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, header};
use mortise_model::access::{AccessToken, ApiKey, Client, Scope};
use mortise_model::id::TenantId;
use mortise_store::{Entity as _, StoreExt as _};

use super::credentials::{KEY_PREFIX, MAX_LENGTH, hash, is_one_of};
use crate::app::App;
use crate::problem::{Problem, kind};

/// The header that carries an API key.
pub(crate) static API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// The header in which the operator names a tenant.
pub(crate) static TENANT_HEADER: HeaderName = HeaderName::from_static("x-tenant");

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The client's or the key's id.
    pub(crate) id: String,
    /// The tenant. None for the operator.
    pub(crate) tenant: Option<TenantId>,
    /// What the caller may do.
    pub(crate) scopes: BTreeSet<Scope>,
}

enum Credentials<'a> {
    Token(&'a str),
    Key(&'a str),
}

/// Finds out who calls.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    match credentials(headers)? {
        Credentials::Token(token) => by_token(app, token).await,
        Credentials::Key(key) => by_key(app, key).await,
    }
}

fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    match (text(&header::AUTHORIZATION), text(&API_KEY_HEADER)) {
        (None, None) => Err(missing()),
        (Some(_), Some(_)) => Err(invalid("send either `Authorization` or `X-Api-Key`, not both")),
        (None, Some(key)) => Ok(Credentials::Key(key)),
        (Some(authorization), None) => match authorization.split_once(' ') {
            Some((scheme, value)) if scheme.eq_ignore_ascii_case("bearer") => {
                let value = value.trim();
                let is_key = value.starts_with(KEY_PREFIX);
                Ok(if is_key { Credentials::Key(value) } else { Credentials::Token(value) })
            }
            _ => Err(invalid("`Authorization` must be `Bearer` and an access token, or an API key")),
        },
    }
}

async fn by_token(app: &App, token: &str) -> Result<Caller, Problem> {
    let unknown = || invalid("the access token is not valid, or it expired: take a new one at /oauth/token");
    if token.len() > MAX_LENGTH {
        return Err(unknown());
    }
    let system = TenantId::system();
    let digest = hash(token);
    let found = app.store.load::<AccessToken>(&system, digest.to_string()).await?;
    let (found, _) = found
        .filter(|(found, _)| is_one_of(token, &[found.hash]) && app.now() < found.expires_at)
        .ok_or_else(unknown)?;
    let (client, _) = app.store.load::<Client>(&system, found.client.as_str()).await?.ok_or_else(unknown)?;
    let scopes = found.scopes.intersection(&client.scopes).copied().collect();
    Ok(Caller { id: client.id.to_string(), tenant: Some(client.tenant), scopes })
}

async fn by_key(app: &App, key: &str) -> Result<Caller, Problem> {
    let unknown = || invalid("the API key is not valid, or it expired or was removed");
    if key.is_empty() || key.len() > MAX_LENGTH {
        return Err(unknown());
    }
    let texts = [hash(key).to_string()];
    let found = app.store.find_unique(&TenantId::system(), ApiKey::COLLECTION, "hash", &texts).await?;
    let found: ApiKey = found.into_iter().flatten().next().ok_or_else(unknown)?.decode()?;
    let expired = found.expires_at.is_some_and(|end| end <= app.now());
    if expired || !is_one_of(key, &[found.hash]) {
        return Err(unknown());
    }
    Ok(Caller { id: found.id.to_string(), tenant: found.tenant, scopes: found.scopes })
}

fn missing() -> Problem {
    let detail = "send an access token as `Authorization: Bearer`, or an API key as `X-Api-Key`";
    Problem::new(&kind::UNAUTHENTICATED, detail)
        .with_header(header::WWW_AUTHENTICATE, r#"Bearer realm="mortise""#)
}

fn invalid(detail: &str) -> Problem {
    let challenge = r#"Bearer realm="mortise", error="invalid_token""#;
    Problem::new(&kind::INVALID_TOKEN, detail).with_header(header::WWW_AUTHENTICATE, challenge)
}

/// The caller lacks a scope (RFC 6750, section 3.1).
pub(super) fn lacks(scope: Scope) -> Problem {
    let challenge = format!(r#"Bearer realm="mortise", error="insufficient_scope", scope="{scope}""#);
    let detail = format!("this needs the scope `{scope}`: ask for it, or have the client or key given it");
    Problem::new(&kind::INSUFFICIENT_SCOPE, detail)
        .with("scope", scope.name())
        .with_header(header::WWW_AUTHENTICATE, &challenge)
}
