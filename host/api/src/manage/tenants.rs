//! `/manage/tenants`: the operator's alone.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use mortise_model::id::TenantId;
use mortise_model::tenant::{Tenant, TenantLimits};
use mortise_query::Query;
use mortise_store::{Batch, Conflict, Document, Entity as _, Expect, Origin, StoreError, Version};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::scopes::{check_name, tenant_of};
use crate::access::Operator;
use crate::app::App;
use crate::body::{JsonBody, MergeBody, parse_value};
use crate::etag::{EntityTag, explain_change};
use crate::parameters::Parameters;
use crate::problem::{Problem, kind};
use crate::schema;

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewTenant {
    /// The id: 1 to 63 of `a-z`, `0-9` and `-`, starting with a letter.
    id: String,
    /// The name people read.
    name: String,
    /// What it may use. A missing limit has its default.
    #[serde(default)]
    #[schema(value_type = Option<schema::tenant::TenantLimits>)]
    limits: TenantLimits,
}

/// Changes to a tenant. A missing member stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TenantChanges {
    /// The name people read.
    name: Option<String>,
    /// The limits to change. Null puts one back to its default.
    #[schema(value_type = Option<schema::tenant::TenantLimits>)]
    limits: Option<Map<String, Value>>,
}

/// Lists tenants by id.
#[utoipa::path(
    get,
    path = "/manage/tenants",
    operation_id = "listTenants",
    tag = "Tenants",
    params(
        ("page" = Option<u32>, Query, description = "The number of the page, from 1"),
        ("size" = Option<u32>, Query, description = "Tenants of a page, 1 to 500"),
    ),
    responses((status = 200, description = "A page of tenants", body = Vec<schema::tenant::Tenant>))
)]
pub(super) async fn list_tenants(
    _: Operator,
    State(app): State<App>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&["page", "size"])?;
    let page = parameters.page()?;
    let query = Query { page: page.clone(), ..Query::default() };
    let found = app.store.query(&TenantId::system(), Tenant::COLLECTION, &query).await?;
    let tenants = found.documents.iter().map(Document::decode).collect::<Result<Vec<Tenant>, _>>()?;
    Ok(([(header::LINK, parameters.links(&page, found.more))], Json(tenants)).into_response())
}

/// Creates a tenant.
#[utoipa::path(
    post,
    path = "/manage/tenants",
    operation_id = "createTenant",
    tag = "Tenants",
    request_body = NewTenant,
    responses((status = 201, description = "The tenant", body = schema::tenant::Tenant))
)]
pub(super) async fn create_tenant(
    _: Operator,
    State(app): State<App>,
    JsonBody(new): JsonBody<NewTenant>,
) -> Result<Response, Problem> {
    check_name(&new.name)?;
    let id: TenantId =
        new.id.parse().map_err(|error| Problem::invalid_member("/id", "invalid", format!("{error}")))?;
    let tenant = Tenant { id, name: new.name, limits: new.limits, created_at: app.now() };
    match write(&app, &tenant, Expect::Absent).await {
        Ok(version) => {
            let location = format!("/manage/tenants/{}", tenant.id);
            let headers = [(header::LOCATION, location), (header::ETAG, EntityTag::new(version).to_string())];
            Ok((StatusCode::CREATED, headers, Json(tenant)).into_response())
        }
        Err(StoreError::Conflict(Conflict::Document { .. })) => {
            Err(Problem::new(&kind::EXISTS, format!("there is a tenant `{}` already", tenant.id)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads a tenant.
#[utoipa::path(
    get,
    path = "/manage/tenants/{id}",
    operation_id = "getTenant",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The tenant", body = schema::tenant::Tenant))
)]
pub(super) async fn get_tenant(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, version) = tenant_of(&app, &id).await?;
    Ok(answer(tenant, version))
}

/// Changes a tenant's name or limits.
#[utoipa::path(
    patch,
    path = "/manage/tenants/{id}",
    operation_id = "changeTenant",
    tag = "Tenants",
    params(("id" = String, Path, description = "The tenant")),
    request_body(content(
        (TenantChanges = "application/merge-patch+json"),
        (TenantChanges = "application/json"),
    )),
    responses((status = 200, description = "The tenant as it is now", body = schema::tenant::Tenant))
)]
pub(super) async fn change_tenant(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    MergeBody(changes): MergeBody<TenantChanges>,
) -> Result<Response, Problem> {
    let (mut tenant, version) = tenant_of(&app, &id).await?;
    EntityTag::new(version).require_match(&headers)?;
    if let Some(name) = changes.name {
        check_name(&name)?;
        tenant.name = name;
    }
    if let Some(limits) = changes.limits {
        let mut present = serde_json::to_value(tenant.limits).map_err(|error| Problem::internal(&error))?;
        json_patch::merge(&mut present, &Value::Object(limits));
        tenant.limits = parse_value(present).map_err(|mut error| {
            error.pointer = format!("/limits{}", error.pointer);
            Problem::invalid(vec![error])
        })?;
    }
    let version = write(&app, &tenant, Expect::At(version))
        .await
        .map_err(|error| explain_change(error.into(), &headers))?;
    Ok(answer(tenant, version))
}

fn answer(tenant: Tenant, version: Version) -> Response {
    ([(header::ETAG, EntityTag::new(version).header())], Json(tenant)).into_response()
}

async fn write(app: &App, tenant: &Tenant, expect: Expect) -> Result<Version, StoreError> {
    let mut batch = Batch::new(TenantId::system(), Origin::Api, app.now());
    batch.put(tenant, expect)?;
    Ok(Version(app.store.commit(batch).await?.0))
}
