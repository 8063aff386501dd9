//! Lists: filter, order, page, and what the answer says about the whole.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mortise_model::id::TenantId;
use mortise_query::page::{MAX_PAGE, PageStart};
use mortise_query::{Cursor, Filter, PageRequest, PageResult, Query, order};
use mortise_store::{Document, DocumentId, Found};
use serde_json::Value;

use super::cursor;
use super::resource::{Resource, show};
use crate::app::App;
use crate::parameters::{Parameters, link};
use crate::problem::{Problem, kind};

/// The header that asks for the count of all, and in the answer carries it.
pub(crate) static PAGINATION_HEADER: HeaderName = HeaderName::from_static("x-pagination");
/// The parameters of every list, each with what it is.
pub(crate) const PARAMETERS: [(&str, &str); 5] = [
    (
        "$filter",
        "A condition in the language of OData 4.01, for example `name eq 'Acme' and creditLimit gt 100`.",
    ),
    ("$orderby", "Properties separated by commas, each with `asc` or `desc`. The id comes last."),
    ("page", "The number of the page, from 1. Not together with `after`."),
    ("size", "Records of a page, 1 to 500. 25 when left out."),
    ("after", "A cursor from the `next` link of the answer before."),
];

/// Answers a page of a collection.
pub(super) async fn list<R: Resource>(
    app: &App,
    tenant: &TenantId,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, Problem> {
    let query = read_query::<R>(app, tenant, headers, parameters).await?;
    let found = app.store.query(tenant, R::COLLECTION, &query).await?;
    let links = links::<R>(app, tenant, parameters, &query, &found).await?;
    let today = app.now().to_utc().date_naive();
    let records = found.documents.iter().map(Document::decode).collect::<Result<Vec<R>, _>>()?;
    let shown: Vec<_> = records.iter().map(|record| show(record, today)).collect();
    let mut response = Json(shown).into_response();
    insert(response.headers_mut(), &header::LINK, &links)?;
    if let Some(total) = found.total.filter(|_| query.count) {
        let result = PageResult::new(&query.page, total, found.more);
        let text = serde_json::to_string(&result).map_err(|error| Problem::internal(&error))?;
        insert(response.headers_mut(), &PAGINATION_HEADER, &text)?;
    }
    Ok(response)
}

async fn read_query<R: Resource>(
    app: &App,
    tenant: &TenantId,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Query, Problem> {
    parameters.only(&PARAMETERS.map(|(name, _)| name))?;
    let now = app.now().to_utc();
    let filter = parameters.text("$filter").map(|text| Filter::parse(text, R::TABLE, now)).transpose()?;
    let order = match parameters.text("$orderby") {
        Some(text) => order::parse(text, R::TABLE)?,
        None => Vec::new(),
    };
    let after = match parameters.text("after") {
        Some(text) => {
            let cursor = cursor::open(app, tenant, R::COLLECTION.name, text).await?;
            cursor.position(&order)?;
            Some(cursor)
        }
        None => None,
    };
    let page = PageRequest::parse(parameters.text("page"), parameters.text("size"), after)?;
    Ok(Query { filter, order, page, count: wants_count(headers)? })
}

fn wants_count(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(&PAGINATION_HEADER).map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case(b"true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case(b"false") => Ok(false),
        Some(_) => Err(Problem::new(&kind::HEADER, "`X-Pagination` must be `true` or `false`")),
    }
}

/// The `Link` header (RFC 8288). Whoever pages by number goes on by number; whoever does not goes on by cursor, which
/// neither repeats nor leaves out records when others change meanwhile.
async fn links<R: Resource>(
    app: &App,
    tenant: &TenantId,
    parameters: &Parameters,
    query: &Query,
    found: &Found,
) -> Result<String, Problem> {
    let by_number = match query.page.start() {
        PageStart::Number(number) if parameters.text("page").is_some() => Some(*number),
        _ => None,
    };
    let at_page =
        |number: u64, relation| link(&parameters.address_with(&[("page", &number.to_string())]), relation);
    let mut links = vec![match by_number {
        Some(_) => at_page(1, "first"),
        None => link(&parameters.address_with(&[]), "first"),
    }];
    if let Some(number) = by_number.filter(|number| *number > 1) {
        links.push(at_page(u64::from(number) - 1, "prev"));
    }
    match (found.documents.last().filter(|_| found.more), by_number) {
        (None, _) => {}
        (Some(_), Some(number)) => links.push(at_page(u64::from(number) + 1, "next")),
        (Some(last), None) => {
            let body: Value = last.decode()?;
            let id = match &last.id {
                DocumentId::Number(number) => Value::from(*number),
                DocumentId::Text(text) => Value::from(text.as_str()),
            };
            let cursor = Cursor::at(&query.order, &body, id);
            let text = cursor::sign(app, tenant, R::COLLECTION.name, &cursor).await?;
            links.push(link(&parameters.address_with(&[("after", &text)]), "next"));
        }
    }
    let pages =
        found.total.filter(|_| query.count).map(|total| total.div_ceil(u64::from(query.page.size())).max(1));
    if let Some(pages) = pages.filter(|pages| *pages <= u64::from(MAX_PAGE)) {
        links.push(at_page(pages, "last"));
    }
    Ok(links.join(", "))
}

fn insert(headers: &mut HeaderMap, name: &HeaderName, text: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(text).map_err(|error| Problem::internal(&error))?;
    headers.insert(name, value);
    Ok(())
}
