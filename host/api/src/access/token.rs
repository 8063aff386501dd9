//! `POST /oauth/token` and `POST /oauth/revoke`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mortise_model::access::{AccessToken, Client, Scope};
use mortise_model::id::TenantId;
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_store::{Batch, Entity as _, Expect, Origin, StoreError, StoreExt as _};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::ToSchema;

use super::credentials::{MAX_LENGTH, TOKEN_PREFIX, generate, hash};
use super::oauth::{OAuthError, TokenFailure, authenticate_client, forbid_storing};
use crate::app::App;
use crate::body::{media_type, read};

/// Largest form, in bytes.
const MAX_FORM: usize = 8 << 10;
/// Most expired tokens that are removed whenever a new one is given out. More than one, so that they do not pile up.
const SWEEP: u32 = 20;

/// The form of a token request.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form, which is read by hand so that its errors are those of RFC 6749"
)]
pub(crate) struct TokenRequest {
    /// `client_credentials`.
    grant_type: String,
    /// Scopes separated by spaces. All of the client's when left out.
    scope: Option<String>,
}

/// The form of a revocation.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form, which is read by hand so that its errors are those of RFC 6749"
)]
struct RevocationRequest {
    /// The access token.
    token: String,
}

/// A token that was given out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// The token. Opaque.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// How many seconds it works.
    expires_in: u64,
    /// What it allows: scopes separated by spaces.
    scope: String,
}

/// Gives out an access token (RFC 6749, section 4.4).
///
/// The client authenticates with HTTP Basic. Credentials in the body are refused.
#[utoipa::path(
    post,
    path = "/oauth/token",
    operation_id = "takeToken",
    tag = "OAuth",
    security(("client" = [])),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "The request is refused", body = OAuthError),
        (status = 401, description = "The client is not known", body = OAuthError),
        (status = 429, description = "Too many attempts failed", body = OAuthError),
    )
)]
pub(crate) async fn take_token(State(app): State<App>, request: Request) -> Result<Response, TokenFailure> {
    let (form, client) = read_form(&app, request).await?;
    match form.one("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(OAuthError::refused(
                "unsupported_grant_type",
                "only `client_credentials` is offered",
            )
            .into());
        }
        None => return Err(OAuthError::refused("invalid_request", "the form has no `grant_type`").into()),
    }
    let scopes = wanted_scopes(form.one("scope")?, &client)?;
    let token = generate(TOKEN_PREFIX);
    let lifetime = app.config.token_lifetime;
    keep(
        &app,
        &AccessToken {
            hash: hash(token.reveal()),
            client: client.id,
            tenant: client.tenant,
            scopes: scopes.clone(),
            expires_at: app.now().plus(lifetime),
        },
    )
    .await?;
    let scope = scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
    let answer = TokenAnswer {
        access_token: token.reveal().to_owned(),
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
        scope,
    };
    let mut response = Json(answer).into_response();
    forbid_storing(response.headers_mut());
    Ok(response)
}

/// Makes an access token void (RFC 7009). A token that is not the client's, or not known, is answered the same.
#[utoipa::path(
    post,
    path = "/oauth/revoke",
    operation_id = "revokeToken",
    tag = "OAuth",
    security(("client" = [])),
    request_body(content = RevocationRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token does not work any more"),
        (status = 400, description = "The request is refused", body = OAuthError),
        (status = 401, description = "The client is not known", body = OAuthError),
    )
)]
pub(crate) async fn revoke_token(
    State(app): State<App>,
    request: Request,
) -> Result<StatusCode, TokenFailure> {
    let (form, client) = read_form(&app, request).await?;
    let token = form.one("token")?.filter(|token| token.len() <= MAX_LENGTH);
    let token = token.ok_or_else(|| OAuthError::refused("invalid_request", "the form has no `token`"))?;
    let system = TenantId::system();
    let id = hash(token).to_string();
    let found = app.store.load::<AccessToken>(&system, id.as_str()).await?;
    if found.is_some_and(|(found, _)| found.client == client.id) {
        let mut batch = Batch::new(system, Origin::Api, app.now());
        batch.delete::<AccessToken>(id, Expect::Any);
        app.store.commit(batch).await?;
    }
    Ok(StatusCode::OK)
}

/// The parameters of a form.
struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a parameter. One that is empty counts as left out (RFC 6749, section 3.2).
    fn one(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(OAuthError::refused("invalid_request", format!("`{name}` stands twice")));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }
}

async fn read_form(app: &App, request: Request) -> Result<(Form, Client), TokenFailure> {
    let headers = request.headers().clone();
    let client = authenticate_client(app, &headers).await?;
    if media_type(&headers) != "application/x-www-form-urlencoded" {
        let description = "send the form with `Content-Type: application/x-www-form-urlencoded`";
        return Err(OAuthError::refused("invalid_request", description).into());
    }
    let bytes = read(request, MAX_FORM, "form").await?;
    Ok((Form(form_urlencoded::parse(&bytes).into_owned().collect()), client))
}

fn wanted_scopes(text: Option<&str>, client: &Client) -> Result<BTreeSet<Scope>, OAuthError> {
    let Some(text) = text else { return Ok(client.scopes.clone()) };
    let mut scopes = BTreeSet::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let scope: Scope =
            word.parse().map_err(|error| OAuthError::refused("invalid_scope", format!("{error}")))?;
        if !client.scopes.contains(&scope) {
            let description = format!("the client was not given the scope `{scope}`");
            return Err(OAuthError::refused("invalid_scope", description));
        }
        scopes.insert(scope);
    }
    if scopes.is_empty() { Ok(client.scopes.clone()) } else { Ok(scopes) }
}

/// Keeps a token, and removes some that expired in the same batch.
async fn keep(app: &App, token: &AccessToken) -> Result<(), StoreError> {
    let system = TenantId::system();
    let expired = Query {
        filter: Some(Filter::lt("expiresAt", app.now().to_utc())),
        order: vec![SortKey::ascending("expiresAt", ValueType::Timestamp)],
        page: PageRequest::first(SWEEP),
        count: false,
    };
    let expired = app.store.query(&system, AccessToken::COLLECTION, &expired).await?;
    let mut batch = Batch::new(system, Origin::Api, app.now());
    batch.put(token, Expect::Absent)?;
    for document in expired.documents {
        batch.delete::<AccessToken>(document.id, Expect::Any);
    }
    app.store.commit(batch).await?;
    Ok(())
}
