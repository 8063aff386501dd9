//! Lists in pages.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{App, Problem};
use crate::{
    moment::Moment,
    record::{Facets, Record},
    shelf::{Selected, Selection},
};

/// The page size of a request that names none.
const DEFAULT_PAGE_SIZE: u32 = 100;

/// What a list may be asked; names that are not here are refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListParameters {
    page: Option<u32>,
    page_size: Option<u32>,
    updated_since: Option<Moment>,
    #[expect(dead_code, reason = "read to refuse every other order")]
    sort: Option<Sort>,
    external_ref: Option<String>,
    tax_number: Option<String>,
    customer_no: Option<String>,
    status: Option<String>,
}

/// What a list of deletions may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeletedParameters {
    page: Option<u32>,
    page_size: Option<u32>,
    since: Option<Moment>,
}

/// The only order there is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Sort {
    UpdatedAt,
}

/// Which page of which size.
#[derive(Clone, Copy, Debug)]
struct Paging {
    page: u32,
    size: u32,
}

/// `GET /api/v2/customers` and `/api/v2/invoices`: ordered by `updatedAt`, then number.
///
/// Pages are counted from the start of the list as it is at the time of the request, as in many real systems:
/// a record that changes while a caller walks the pages moves to the end, and all behind it move up by one.
/// The total stays the same then; a caller finds out by counting the records it has.
pub(super) async fn list<R: Record>(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, Problem> {
    let Query(parameters) = Query::<ListParameters>::try_from_uri(&uri)?;
    let paging = Paging::new(&app, parameters.page, parameters.page_size)?;
    let facets = Facets {
        external_ref: parameters.external_ref,
        tax_number: parameters.tax_number,
        customer_no: parameters.customer_no,
        status: parameters.status,
    };
    check_filters::<R>(&facets)?;
    let selection = Selection {
        since: parameters.updated_since,
        facets,
        offset: paging.offset(),
        limit: paging.size as usize,
    };
    let selected = R::shelf(&app.ledger.read()).select(&selection);
    Ok(paging.answer(&selected))
}

/// `GET /api/v2/customers/deleted` and `/api/v2/invoices/deleted`: ordered by `deletedAt`.
pub(super) async fn deleted<R: Record>(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, Problem> {
    let Query(parameters) = Query::<DeletedParameters>::try_from_uri(&uri)?;
    let paging = Paging::new(&app, parameters.page, parameters.page_size)?;
    let books = app.ledger.read();
    let tombstones = R::shelf(&books).tombstones(parameters.since);
    let page = tombstones.iter().skip(paging.offset()).take(paging.size as usize);
    let items = page
        .map(|tombstone| serde_json::to_vec(tombstone).map(Bytes::from))
        .collect::<Result<_, _>>()
        .map_err(crate::ledger::LedgerError::from)?;
    let selected = Selected { items, total: tombstones.len() };
    Ok(paging.answer(&selected))
}

impl Paging {
    fn new(app: &App, page: Option<u32>, size: Option<u32>) -> Result<Self, Problem> {
        let max = app.config.max_page_size;
        let paging = Self { page: page.unwrap_or(1), size: size.unwrap_or(DEFAULT_PAGE_SIZE.min(max)) };
        if paging.page == 0 {
            return Err(Problem::bad_parameter("page: is 0; the first page is 1".to_owned()));
        }
        if !(1..=max).contains(&paging.size) {
            let message = format!("pageSize: is {}; 1 to {max} are allowed", paging.size);
            return Err(Problem::bad_parameter(message));
        }
        Ok(paging)
    }

    fn offset(self) -> usize {
        (self.page as usize - 1).saturating_mul(self.size as usize)
    }

    /// The page as JSON, put together from records that are JSON already.
    fn answer(self, selected: &Selected<Bytes>) -> Response {
        let pages = selected.total.div_ceil(self.size as usize);
        let weight: usize = selected.items.iter().map(|item| item.len() + 1).sum();
        let mut body = Vec::with_capacity(weight + 128);
        body.extend_from_slice(b"{\"items\":[");
        for (position, item) in selected.items.iter().enumerate() {
            if 0 < position {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        let tail = format!(
            "],\"page\":{},\"pageSize\":{},\"pages\":{pages},\"total\":{}}}",
            self.page, self.size, selected.total
        );
        body.extend_from_slice(tail.as_bytes());
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

fn check_filters<R: Record>(facets: &Facets) -> Result<(), Problem> {
    let named = [
        ("externalRef", &facets.external_ref),
        ("taxNumber", &facets.tax_number),
        ("customerNo", &facets.customer_no),
        ("status", &facets.status),
    ];
    for (name, value) in named {
        if value.is_some() && !R::FILTERS.contains(&name) {
            let allowed = R::FILTERS.join(", ");
            let message = format!("{name}: a list of {}s is narrowed by {allowed} only", R::KIND);
            return Err(Problem::bad_parameter(message));
        }
    }
    Ok(())
}
