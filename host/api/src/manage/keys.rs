//! `/manage/tenants/{id}/keys`: API keys of a tenant.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mortise_model::access::{ApiKey, Scope};
use mortise_model::clock::Timestamp;
use mortise_model::id::{ApiKeyId, TenantId};
use mortise_query::{Filter, PageRequest, Query};
use mortise_store::{Batch, Expect, Origin, StoreExt as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scopes::{MAX_PER_TENANT, check_name, granted, tenant_of};
use crate::access::{KEY_PREFIX, Operator, generate, hash};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::{Problem, kind};

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewKey {
    /// The name people read.
    name: String,
    /// What it may do. All that a tenant may have when left out.
    scopes: Option<Vec<String>>,
    /// When it stops working. Never when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A key as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownKey {
    /// The id. Not the key.
    id: String,
    /// The name people read.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// When it stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedKey {
    #[serde(flatten)]
    shown: ShownKey,
    /// The key. Shown this once.
    key: String,
}

/// Lists the API keys of a tenant.
#[utoipa::path(
    get,
    path = "/manage/tenants/{id}/keys",
    operation_id = "listKeys",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The keys, without the keys themselves", body = Vec<ShownKey>))
)]
pub(super) async fn list_keys(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShownKey>>, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    Ok(Json(keys_of(&app, &tenant.id).await?.into_iter().map(ShownKey::from).collect()))
}

/// Creates an API key. The key is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/manage/tenants/{id}/keys",
    operation_id = "createKey",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    request_body = NewKey,
    responses((status = 201, description = "The key", body = CreatedKey))
)]
pub(super) async fn create_key(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewKey>,
) -> Result<Response, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    check_name(&new.name)?;
    let scopes = granted(new.scopes)?;
    if new.expires_at.is_some_and(|end| end <= app.now()) {
        return Err(Problem::invalid_member("/expiresAt", "in-the-past", "a key ends in the future"));
    }
    if keys_of(&app, &tenant.id).await?.len() >= MAX_PER_TENANT as usize {
        let detail = format!("the tenant has {MAX_PER_TENANT} keys, the most there may be: remove one first");
        return Err(Problem::new(&kind::LIMIT, detail));
    }
    let key = generate(KEY_PREFIX);
    let stored = ApiKey {
        id: ApiKeyId::new(),
        tenant: Some(tenant.id),
        name: new.name,
        scopes,
        hash: hash(key.reveal()),
        expires_at: new.expires_at,
        created_at: app.now(),
    };
    let mut batch = Batch::new(TenantId::system(), Origin::Api, app.now());
    batch.put(&stored, Expect::Absent)?;
    app.store.commit(batch).await?;
    let created = CreatedKey { shown: stored.into(), key: key.reveal().to_owned() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(created)).into_response())
}

/// Removes an API key. It stops working at once.
#[utoipa::path(
    delete,
    path = "/manage/tenants/{id}/keys/{key}",
    operation_id = "removeKey",
    tag = "Tenants",
    params(
        ("id" = String, Path, description = "The tenant"),
        ("key" = String, Path, description = "The key's id"),
    ),
    responses((status = 204, description = "The key is gone"))
)]
pub(super) async fn remove_key(
    _: Operator,
    State(app): State<App>,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    let unknown = || Problem::not_found("API key", &key);
    let parsed: ApiKeyId = key.parse().map_err(|_| unknown())?;
    let found = app.store.load::<ApiKey>(&TenantId::system(), parsed.as_str()).await?;
    let (found, version) =
        found.filter(|(found, _)| found.tenant.as_ref() == Some(&tenant.id)).ok_or_else(unknown)?;
    let mut batch = Batch::new(TenantId::system(), Origin::Api, app.now());
    batch.delete::<ApiKey>(found.id.as_str(), Expect::At(version));
    app.store.commit(batch).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keys_of(app: &App, tenant: &TenantId) -> Result<Vec<ApiKey>, Problem> {
    let query = Query {
        filter: Some(Filter::eq("tenant", tenant.as_str())),
        page: PageRequest::first(MAX_PER_TENANT),
        ..Query::default()
    };
    Ok(app.store.select(&TenantId::system(), &query).await?)
}

impl From<ApiKey> for ShownKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: key.scopes.into_iter().map(Scope::name).collect(),
            expires_at: key.expires_at,
            created_at: key.created_at,
        }
    }
}
