//! Settings of an instance against the JSON Schema of the plugin's manifest.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use mortise_model::error::FieldError;
use mortise_runtime::SettingsSchema;
use serde_json::{Map, Value};

use crate::template::pointer;

/// Most bytes of an instance's settings as JSON text.
pub(crate) const MAX_SETTINGS: usize = 64 * 1024;
/// Most mistakes that are listed.
const MAX_ERRORS: usize = 50;

/// Fills settings with the schema's defaults and checks them.
///
/// Defaults are filled in at the top level only. A property that the schema does not name is refused unless the
/// schema says what to do about such properties. Nothing is fetched: a schema stands alone.
///
/// # Errors
/// Every mistake, with pointers that start at the settings.
pub(crate) fn complete(
    schema: &Value,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<FieldError>> {
    let mut settings = given.clone();
    for (name, property) in properties(schema) {
        if let (false, Some(default)) = (settings.contains_key(name), property.get("default")) {
            settings.insert(name.clone(), default.clone());
        }
    }
    let size = serde_json::to_string(&settings).map_or(usize::MAX, |text| text.len());
    if size > MAX_SETTINGS {
        let message = format!("settings have at most {MAX_SETTINGS} bytes as JSON, these have {size}");
        return Err(vec![FieldError::new("", "too-long", message)]);
    }
    let unusable = |reason: String| {
        vec![FieldError::new(
            "",
            "schema",
            format!("the plugin's schema of its settings cannot be used: {reason}"),
        )]
    };
    let checked = SettingsSchema::read(schema).map_err(unusable)?;
    let mut errors = unknown(schema, &settings);
    let all_unknown = errors.len();
    let instance = Value::Object(settings);
    for error in checked.validator().iter_errors(&instance) {
        let is_known = all_unknown > 0 && is_about_unknown(&error);
        for error in field_errors(&error) {
            let said = errors.iter().any(|other| other.pointer == error.pointer && other.code == error.code);
            if errors.len() < MAX_ERRORS && !is_known && !said {
                errors.push(error);
            }
        }
    }
    match instance {
        Value::Object(settings) if errors.is_empty() => Ok(settings),
        _ => Err(errors),
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Properties that the schema does not name, where it refuses them or does not say what to do about them.
fn unknown(schema: &Value, settings: &Map<String, Value>) -> Vec<FieldError> {
    let is_open = match schema.get("additionalProperties") {
        None | Some(Value::Bool(false)) => {
            ["unevaluatedProperties", "patternProperties"].iter().any(|keyword| schema.get(keyword).is_some())
        }
        Some(_) => true,
    };
    if !schema.is_object() || is_open {
        return Vec::new();
    }
    let known: Vec<&str> = properties(schema).map(|(name, _)| name.as_str()).collect();
    settings
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .take(MAX_ERRORS)
        .map(|name| unknown_setting(name, &known))
        .collect()
}

fn unknown_setting(name: &str, known: &[&str]) -> FieldError {
    let expected =
        if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    let message = format!("the plugin has no setting `{}`: {expected}", shortened(name));
    FieldError::new(pointer(name), "unknown", message)
}

/// Whether the validator says of the settings as a whole what [`unknown`] says of each.
fn is_about_unknown(error: &ValidationError<'_>) -> bool {
    let kind = error.kind();
    error.instance_path().as_str().is_empty()
        && matches!(kind, ValidationErrorKind::FalseSchema | ValidationErrorKind::AdditionalProperties { .. })
}

fn field_errors(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(name) } => {
            vec![FieldError::new(format!("{at}{}", pointer(name)), "required", "a value is required")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let message = "the plugin has no such setting: remove it";
                FieldError::new(format!("{at}{}", pointer(name)), "unknown", message)
            })
            .collect(),
        kind => {
            let message: String = error.masked_with("the value").to_string().chars().take(500).collect();
            vec![FieldError::new(at, code(kind.keyword()), message)]
        }
    }
}

/// The stable word for a keyword of JSON Schema.
fn code(keyword: &str) -> &str {
    match keyword {
        "type" => "wrong-type",
        "minimum" | "exclusiveMinimum" => "too-small",
        "maximum" | "exclusiveMaximum" => "too-large",
        "minLength" | "minItems" | "minProperties" => "too-short",
        "maxLength" | "maxItems" | "maxProperties" => "too-long",
        "enum" | "const" => "not-one-of",
        "pattern" | "format" => "wrong-format",
        _ => "invalid",
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: &Value, settings: Value) -> Result<Value, Vec<(String, String)>> {
        let Value::Object(settings) = settings else { return Err(Vec::new()) };
        complete(schema, &settings)
            .map(Value::Object)
            .map_err(|errors| errors.into_iter().map(|error| (error.pointer, error.code)).collect())
    }

    fn ledger() -> Value {
        json!({
            "type": "object",
            "properties": {
                "base-url": { "type": "string", "format": "uri" },
                "page-size": { "type": "integer", "minimum": 1, "maximum": 500, "default": 200 },
                "currency": { "type": "string", "pattern": "^[A-Z]{3}$", "default": "EUR" },
                "mode": { "enum": ["fast", "careful"] },
                "nested": { "type": "object", "properties": { "inner": { "type": "string", "default": "x" } } },
            },
            "required": ["base-url"],
        })
    }

    #[test]
    fn defaults_are_filled_in_at_the_top_level() {
        assert_eq!(
            check(&ledger(), json!({ "base-url": "https://a.example", "currency": "USD", "nested": {} })),
            Ok(json!({ "base-url": "https://a.example", "currency": "USD", "page-size": 200, "nested": {} }))
        );
    }

    #[test]
    fn every_mistake_is_listed_where_it_is() {
        for (settings, errors) in [
            (json!({}), vec![("/base-url", "required")]),
            (json!({ "base-url": 7 }), vec![("/base-url", "wrong-type")]),
            (json!({ "base-url": null }), vec![("/base-url", "wrong-type")]),
            (
                json!({ "base-url": "a", "page-size": 0, "currency": "eur", "mode": "slow" }),
                vec![("/currency", "wrong-format"), ("/mode", "not-one-of"), ("/page-size", "too-small")],
            ),
            (json!({ "base-url": "a", "page-size": 501 }), vec![("/page-size", "too-large")]),
            (json!({ "base-url": "a", "nested": { "inner": 1 } }), vec![("/nested/inner", "wrong-type")]),
            (json!({ "base-url": "a", "a/b": 1, "c": 2 }), vec![("/a~1b", "unknown"), ("/c", "unknown")]),
        ] {
            let mut found = check(&ledger(), settings.clone()).unwrap_err();
            found.sort();
            let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
            assert_eq!(found, errors, "{settings}");
        }
    }

    #[test]
    fn a_message_does_not_repeat_the_value() {
        let settings = match json!({ "base-url": "a", "mode": "hunter2" }) {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        let errors = complete(&ledger(), &settings).unwrap_err();
        assert!(!errors[0].message.contains("hunter2"), "{}", errors[0].message);
    }

    #[test]
    fn properties_that_are_not_named_are_taken_where_the_schema_says_so() {
        let open = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
        assert_eq!(check(&open, json!({ "a": 1 })), Ok(json!({ "a": 1 })));
        assert_eq!(check(&open, json!({ "a": "b" })), Err(vec![("/a".to_owned(), "wrong-type".to_owned())]));
        let closed = json!({ "type": "object", "additionalProperties": false });
        assert_eq!(check(&closed, json!({ "a": 1 })), Err(vec![("/a".to_owned(), "unknown".to_owned())]));
        assert_eq!(check(&json!({}), json!({ "a": 1 })), Err(vec![("/a".to_owned(), "unknown".to_owned())]));
    }

    #[test]
    fn a_schema_that_is_wrong_endless_or_elsewhere_is_refused() {
        for schema in [
            json!({ "type": "objekt" }),
            json!({ "properties": { "a": { "pattern": "(" } } }),
            json!({ "properties": { "a": { "pattern": "(a){1000}{1000}{1000}" } } }),
            json!({ "$ref": "#" }),
            json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
            json!({ "$dynamicRef": "#a" }),
            json!({ "properties": { "a": { "$id": "b", "$ref": "#" } } }),
            json!({ "$ref": "https://example.com/schema.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
        ] {
            assert_eq!(
                check(&schema, json!({})),
                Err(vec![(String::new(), "schema".to_owned())]),
                "{schema}"
            );
        }
    }

    #[test]
    fn a_reference_to_a_definition_is_followed() {
        let schema = json!({
            "$defs": { "code": { "type": "string" } },
            "properties": { "code": { "$ref": "#/$defs/code" } },
        });
        assert_eq!(check(&schema, json!({ "code": "a" })), Ok(json!({ "code": "a" })));
        assert_eq!(
            check(&schema, json!({ "code": 1 })),
            Err(vec![("/code".to_owned(), "wrong-type".to_owned())])
        );
    }

    #[test]
    fn settings_that_are_too_long_are_refused() {
        let schema = json!({ "properties": { "a": { "type": "string" } } });
        let long = "x".repeat(MAX_SETTINGS);
        assert_eq!(check(&schema, json!({ "a": long })), Err(vec![(String::new(), "too-long".to_owned())]));
    }
}
