//! Every key as a variable.

use std::path::PathBuf;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{Config, ConfigError};

/// What the names of the variables begin with.
const PREFIX: &str = "MORTISE";

/// Puts the variables that are set over the values of `config`.
pub(super) fn apply(
    mut config: Config,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let mut table = Table::try_from(&config).map_err(|error| ConfigError::Content {
        path: PathBuf::from("as it was read"),
        reason: format!("{error}\n"),
    })?;
    for (section, key) in keys(&table) {
        let name = name(section.as_deref(), &key);
        let Some(value) = variable(&name) else { continue };
        let table_of_key = match &section {
            Some(section) => table.get_mut(section).and_then(Value::as_table_mut),
            None => Some(&mut table),
        };
        let Some(place) = table_of_key.and_then(|table| table.get_mut(&key)) else { continue };
        let refused = |expected: String| ConfigError::Variable {
            variable: name.clone(),
            value: value.clone(),
            expected,
        };
        *place = parse(place, &value).map_err(|expected| refused(expected.to_owned()))?;
        config = Config::deserialize(table.clone())
            .map_err(|error| refused(format!("what this key takes: {}", error.to_string().trim())))?;
    }
    Ok(config)
}

fn name(section: Option<&str>, key: &str) -> String {
    let parts = [Some(PREFIX), section, Some(key)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("_").to_ascii_uppercase()
}

/// Every key with the section it is in.
fn keys(table: &Table) -> Vec<(Option<String>, String)> {
    let mut keys = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(section) => {
                keys.extend(section.keys().map(|inner| (Some(key.clone()), inner.clone())));
            }
            _ => keys.push((None, key.clone())),
        }
    }
    keys
}

/// The text as a value of the kind that `present` is; the kind, when it is not one.
fn parse(present: &Value, text: &str) -> Result<Value, &'static str> {
    match present {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| "a whole number"),
        Value::Float(_) => text.parse().map(Value::Float).map_err(|_| "a number"),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| "true or false"),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogFormat;

    fn with(name: &str, value: &str) -> Result<Config, String> {
        let variable = |asked: &str| (asked == name).then(|| value.to_owned());
        apply(Config::default(), variable).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_of_every_kind_are_set_by_variables() {
        assert_eq!(with("MORTISE_LOG_FORMAT", "json").unwrap().log.format, LogFormat::Json);
        assert!(with("MORTISE_EGRESS_PLAIN_HTTP", "true").unwrap().egress.plain_http);
        assert_eq!(with("MORTISE_EGRESS_ALLOW", "127.0.0.0/8, ::1/128").unwrap().egress.allow.len(), 2);
        assert_eq!(with("MORTISE_RUNTIME_CALLS", "3").unwrap().runtime.calls, 3);
        assert_eq!(
            with("MORTISE_SYNC_RETRY_FACTOR", "1.5").unwrap().sync.retry_factor.to_bits(),
            1.5_f64.to_bits()
        );
    }

    #[test]
    fn a_value_that_its_key_does_not_take_is_refused_with_the_variables_name() {
        for (name, value, expected) in [
            ("MORTISE_RUNTIME_CALLS", "many", "`many` is not a whole number"),
            ("MORTISE_RUNTIME_CALLS", "-1", "`-1` is not what this key takes"),
            ("MORTISE_EGRESS_PLAIN_HTTP", "yes", "`yes` is not true or false"),
            ("MORTISE_EGRESS_ALLOW", "10.0.0.0/99", "`10.0.0.0/99` is not what this key takes"),
            ("MORTISE_LOG_FORMAT", "xml", "`xml` is not what this key takes"),
            ("MORTISE_LISTEN", "here", "`here` is not what this key takes"),
        ] {
            let message = with(name, value).unwrap_err();
            assert!(message.starts_with(&format!("{name}: {expected}")), "{message}");
        }
    }
}
