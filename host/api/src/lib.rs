//! The HTTP interface: platform API, management API, OAuth and the OpenAPI document. The only crate that names axum.
