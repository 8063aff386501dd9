//! `/api/invoices`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use mortise_model::invoice::Invoice as Stored;

use super::{list, records};
use crate::access::{Allowed, ReadInvoices, WriteInvoices};
use crate::app::App;
use crate::body::RawBody;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::schema::invoice::{Invoice, InvoiceInput};
use crate::schema::patch::JsonPatch;

/// Lists invoices.
#[utoipa::path(
    get,
    path = "/api/invoices",
    operation_id = "listInvoices",
    tag = "Invoices",
    responses((status = 200, description = "A page of invoices", body = Vec<Invoice>))
)]
pub(super) async fn list_invoices(
    allowed: Allowed<ReadInvoices>,
    State(app): State<App>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    list::list::<Stored>(&app, &allowed.tenant, &headers, &parameters).await
}

/// Creates an invoice.
///
/// With an `Idempotency-Key` the request may be sent again: within 24 hours it is answered the same and done once.
#[utoipa::path(
    post,
    path = "/api/invoices",
    operation_id = "createInvoice",
    tag = "Invoices",
    request_body = InvoiceInput,
    responses((status = 201, description = "The invoice as it was created", body = Invoice))
)]
pub(super) async fn create_invoice(
    allowed: Allowed<WriteInvoices>,
    State(app): State<App>,
    body: RawBody,
) -> Result<Response, Problem> {
    records::create::<Stored>(&app, &allowed.tenant, &allowed.caller, &body).await
}

/// Reads an invoice.
#[utoipa::path(
    get,
    path = "/api/invoices/{id}",
    operation_id = "getInvoice",
    tag = "Invoices",
    params(("id" = u64, Path, description = "The number of the invoice")),
    responses(
        (status = 200, description = "The invoice", body = Invoice),
        (status = 304, description = "It is in the state that `If-None-Match` names"),
    )
)]
pub(super) async fn get_invoice(
    allowed: Allowed<ReadInvoices>,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    records::get::<Stored>(&app, &allowed.tenant, &id, &headers).await
}

/// Changes an invoice by a patch document.
///
/// All operations happen or none. `remove`, and null in a merge patch, put a member back to its default.
#[utoipa::path(
    patch,
    path = "/api/invoices/{id}",
    operation_id = "patchInvoice",
    tag = "Invoices",
    params(("id" = u64, Path, description = "The number of the invoice")),
    request_body(content(
        (JsonPatch = "application/json-patch+json"),
        (InvoiceInput = "application/merge-patch+json"),
    )),
    responses((status = 200, description = "The invoice as it is now", body = Invoice))
)]
pub(super) async fn patch_invoice(
    allowed: Allowed<WriteInvoices>,
    State(app): State<App>,
    Path(id): Path<String>,
    body: RawBody,
) -> Result<Response, Problem> {
    records::patch::<Stored>(&app, &allowed.tenant, &id, &body).await
}
