//! `/api/accounts`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use mortise_model::account::Account as Stored;

use super::{list, records};
use crate::access::{Allowed, ReadAccounts, WriteAccounts};
use crate::app::App;
use crate::body::RawBody;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::schema::account::{Account, AccountInput};
use crate::schema::patch::JsonPatch;

/// Lists accounts.
#[utoipa::path(
    get,
    path = "/api/accounts",
    operation_id = "listAccounts",
    tag = "Accounts",
    responses((status = 200, description = "A page of accounts", body = Vec<Account>))
)]
pub(super) async fn list_accounts(
    allowed: Allowed<ReadAccounts>,
    State(app): State<App>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    list::list::<Stored>(&app, &allowed.tenant, &headers, &parameters).await
}

/// Creates an account.
///
/// With an `Idempotency-Key` the request may be sent again: within 24 hours it is answered the same and done once.
#[utoipa::path(
    post,
    path = "/api/accounts",
    operation_id = "createAccount",
    tag = "Accounts",
    request_body = AccountInput,
    responses((status = 201, description = "The account as it was created", body = Account))
)]
pub(super) async fn create_account(
    allowed: Allowed<WriteAccounts>,
    State(app): State<App>,
    body: RawBody,
) -> Result<Response, Problem> {
    records::create::<Stored>(&app, &allowed.tenant, &allowed.caller, &body).await
}

/// Reads an account.
#[utoipa::path(
    get,
    path = "/api/accounts/{id}",
    operation_id = "getAccount",
    tag = "Accounts",
    params(("id" = u64, Path, description = "The number of the account")),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 304, description = "It is in the state that `If-None-Match` names"),
    )
)]
pub(super) async fn get_account(
    allowed: Allowed<ReadAccounts>,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    records::get::<Stored>(&app, &allowed.tenant, &id, &headers).await
}

/// Changes an account by a patch document.
///
/// All operations happen or none. `remove`, and null in a merge patch, put a member back to its default.
#[utoipa::path(
    patch,
    path = "/api/accounts/{id}",
    operation_id = "patchAccount",
    tag = "Accounts",
    params(("id" = u64, Path, description = "The number of the account")),
    request_body(content(
        (JsonPatch = "application/json-patch+json"),
        (AccountInput = "application/merge-patch+json"),
    )),
    responses((status = 200, description = "The account as it is now", body = Account))
)]
pub(super) async fn patch_account(
    allowed: Allowed<WriteAccounts>,
    State(app): State<App>,
    Path(id): Path<String>,
    body: RawBody,
) -> Result<Response, Problem> {
    records::patch::<Stored>(&app, &allowed.tenant, &id, &body).await
}
