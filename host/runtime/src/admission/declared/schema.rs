//! The schema of a plugin's settings.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Mistakes;
use crate::SettingsSchema;

/// Longest schema, in bytes.
const MAX_SCHEMA: usize = 256 << 10;
/// The one dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Reads a schema. Null when it is not JSON, with the mistake told.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> Value {
    if text.len() > MAX_SCHEMA {
        mistakes.add(format!("`settings-schema` has {} bytes, more than {MAX_SCHEMA}", text.len()));
        return Value::Null;
    }
    let schema: Value = match serde_json::from_str(text) {
        Ok(schema) => schema,
        Err(error) => {
            mistakes.add(format!("`settings-schema` is not JSON: {error}"));
            return Value::Null;
        }
    };
    if schema.get("type") != Some(&json!("object")) {
        mistakes.add("`settings-schema` does not describe an object: set its `type` to `object`");
    }
    if let Some(dialect) = schema.get("$schema")
        && dialect.as_str().map(|dialect| dialect.trim_end_matches('#')) != Some(DIALECT)
    {
        mistakes.add(format!("`settings-schema` has another `$schema` than `{DIALECT}`"));
    }
    if let Err(reason) = SettingsSchema::read(&schema) {
        mistakes.add(format!("`settings-schema` cannot be used: {reason}"));
    }
    schema
}

/// The settings it names.
pub(super) fn properties(schema: &Value) -> HashSet<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}
