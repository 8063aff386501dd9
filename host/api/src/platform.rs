//! The platform API: accounts and invoices.

mod accounts;
mod cursor;
mod idempotency;
mod invoices;
mod list;
mod patch;
mod properties;
mod records;
mod resource;
mod version;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use self::cursor::CursorKey;
pub(crate) use self::idempotency::IDEMPOTENCY_KEY;
pub(crate) use self::list::{PAGINATION_HEADER, PARAMETERS};
pub(crate) use self::version::{API_VERSION_HEADER, require_version};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list_accounts, accounts::create_account))
        .routes(routes!(accounts::get_account, accounts::patch_account))
        .routes(routes!(invoices::list_invoices, invoices::create_invoice))
        .routes(routes!(invoices::get_invoice, invoices::patch_invoice))
}
