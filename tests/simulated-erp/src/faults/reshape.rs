//! Lists whose JSON is changed on the way out, and requests that are changed on the way in.

use axum::http::Uri;
use serde_json::{Value, json};

use super::rule::Damage;

/// The same request for the page before; the same page if it is the first or none is named.
pub(super) fn for_previous_page(uri: &Uri) -> Option<(Uri, u64)> {
    let query = uri.query()?;
    let page: u64 = query.split('&').find_map(|parameter| parameter.strip_prefix("page="))?.parse().ok()?;
    let query: Vec<_> = query
        .split('&')
        .map(|parameter| match parameter.strip_prefix("page=") {
            Some(_) => format!("page={}", page.saturating_sub(1).max(1)),
            None => parameter.to_owned(),
        })
        .collect();
    let uri = format!("{}?{}", uri.path(), query.join("&")).parse().ok()?;
    Some((uri, page))
}

pub(super) fn label_page(list: &mut Value, page: u64) {
    list["page"] = page.into();
}

pub(super) fn empty(list: &mut Value) {
    if list["items"].is_array() {
        list["items"] = json!([]);
    }
}

pub(super) fn shift_total(list: &mut Value, by: i64) {
    if let Some(total) = list["total"].as_i64() {
        list["total"] = total.saturating_add(by).into();
    }
}

pub(super) fn spoil(list: &mut Value, index: usize, damage: Damage) {
    let Some(items) = list["items"].as_array_mut() else {
        return;
    };
    let Some(end) = items.len().checked_sub(1) else {
        return;
    };
    let item = &mut items[index.min(end)];
    match damage {
        Damage::NotAnObject => *item = json!("#REF!"),
        Damage::MissingKey => {
            if let Some(fields) = item.as_object_mut() {
                fields.remove("customerNo");
                fields.remove("invoiceNo");
            }
        }
        Damage::WrongTypes => {
            item["currency"] = json!(978);
            for amount in ["creditLimit", "netTotal", "taxTotal", "grossTotal"] {
                if let Some(value) = item.get_mut(amount) {
                    *value = json!("twelve and a half");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_before_is_asked_for_and_the_rest_of_the_query_kept() {
        for (input, expected) in [
            ("/a?page=3&pageSize=10", "/a?page=2&pageSize=10"),
            ("/a?sort=updatedAt&page=1", "/a?sort=updatedAt&page=1"),
        ] {
            let (uri, _) = for_previous_page(&Uri::from_static(input)).unwrap();
            assert_eq!(uri.to_string(), expected);
        }
        assert!(for_previous_page(&Uri::from_static("/a?pageSize=10")).is_none());
    }
}
