//! The `OpenAPI` document: whole, consistent, and changed only on purpose.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::host::Host;

/// Set to write the document anew where it changed on purpose.
const UPDATE: &str = "MORTISE_UPDATE_OPENAPI";

#[tokio::test]
async fn the_document_is_as_it_was_reviewed() {
    let host = Host::start().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi.json");
    let text = format!("{:#}\n", host.contract.0);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = reviewed.lines().zip(text.lines()).find(|(old, new)| old != new);
    assert!(
        reviewed == text,
        "the document changed, first at {difference:?}: look at it, then set {UPDATE}=1"
    );
}

#[tokio::test]
async fn every_operation_has_an_id_a_summary_a_group_and_its_answers() {
    let host = Host::start().await;
    let document = &host.contract.0;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in host.contract.operations() {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!id.is_empty() && ids.insert(id), "{method} {path} has no id of its own");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {path}");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{method} {path} is in the unknown group `{tag}`");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        assert!(responses.contains_key("default"), "{method} {path}");
    }
}

#[tokio::test]
async fn every_variable_of_a_path_is_described() {
    let host = Host::start().await;
    for (method, path, operation) in host.contract.operations() {
        let described: BTreeSet<_> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let used: BTreeSet<_> = path
            .split('/')
            .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        assert_eq!(described, used, "{method} {path}");
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_schema() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    found.insert(target.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let host = Host::start().await;
    let mut found = BTreeSet::new();
    references(&host.contract.0, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(host.contract.0.pointer(pointer).is_some(), "{target}");
    }
}
