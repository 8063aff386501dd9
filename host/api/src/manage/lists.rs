//! Lists of the management API: pages by number.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header;
use mortise_query::PageRequest;
use serde::Serialize;

use crate::parameters::Parameters;
use crate::problem::{Problem, kind};

/// Where the items of a page begin.
pub(super) fn offset(page: &PageRequest) -> Result<u32, Problem> {
    u32::try_from(page.offset())
        .map_err(|_| Problem::new(&kind::PAGE, "the page lies beyond all items: ask for a lower one"))
}

/// How many items to read to know whether others follow.
pub(super) fn one_more(page: &PageRequest) -> u32 {
    page.size().saturating_add(1)
}

/// A page of the items that [`one_more`] read, with its `Link` header.
pub(super) fn answer<T: Serialize>(
    mut items: Vec<T>,
    page: &PageRequest,
    parameters: &Parameters,
) -> Response {
    let size = page.size() as usize;
    let more = items.len() > size;
    items.truncate(size);
    ([(header::LINK, parameters.links(page, more))], Json(items)).into_response()
}
