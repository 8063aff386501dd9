//! Texts of a manifest that hold `{setting}`: filled from an instance's settings.

use mortise_model::error::FieldError;
use mortise_model::host_pattern::HostPattern;
use serde_json::{Map, Value};
use url::{Host, Url};

/// Longest text that a template becomes, in bytes.
pub(crate) const MAX_FILLED: usize = 4_096;

/// Why a template was not filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// The setting has no value.
    #[error("the setting `{setting}` is not set")]
    Unset {
        /// Which.
        setting: String,
    },
    /// The setting is a list or an object.
    #[error("the setting `{setting}` is put into a text, so it must be a text, a number, true or false")]
    NotText {
        /// Which.
        setting: String,
    },
    /// The filled text is too long.
    #[error("the setting `{setting}` is too long: what it is put into has at most {MAX_FILLED} bytes")]
    TooLong {
        /// Which.
        setting: String,
    },
    /// The filled text is no host.
    #[error("the setting `{setting}` does not name a host: {reason}")]
    NotAHost {
        /// Which.
        setting: String,
        /// What is wrong and what to give.
        reason: String,
    },
    /// The template itself is wrong: a bug of the plugin.
    #[error("the plugin's manifest has `{template}`: {reason}")]
    Malformed {
        /// The template.
        template: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl TemplateError {
    /// The error as one of the instance's settings. Its pointer starts at the settings.
    pub(crate) fn at_setting(&self) -> FieldError {
        let (setting, code) = match self {
            Self::Unset { setting } => (Some(setting), "required"),
            Self::NotText { setting } => (Some(setting), "wrong-type"),
            Self::TooLong { setting } => (Some(setting), "too-long"),
            Self::NotAHost { setting, .. } => (Some(setting), "not-a-host"),
            Self::Malformed { .. } => (None, "manifest"),
        };
        let pointer = setting.map(|name| pointer(name)).unwrap_or_default();
        FieldError::new(pointer, code, self.to_string())
    }
}

/// A host that a template came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilledHost {
    /// What it covers.
    pub(crate) pattern: HostPattern,
    /// The setting it was taken from; the first, where there are several. None when it is no template.
    pub(crate) setting: Option<String>,
    /// Host and port, where the setting was a URL.
    address: Option<(String, u16)>,
}

impl FilledHost {
    /// What to grant, as text.
    pub(crate) fn to_grant(&self) -> String {
        let text = self.pattern.to_string();
        text.strip_suffix(":443").map(str::to_owned).unwrap_or(text)
    }

    /// Whether a grant of these hosts is enough.
    pub(crate) fn is_covered_by<'a>(&self, mut granted: impl Iterator<Item = &'a HostPattern>) -> bool {
        granted.any(|pattern| match &self.address {
            Some((host, port)) => pattern.covers(host, *port),
            None => pattern.includes(&self.pattern),
        })
    }
}

/// Whether a text holds `{setting}`.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains('{')
}

/// The JSON Pointer to a member (RFC 6901).
pub(crate) fn pointer(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}

/// Fills a template. A slash that ends a value is left out where the template goes on with one, so that an address
/// may be given with or without it.
pub(crate) fn fill(template: &str, settings: &Map<String, Value>) -> Result<String, TemplateError> {
    let mut filled = String::new();
    for part in parts(template)? {
        match part {
            Part::Text(text) => {
                if filled.ends_with('/') && text.starts_with('/') {
                    filled.pop();
                }
                filled.push_str(text);
            }
            Part::Setting(setting) => {
                filled.push_str(&value_of(setting, settings)?);
                if filled.len() > MAX_FILLED {
                    return Err(TemplateError::TooLong { setting: setting.to_owned() });
                }
            }
        }
    }
    Ok(filled)
}

/// Fills a template of a host. `{setting}` alone takes the host and port of a URL, 443 for `https:` and 80 for
/// `http:` when it has no port; a value without a scheme is taken as `host` or `host:port`.
pub(crate) fn fill_host(template: &str, settings: &Map<String, Value>) -> Result<FilledHost, TemplateError> {
    let parts = parts(template)?;
    if let [Part::Setting(setting)] = parts.as_slice() {
        let value = value_of(setting, settings)?;
        return if value.contains("://") { of_url(setting, &value) } else { of_text(setting, &value) };
    }
    let setting = parts.iter().find_map(|part| match part {
        Part::Setting(setting) => Some(*setting),
        Part::Text(_) => None,
    });
    if let Some(setting) = setting {
        return of_text(setting, &fill(template, settings)?);
    }
    let pattern = template.parse::<HostPattern>().map_err(|error| TemplateError::Malformed {
        template: shortened(template),
        reason: error.to_string(),
    })?;
    Ok(FilledHost { pattern, setting: None, address: None })
}

/// The widest pattern that a template of a host can become, where it says: `{shop}.example.com` becomes names below
/// `example.com`. None when it can become any host, or is none.
pub(crate) fn widest(template: &str) -> Option<HostPattern> {
    let (first, rest) = template.split_once('}')?;
    let whole_label = first.starts_with('{') && rest.starts_with('.');
    if whole_label && !is_template(rest) { format!("*{rest}").parse().ok() } else { None }
}

fn of_url(setting: &str, value: &str) -> Result<FilledHost, TemplateError> {
    let not_a_host = |reason: String| TemplateError::NotAHost { setting: setting.to_owned(), reason };
    let url = Url::parse(value)
        .map_err(|error| not_a_host(format!("`{}` is not a URL ({error})", shortened(value))))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(not_a_host(format!(
            "it starts with `{}:`; give an address that starts with https://",
            url.scheme()
        )));
    }
    let (host, shown) = match url.host() {
        Some(Host::Domain(name)) => (name.to_owned(), name.to_owned()),
        Some(Host::Ipv4(address)) => (address.to_string(), address.to_string()),
        Some(Host::Ipv6(address)) => (address.to_string(), format!("[{address}]")),
        None => return Err(not_a_host("the URL has no host".to_owned())),
    };
    let port = url.port_or_known_default().unwrap_or(443);
    let pattern = format!("{shown}:{port}").parse().map_err(|error| not_a_host(format!("{error}")))?;
    Ok(FilledHost { pattern, setting: Some(setting.to_owned()), address: Some((host, port)) })
}

fn of_text(setting: &str, text: &str) -> Result<FilledHost, TemplateError> {
    let not_a_host = |reason: String| TemplateError::NotAHost { setting: setting.to_owned(), reason };
    if text.contains('*') {
        return Err(not_a_host("a setting names one host, without `*`".to_owned()));
    }
    let pattern = text.parse().map_err(|error| not_a_host(format!("{error}")))?;
    Ok(FilledHost { pattern, setting: Some(setting.to_owned()), address: None })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Setting(&'a str),
}

fn parts(template: &str) -> Result<Vec<Part<'_>>, TemplateError> {
    let malformed =
        |reason: &str| TemplateError::Malformed { template: shortened(template), reason: reason.to_owned() };
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let (name, after) = tail.split_once('}').ok_or_else(|| malformed("a `{` has no `}`"))?;
        if name.is_empty() || name.contains('{') {
            return Err(malformed("between `{` and `}` stands the name of one setting"));
        }
        parts.push(Part::Setting(name));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn value_of(setting: &str, settings: &Map<String, Value>) -> Result<String, TemplateError> {
    match settings.get(setting) {
        None | Some(Value::Null) => Err(TemplateError::Unset { setting: setting.to_owned() }),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(truth)) => Ok(truth.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => {
            Err(TemplateError::NotText { setting: setting.to_owned() })
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> Map<String, Value> {
        match json!({
            "base-url": "https://Ledger.example.com/",
            "local": "http://127.0.0.1:8080/erp",
            "plain": "http://ledger.example.com",
            "six": "https://[::1]/",
            "host": "ledger.example.com:8443",
            "shop": "north",
            "wild": "*.example.com",
            "ftp": "ftp://example.com",
            "slash": "example.com/",
            "number": 7,
            "list": [],
            "nothing": null,
            "long": "x".repeat(MAX_FILLED + 1),
        }) {
            Value::Object(settings) => settings,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_template_takes_the_values_of_settings() {
        for (template, filled) in [
            ("", ""),
            ("no template", "no template"),
            ("{shop}", "north"),
            ("{base-url}/oauth/token", "https://Ledger.example.com/oauth/token"),
            ("{local}/oauth/token", "http://127.0.0.1:8080/erp/oauth/token"),
            ("{shop}-{number}", "north-7"),
            ("a } b", "a } b"),
        ] {
            assert_eq!(fill(template, &settings()).unwrap(), filled, "{template}");
        }
    }

    #[test]
    fn what_cannot_be_filled_names_the_setting() {
        for (template, pointer, code) in [
            ("{missing}", "/missing", "required"),
            ("{nothing}", "/nothing", "required"),
            ("{list}", "/list", "wrong-type"),
            ("{long}", "/long", "too-long"),
            ("{a/b~c}", "/a~1b~0c", "required"),
            ("{shop", "", "manifest"),
            ("{}", "", "manifest"),
            ("{{shop}}", "", "manifest"),
        ] {
            let error = fill(template, &settings()).unwrap_err().at_setting();
            assert_eq!((error.pointer.as_str(), error.code.as_str()), (pointer, code), "{template}");
        }
    }

    #[test]
    fn a_host_is_taken_from_a_url_a_host_or_a_part_of_one() {
        for (template, pattern) in [
            ("api.example.com", "api.example.com"),
            ("*.example.com", "*.example.com"),
            ("{base-url}", "ledger.example.com:443"),
            ("{local}", "127.0.0.1:8080"),
            ("{plain}", "ledger.example.com:80"),
            ("{six}", "[::1]:443"),
            ("{host}", "ledger.example.com:8443"),
            ("{shop}.example.com", "north.example.com"),
        ] {
            assert_eq!(fill_host(template, &settings()).unwrap().pattern.to_string(), pattern, "{template}");
        }
    }

    #[test]
    fn what_is_not_one_host_is_refused() {
        for template in [
            "{wild}",
            "{ftp}",
            "{slash}",
            "{slash}.example.com",
            "{local}.example.com",
            "{missing}",
            "{list}",
            "{shop}/path",
            "no host",
        ] {
            assert!(fill_host(template, &settings()).is_err(), "{template}");
        }
    }

    #[test]
    fn a_grant_covers_the_host_and_port_of_a_url() {
        for (template, granted, covered) in [
            ("{base-url}", "ledger.example.com", true),
            ("{base-url}", "*.example.com", true),
            ("{base-url}", "ledger.example.com:443", true),
            ("{base-url}", "ledger.example.com:8443", false),
            ("{base-url}", "example.com", false),
            ("{local}", "127.0.0.1:8080", true),
            ("{local}", "127.0.0.1", false),
            ("{shop}.example.com", "*.example.com", true),
            ("{shop}.example.com", "south.example.com", false),
            ("{six}", "[::1]", true),
        ] {
            let host = fill_host(template, &settings()).unwrap();
            let granted: HostPattern = granted.parse().unwrap();
            assert_eq!(host.is_covered_by([&granted].into_iter()), covered, "{template} {granted}");
        }
    }

    #[test]
    fn a_template_with_a_fixed_ending_stays_below_it() {
        for (template, widest_pattern) in [
            ("{shop}.example.com", Some("*.example.com")),
            ("{shop}.example.com:8443", Some("*.example.com:8443")),
            ("{base-url}", None),
            ("{shop}-eu.example.com", None),
            ("{shop}.{region}.example.com", None),
            ("{shop}.com", None),
        ] {
            assert_eq!(
                widest(template).map(|pattern| pattern.to_string()).as_deref(),
                widest_pattern,
                "{template}"
            );
        }
    }
}
