//! A manifest as a person reads it.

use std::fmt::{self, Write as _};

use mortise_model::manifest::{CapabilityRequest, Manifest};
use serde_json::Value;

/// What a plugin is and what it asks for.
pub(crate) fn manifest(manifest: &Manifest) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write(&mut text, manifest);
    text
}

fn write(text: &mut String, manifest: &Manifest) -> fmt::Result {
    writeln!(text, "{} {}: {}", manifest.name, manifest.version, manifest.title)?;
    if !manifest.description.is_empty() {
        writeln!(text, "  {}", manifest.description)?;
    }
    let settings = settings(&manifest.settings_schema);
    section(text, "settings", &settings)?;
    let secrets: Vec<_> = manifest
        .secrets
        .iter()
        .map(|secret| line(&secret.name, secret.required, &secret.title, &secret.help))
        .collect();
    section(text, "secrets", &secrets)?;
    let capabilities: Vec<_> = manifest
        .capabilities
        .iter()
        .map(|CapabilityRequest { name, reason, required }| line(name.name(), *required, "", reason))
        .collect();
    section(text, "asks for", &capabilities)?;
    let hosts: Vec<_> =
        manifest.hosts.iter().map(|host| format!("{}: {}", host.pattern, host.reason)).collect();
    section(text, "calls", &hosts)
}

fn section(text: &mut String, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(text, "  {title}")?;
    for line in lines {
        writeln!(text, "    {line}")?;
    }
    Ok(())
}

fn line(name: &str, required: bool, title: &str, help: &str) -> String {
    let required = if required { " (required)" } else { "" };
    let words: Vec<_> = [title, help].into_iter().filter(|words| !words.is_empty()).collect();
    let colon = if words.is_empty() { "" } else { ": " };
    format!("{name}{required}{colon}{}", words.join(". "))
}

fn settings(schema: &Value) -> Vec<String> {
    let required: Vec<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let word = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default();
            let default = property.get("default").map(|default| format!(" [{default}]")).unwrap_or_default();
            let line = line(name, required.contains(&name.as_str()), word("title"), word("description"));
            format!("{line}{default}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_a_person_decides_about_is_shown() {
        let manifest_of = json!({
            "name": "acme/ledger", "version": "1.2.0", "kind": "connector", "title": "Ledger", "description": "Keeps books.",
            "settingsSchema": {
                "type": "object", "required": ["base-url"],
                "properties": { "base-url": { "title": "Address" }, "size": { "title": "Page size", "default": 20 } },
            },
            "secrets": [{ "name": "key", "title": "Key", "help": "Under Settings", "required": true }],
            "credentials": [],
            "hosts": [{ "pattern": "{base-url}", "reason": "Reads books." }],
            "capabilities": [{ "name": "storage", "reason": "Keeps a map.", "required": false }],
        });
        let text = manifest(&serde_json::from_value(manifest_of).unwrap());
        let expected = "\
acme/ledger 1.2.0: Ledger
  Keeps books.
  settings
    base-url (required): Address
    size: Page size [20]
  secrets
    key (required): Key. Under Settings
  asks for
    storage: Keeps a map.
  calls
    {base-url}: Reads books.
";
        assert_eq!(text, expected);
    }
}
