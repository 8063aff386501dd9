//! Patch documents over an account.

use mortise_model::account::AccountFields;
use serde_json::{Value, json};

use super::*;
use crate::members::members_of;

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

fn shown() -> Value {
    json!({
        "id": 7, "name": "Acme", "phone": "1", "taxable": false, "creditLimit": "10",
        "addresses": [{"city": "Chania", "isBilling": true}], "customFields": {"tier": "gold"},
        "links": [], "createdAt": "2026-03-01T00:00:00.000Z", "updatedAt": "2026-03-01T00:00:00.000Z",
    })
}

fn apply(media_type: &str, patch: &Value) -> Result<AccountFields, &'static str> {
    Patch::parse(media_type, patch.to_string().as_bytes())
        .and_then(|patch| patch.apply(shown(), members_of::<AccountFields>()))
        .map_err(|problem| problem.kind().code)
}

fn code_of(media_type: &str, patch: &Value) -> &'static str {
    apply(media_type, patch).expect_err("the patch is refused")
}

#[test]
fn add_and_replace_of_a_plain_member_are_the_same() {
    for op in ["add", "replace"] {
        let fields =
            apply(JSON_PATCH, &json!([{"op": op, "path": "/email", "value": "a@b.example"}])).unwrap();
        assert_eq!(fields.email.as_deref(), Some("a@b.example"), "{op}");
        let city = json!([{"op": op, "path": "/addresses/0/region", "value": "Crete"}]);
        assert_eq!(apply(JSON_PATCH, &city).unwrap().addresses[0].region.as_deref(), Some("Crete"), "{op}");
    }
}

#[test]
fn remove_puts_a_member_back_to_its_default() {
    let patch = json!([
        {"op": "remove", "path": "/creditLimit"},
        {"op": "remove", "path": "/phone"},
        {"op": "remove", "path": "/email"},
        {"op": "remove", "path": "/addresses/0/region"},
    ]);
    let fields = apply(JSON_PATCH, &patch).unwrap();
    assert_eq!(fields.credit_limit.to_string(), "0");
    assert_eq!((fields.phone, fields.email), (None, None));
}

#[test]
fn operations_happen_in_order_and_may_test_what_only_the_host_writes() {
    let patch = json!([
        {"op": "test", "path": "/id", "value": 7},
        {"op": "copy", "from": "/name", "path": "/companyName"},
        {"op": "move", "from": "/phone", "path": "/fax"},
        {"op": "add", "path": "/addresses/-", "value": {"city": "Athens"}},
        {"op": "replace", "path": "/taxable", "value": "true"},
    ]);
    let fields = apply(JSON_PATCH, &patch).unwrap();
    assert_eq!(fields.company_name.as_deref(), Some("Acme"));
    assert_eq!((fields.phone, fields.fax.as_deref()), (None, Some("1")));
    assert_eq!(fields.addresses.len(), 2);
    assert!(fields.taxable);
}

#[test]
fn each_mistake_of_a_json_patch_has_its_code() {
    for (patch, code) in [
        (json!({}), "patch.malformed"),
        (json!([{"op": "frob", "path": "/name"}]), "patch.malformed"),
        (json!([{"op": "add", "path": "/name"}]), "patch.malformed"),
        (json!([{"op": "add", "path": "name", "value": 1}]), "patch.malformed"),
        (json!(vec![json!({"op": "remove", "path": "/fax"}); 101]), "patch.malformed"),
        (json!([{"op": "replace", "path": "/nmae", "value": 1}]), "patch.unknown_path"),
        (json!([{"op": "replace", "path": "", "value": {}}]), "patch.unknown_path"),
        (json!([{"op": "replace", "path": "/addresses/3/city", "value": "x"}]), "patch.unknown_path"),
        (json!([{"op": "copy", "from": "/nope", "path": "/name"}]), "patch.unknown_path"),
        (json!([{"op": "replace", "path": "/id", "value": 1}]), "patch.read_only"),
        (json!([{"op": "move", "from": "/updatedAt", "path": "/name"}]), "patch.read_only"),
        (json!([{"op": "test", "path": "/name", "value": "Other"}]), "patch.test_failed"),
        (json!([{"op": "replace", "path": "/addresses/0/citty", "value": "x"}]), "validation-failed"),
        (json!([{"op": "replace", "path": "/taxable", "value": 5}]), "validation-failed"),
    ] {
        assert_eq!(code_of(JSON_PATCH, &patch), code, "{patch}");
    }
}

#[test]
fn copies_of_copies_are_stopped_before_they_fill_the_memory() {
    let big = "x".repeat(10_000);
    let mut patch = vec![json!({"op": "add", "path": "/customFields/a", "value": big})];
    for number in 0..60 {
        patch
            .push(json!({"op": "copy", "from": "/customFields", "path": format!("/customFields/c{number}")}));
    }
    assert_eq!(code_of(JSON_PATCH, &json!(patch)), "patch.too_large");
}

#[test]
fn a_record_that_nests_too_deeply_to_be_read_again_is_refused() {
    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({"a": deep});
    }
    let inner = "/a".repeat(60);
    let patch = json!([
        {"op": "add", "path": "/customFields/x", "value": deep},
        {"op": "copy", "from": "/customFields/x", "path": format!("/customFields/x{inner}/b")},
        {"op": "copy", "from": "/customFields/x", "path": format!("/customFields/x{inner}/b{inner}/c")},
    ]);
    assert_eq!(code_of(JSON_PATCH, &patch), "patch.too_large");
}

#[test]
fn copies_that_are_put_into_one_another_are_stopped_before_they_take_the_stack() {
    let mut patch = vec![json!({"op": "add", "path": "/customFields/a", "value": {}})];
    for doubling in 0..15 {
        let inner = "/a".repeat(1 << doubling);
        patch.push(json!({
            "op": "copy", "from": "/customFields/a", "path": format!("/customFields{inner}/a"),
        }));
    }
    let patch = json!(patch);
    assert!(patch.to_string().len() < MAX_BYTES);
    assert_eq!(code_of(JSON_PATCH, &patch), "patch.too_large");
}

#[test]
fn a_merge_patch_changes_what_it_names() {
    let fields = apply(
        MERGE_PATCH,
        &json!({"phone": null, "name": "New", "customFields": {"tier": null, "since": 2020}}),
    )
    .unwrap();
    assert_eq!((fields.name.as_str(), fields.phone), ("New", None));
    assert_eq!(Value::Object(fields.custom_fields), json!({"since": 2020}));
    assert_eq!(code_of(MERGE_PATCH, &json!([])), "patch.malformed");
    assert_eq!(code_of(MERGE_PATCH, &json!({"nmae": "x"})), "patch.unknown_path");
    assert_eq!(code_of(MERGE_PATCH, &json!({"id": 8})), "patch.read_only");
}

#[test]
fn another_media_type_is_refused_with_those_that_are_taken() {
    assert_eq!(code_of("application/json", &json!({})), "unsupported-media-type");
}
