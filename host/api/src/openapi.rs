//! The `OpenAPI` document: made from the handlers, completed with what they have in common.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse as _, Response};
use http::header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, SecurityRequirement, Tag,
};
use utoipa::{PartialSchema as _, ToSchema};

use crate::access::{API_KEY_HEADER, TENANT_HEADER};
use crate::platform::{API_VERSION_HEADER, IDEMPOTENCY_KEY, PAGINATION_HEADER, PARAMETERS};
use crate::schema::problem::Problem;

/// The groups of operations, in the order in which they are shown.
const TAGS: [(&str, &str); 9] = [
    ("Accounts", "Customers."),
    ("Invoices", "Invoices with their items."),
    ("OAuth", "Access tokens."),
    ("Tenants", "Tenants with their clients and keys. The operator's alone."),
    ("Plugins", "Components, their releases, and what is granted to them."),
    ("Instances", "Links through a connector to another system."),
    ("Schedules", "When instances run by themselves."),
    ("Runs", "What ran, how it went, and its log."),
    ("Dead letters", "Items that failed, and what a person decides about them."),
];

/// Describes this interface in `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "Host",
    security(()),
    responses((status = 200, description = "This document", body = Object))
)]
pub(crate) async fn openapi(Extension(text): Extension<Arc<str>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}

/// What stands above the operations.
pub(crate) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Mortise")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The platform API (`/api`) and the management API (`/manage`) of a Mortise host."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let tags = TAGS.into_iter().chain([("Host", "Health, metrics and this document.")]).map(
        |(name, description)| {
            let mut tag = Tag::new(name);
            tag.description = Some(description.to_owned());
            tag
        },
    );
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// Adds what all operations have in common.
pub(crate) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (name, scheme) in security_schemes() {
        components.add_security_scheme(name, scheme);
    }
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    document.security =
        Some(vec![SecurityRequirement::new("token", NONE), SecurityRequirement::new("apiKey", NONE)]);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            add_problem(operation);
            add_parameters(path, method, operation);
        }
    }
}

/// The document as text.
pub(crate) fn text(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document does not serialise");
        "{}".to_owned()
    })
}

const NONE: [&str; 0] = [];

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let http = |scheme, description: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(description)).build())
    };
    let key = ApiKeyValue::with_description(
        API_KEY_HEADER.as_str(),
        "An API key. Also taken as `Authorization: Bearer`. The operator's key belongs to no tenant.",
    );
    [
        ("token", http(HttpAuthScheme::Bearer, "An access token from `POST /oauth/token`.")),
        ("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key))),
        ("client", http(HttpAuthScheme::Basic, "The id and the secret of an OAuth client.")),
    ]
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)]
        .into_iter()
        .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Every operation may end with a problem document.
fn add_problem(operation: &mut Operation) {
    let response = ResponseBuilder::new()
        .description("The request was refused or failed")
        .content(
            "application/problem+json",
            Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name(Problem::name())))),
        )
        .build();
    operation.responses.responses.insert("default".to_owned(), response.into());
}

fn add_parameters(path: &str, method: &str, operation: &mut Operation) {
    let is_item = path.ends_with("/{id}");
    let is_platform = path.starts_with("/api/");
    let mut added = Vec::new();
    if is_platform {
        let mut version = header_parameter(API_VERSION_HEADER.as_str(), "The version: `3.0`.");
        version.required = Required::True;
        added.push(version);
    }
    if is_platform || (path.starts_with("/manage/") && !path.starts_with("/manage/tenants")) {
        added.push(header_parameter(
            TENANT_HEADER.as_str(),
            "The tenant. Only with the operator's key, which has none.",
        ));
    }
    match (method, is_item, is_platform) {
        ("get", false, true) => {
            for (name, description) in PARAMETERS {
                let is_number = matches!(name, "page" | "size");
                added.push(parameter(
                    name,
                    ParameterIn::Query,
                    description,
                    if is_number { Type::Integer } else { Type::String },
                ));
            }
            added.push(header_parameter(PAGINATION_HEADER.as_str(), "`true` to count all that match."));
            describe_headers(
                operation,
                &[
                    (header::LINK.as_str(), "`first`, `prev`, `next` and, when counted, `last` (RFC 8288)."),
                    (
                        PAGINATION_HEADER.as_str(),
                        "When counted, JSON with `totalCount`, `pageSize`, `currentPage`, `totalPages`, `hasPrevious`, `hasNext`.",
                    ),
                ],
            );
        }
        ("post", false, true) => {
            added.push(header_parameter(
                IDEMPOTENCY_KEY.as_str(),
                "1 to 255 visible characters, another for each request.",
            ));
        }
        ("get", true, _) if path != "/manage/tenants/{id}" && has_tag(path) => {
            added.push(header_parameter(
                header::IF_NONE_MATCH.as_str(),
                "Tags of states that the caller has.",
            ));
        }
        ("patch" | "delete", true, _) if has_tag(path) => {
            added.push(header_parameter(
                header::IF_MATCH.as_str(),
                "The tag of the state that the change is meant for.",
            ));
        }
        _ => {}
    }
    if is_item && has_tag(path) && method != "delete" {
        describe_headers(operation, &[(header::ETAG.as_str(), "The tag of the state.")]);
    }
    if !added.is_empty() {
        operation.parameters.get_or_insert_default().extend(added.into_iter().map(RefOr::T));
    }
}

/// Whether what the path names is answered with a tag of its state.
fn has_tag(path: &str) -> bool {
    path.starts_with("/api/") || matches!(path, "/manage/tenants/{id}" | "/manage/instances/{id}")
}

fn describe_headers(operation: &mut Operation, headers: &[(&str, &str)]) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") {
        for (name, description) in headers {
            let header = HeaderBuilder::new().description(Some(*description)).build();
            response.headers.insert((*name).to_owned(), header.into());
        }
    }
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    parameter(name, ParameterIn::Header, description, Type::String)
}

fn parameter(name: &str, place: ParameterIn, description: &str, value: Type) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::Type(value)).build()))
        .build()
}
