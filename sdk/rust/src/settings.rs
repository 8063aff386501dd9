//! The instance's settings: how the manifest describes them, and how they are read.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::host;

/// Reads all settings.
///
/// Errors: `failed`, naming the setting that is not what `T` expects.
pub fn read<T: DeserializeOwned>() -> Result<T> {
    serde_json::from_str(&host::settings::all())
        .map_err(|error| Error::failed("settings", format!("the settings are not as described: {error}")))
}

/// Reads one setting; None when it is unset and has no default.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<Option<T>> {
    let read = |value: String| serde_json::from_str(&value);
    host::settings::get(name).map(read).transpose().map_err(|error| {
        Error::failed("settings", format!("the setting `{name}` is not as described: {error}"))
    })
}

/// A setting as the manifest describes it: one property of the JSON Schema.
#[derive(Debug, Clone)]
pub struct Setting {
    name: String,
    schema: Map<String, Value>,
    required: bool,
}

impl Setting {
    /// A text.
    pub fn text(name: impl Into<String>) -> Self {
        Self::of(name, json!({ "type": "string" }))
    }

    /// An address, with `https://` in front.
    pub fn address(name: impl Into<String>) -> Self {
        Self::of(name, json!({ "type": "string", "format": "uri" }))
    }

    /// A whole number within a range.
    pub fn integer(name: impl Into<String>, range: RangeInclusive<i32>) -> Self {
        Self::of(name, json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }))
    }

    /// Yes or no.
    pub fn switch(name: impl Into<String>) -> Self {
        Self::of(name, json!({ "type": "boolean" }))
    }

    /// One of several words.
    pub fn choice<const N: usize>(name: impl Into<String>, words: [&str; N]) -> Self {
        Self::of(name, json!({ "enum": words.as_slice() }))
    }

    /// Anything that a JSON Schema can say. `schema` is an object schema; anything else takes every value.
    pub fn of(name: impl Into<String>, schema: Value) -> Self {
        let schema = if let Value::Object(schema) = schema { schema } else { Map::new() };
        Self { name: name.into(), schema, required: false }
    }

    /// The label of the form field.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.with("title", Value::String(title.into()))
    }

    /// What it is for, in one sentence.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.with("description", Value::String(description.into()))
    }

    /// What it is when it is not set. A value that is not JSON leaves it without one.
    pub fn default(self, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.with("default", value),
            Err(_) => self,
        }
    }

    /// Says that an instance does not work without it.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn with(mut self, keyword: &str, value: Value) -> Self {
        self.schema.insert(keyword.to_owned(), value);
        self
    }
}

/// The object schema of several settings. Others are refused.
pub(crate) fn schema(settings: Vec<Setting>) -> Value {
    let required: Vec<_> =
        settings.iter().filter(|setting| setting.required).map(|setting| setting.name.clone()).collect();
    let properties: Map<_, _> =
        settings.into_iter().map(|setting| (setting.name, Value::Object(setting.schema))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
