//! `/manage/tenants/{id}/clients`: OAuth clients of a tenant.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mortise_model::access::Client;
use mortise_model::clock::Timestamp;
use mortise_model::id::{ClientId, TenantId};
use mortise_query::{Filter, PageRequest, Query};
use mortise_store::{Batch, Expect, Origin, StoreExt as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scopes::{MAX_PER_TENANT, check_name, granted, tenant_of};
use crate::access::{Operator, SECRET_PREFIX, generate, hash};
use crate::app::App;
use crate::body::JsonBody;
use crate::problem::{Problem, kind};

/// A client to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewClient {
    /// The name people read.
    name: String,
    /// What it may do at most. All that a tenant may have when left out.
    scopes: Option<Vec<String>>,
}

/// A client as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownClient {
    /// The id: the user name of HTTP Basic at `/oauth/token`.
    client_id: String,
    /// The name people read.
    name: String,
    /// What it may do at most.
    scopes: Vec<&'static str>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A client that was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedClient {
    #[serde(flatten)]
    client: ShownClient,
    /// The secret. Shown this once.
    client_secret: String,
}

/// Lists the OAuth clients of a tenant.
#[utoipa::path(
    get,
    path = "/manage/tenants/{id}/clients",
    operation_id = "listClients",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The clients, without secrets", body = Vec<ShownClient>))
)]
pub(super) async fn list_clients(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShownClient>>, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    Ok(Json(clients_of(&app, &tenant.id).await?.into_iter().map(ShownClient::from).collect()))
}

/// Creates an OAuth client. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/manage/tenants/{id}/clients",
    operation_id = "createClient",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    request_body = NewClient,
    responses((status = 201, description = "The client with its secret", body = CreatedClient))
)]
pub(super) async fn create_client(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewClient>,
) -> Result<Response, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    check_name(&new.name)?;
    let scopes = granted(new.scopes)?;
    if clients_of(&app, &tenant.id).await?.len() >= MAX_PER_TENANT as usize {
        let detail =
            format!("the tenant has {MAX_PER_TENANT} clients, the most there may be: remove one first");
        return Err(Problem::new(&kind::LIMIT, detail));
    }
    let secret = generate(SECRET_PREFIX);
    let client = Client {
        id: ClientId::new(),
        tenant: tenant.id,
        name: new.name,
        scopes,
        secret_hashes: vec![hash(secret.reveal())],
        created_at: app.now(),
    };
    let mut batch = Batch::new(TenantId::system(), Origin::Api, app.now());
    batch.put(&client, Expect::Absent)?;
    app.store.commit(batch).await?;
    let created = CreatedClient { client: client.into(), client_secret: secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(created)).into_response())
}

/// Removes an OAuth client. Its tokens stop working at once.
#[utoipa::path(
    delete,
    path = "/manage/tenants/{id}/clients/{client}",
    operation_id = "removeClient",
    tag = "Tenants",
    params(
        ("id" = String, Path, description = "The tenant"),
        ("client" = String, Path, description = "The client"),
    ),
    responses((status = 204, description = "The client is gone"))
)]
pub(super) async fn remove_client(
    _: Operator,
    State(app): State<App>,
    Path((id, client)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (tenant, _) = tenant_of(&app, &id).await?;
    let unknown = || Problem::not_found("client", &client);
    let parsed: ClientId = client.parse().map_err(|_| unknown())?;
    let found = app.store.load::<Client>(&TenantId::system(), parsed.as_str()).await?;
    let (found, version) = found.filter(|(found, _)| found.tenant == tenant.id).ok_or_else(unknown)?;
    let mut batch = Batch::new(TenantId::system(), Origin::Api, app.now());
    batch.delete::<Client>(found.id.as_str(), Expect::At(version));
    app.store.commit(batch).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clients_of(app: &App, tenant: &TenantId) -> Result<Vec<Client>, Problem> {
    let query = Query {
        filter: Some(Filter::eq("tenant", tenant.as_str())),
        page: PageRequest::first(MAX_PER_TENANT),
        ..Query::default()
    };
    Ok(app.store.select(&TenantId::system(), &query).await?)
}

impl From<Client> for ShownClient {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.id.to_string(),
            name: client.name,
            scopes: client.scopes.into_iter().map(mortise_model::access::Scope::name).collect(),
            created_at: client.created_at,
        }
    }
}
