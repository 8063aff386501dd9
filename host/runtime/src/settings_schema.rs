//! The JSON Schema of a plugin's settings, as far as a host may trust it.

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

/// Most memory of one compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;
/// Most patterns of one schema, each as often as a reference leads to it. Each takes memory of its own.
const MAX_PATTERNS: usize = 50;
/// How far references of a schema may lead from one to the next.
const MAX_REFERENCE_DEPTH: usize = 16;
/// Most references that are followed, each as often as it is met.
const MAX_REFERENCES: usize = 2_000;

/// A schema that stands alone and is safe to check values against: nothing is fetched, references end, and patterns
/// take linear time and little memory.
#[derive(Debug)]
pub struct SettingsSchema(Validator);

impl SettingsSchema {
    /// Reads a schema (JSON Schema 2020-12).
    ///
    /// # Errors
    /// Why it cannot be used, as the end of a sentence: references that lead elsewhere, in a circle or through too
    /// many others, too many or too large patterns, or what is no schema.
    pub fn read(schema: &Value) -> Result<Self, String> {
        check_references(schema)?;
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN))
            .build(schema)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// What checks values.
    pub fn validator(&self) -> &Validator {
        &self.0
    }
}

/// What was met on the way through a schema.
#[derive(Default)]
struct Met {
    references: usize,
    patterns: usize,
}

impl Met {
    fn add_patterns(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        let of_names = members.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
        let own = usize::from(members.get("pattern").is_some_and(Value::is_string));
        self.patterns = self.patterns.saturating_add(of_names).saturating_add(own);
        if self.patterns > MAX_PATTERNS {
            return Err(format!(
                "it has more than {MAX_PATTERNS} patterns, those that references lead to included"
            ));
        }
        Ok(())
    }
}

/// Refuses references that lead round in a circle, or fan out without end: checking a value against them would not
/// come back. Refuses more patterns than there is memory for.
fn check_references(schema: &Value) -> Result<(), String> {
    follow_all(schema, schema, 0, &mut Met::default())
}

fn follow_all(schema: &Value, place: &Value, depth: usize, met: &mut Met) -> Result<(), String> {
    let mut waiting = vec![place];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                met.add_patterns(members)?;
                if members.contains_key("$dynamicRef") || members.contains_key("$recursiveRef") {
                    return Err("`$dynamicRef` and `$recursiveRef` are not taken: use `$ref`".to_owned());
                }
                if !std::ptr::eq(value, schema) && members.get("$id").is_some_and(Value::is_string) {
                    return Err("an `$id` inside the schema is not taken: use `$defs`".to_owned());
                }
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let target = target_of(schema, reference)?;
                    met.references += 1;
                    if depth >= MAX_REFERENCE_DEPTH || met.references > MAX_REFERENCES {
                        let shown = shortened(reference);
                        return Err(format!(
                            "`$ref` to `{shown}` leads round in a circle, or through more than \
                             {MAX_REFERENCE_DEPTH} references"
                        ));
                    }
                    follow_all(schema, target, depth + 1, met)?;
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    Ok(())
}

fn target_of<'a>(schema: &'a Value, reference: &str) -> Result<&'a Value, String> {
    reference.strip_prefix('#').and_then(|pointer| schema.pointer(pointer)).ok_or_else(|| {
        let shown = shortened(reference);
        format!("`$ref` to `{shown}` does not lead to a place in the schema: use `#/$defs/name`")
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_many_patterns_as_there_is_memory_for_are_taken() {
        let schema = |patterns: usize| {
            let one = |number: usize| (format!("p{number}"), json!({ "$ref": "#/$defs/word" }));
            let properties: Map<String, Value> = (1..patterns).map(one).collect();
            json!({
                "type": "object", "properties": properties,
                "$defs": { "word": { "type": "string", "pattern": "^[a-z]{1,20}$" } },
            })
        };
        assert!(SettingsSchema::read(&schema(MAX_PATTERNS)).is_ok());
        let refused = SettingsSchema::read(&schema(MAX_PATTERNS + 1)).unwrap_err();
        assert!(refused.contains("more than 50 patterns"), "{refused}");
        let names: Map<String, Value> =
            (0..=MAX_PATTERNS).map(|number| (format!("^x{number}"), json!({}))).collect();
        assert!(SettingsSchema::read(&json!({ "type": "object", "patternProperties": names })).is_err());
    }
}
