//! Which hosts a grant or a credential covers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host a plugin may call: `api.example.com`, `*.example.com`, an IP address, each with `:port` where it is not 443.
///
/// `*.example.com` covers every name below `example.com`, not `example.com` itself. A wildcard needs two labels
/// behind it. Without a port the pattern covers 443, and 80 where the operator allows plain `http:`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    wildcard: bool,
    host: String,
    port: Option<u16>,
}

/// A text that is not a host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host pattern: {reason}")]
pub struct InvalidHostPattern {
    text: String,
    reason: &'static str,
}

impl HostPattern {
    /// Whether a request to this host and port is covered. `host` is a name or an address, IPv6 without brackets.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let port_covered = match self.port {
            Some(own) => own == port,
            None => port == 443 || port == 80,
        };
        port_covered && self.covers_host(host)
    }

    /// Whether everything that `other` covers is covered by this pattern too.
    pub fn includes(&self, other: &Self) -> bool {
        if self.port != other.port {
            return false;
        }
        match (self.wildcard, other.wildcard) {
            (true, true) => self.host == other.host || is_below(&other.host, &self.host),
            (false, true) => false,
            (_, false) => self.covers_host(&other.host),
        }
    }

    fn covers_host(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if self.wildcard { is_below(&host, &self.host) } else { host == self.host }
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let invalid = |reason| InvalidHostPattern { text: text.chars().take(300).collect(), reason };
        let lower = text.to_ascii_lowercase();
        if lower.contains('/') || lower.contains('@') {
            return Err(invalid("give a host such as api.example.com, without scheme, path or user"));
        }
        let (host, port) =
            split_port(&lower).ok_or_else(|| invalid("the port is not a number from 1 to 65535"))?;
        let (wildcard, host) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host),
        };
        if host.parse::<std::net::Ipv6Addr>().is_ok() {
            return if wildcard {
                Err(invalid("an address cannot have a wildcard"))
            } else {
                Ok(Self { wildcard, host: host.to_owned(), port })
            };
        }
        if host.is_empty() || host.len() > 253 || !host.split('.').all(is_label) {
            return Err(invalid("a host is labels of a-z, 0-9, `-` and `_` separated by dots"));
        }
        if wildcard && (!host.contains('.') || host.parse::<std::net::Ipv4Addr>().is_ok()) {
            return Err(invalid("a wildcard needs at least two labels behind it, as in *.example.com"));
        }
        Ok(Self { wildcard, host: host.to_owned(), port })
    }
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(parse_port(port)?))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(parse_port(port)?))),
        None => Some((text, None)),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidHostPattern;

    fn try_from(text: String) -> Result<Self, InvalidHostPattern> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> String {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wildcard = if self.wildcard { "*." } else { "" };
        let is_v6 = self.host.contains(':');
        match (is_v6, self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (true, None) => write!(f, "[{}]", self.host),
            (false, Some(port)) => write!(f, "{wildcard}{}:{port}", self.host),
            (false, None) => write!(f, "{wildcard}{}", self.host),
        }
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_says_and_nothing_else() {
        for (pattern, host, port, covered) in [
            ("api.example.com", "api.example.com", 443, true),
            ("api.example.com", "API.example.com.", 443, true),
            ("api.example.com", "api.example.com", 8443, false),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("api.example.com:8443", "api.example.com", 443, false),
            ("api.example.com", "example.com", 443, false),
            ("*.example.com", "a.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "evilexample.com", 443, false),
            ("*.example.com", ".example.com", 443, false),
            ("127.0.0.1:9000", "127.0.0.1", 9000, true),
            ("[::1]:9000", "::1", 9000, true),
        ] {
            let parsed: HostPattern = pattern.parse().unwrap();
            assert_eq!(parsed.covers(host, port), covered, "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn what_is_too_wide_or_malformed_is_refused() {
        for text in [
            "",
            "*",
            "*.com",
            "*com",
            "a.*.com",
            "https://a.com",
            "a.com/x",
            "u@a.com",
            "a.com:0",
            "a.com:x",
            "a..b",
            "-a.com",
            "*.10.0.0.1",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_reads_back_from_its_text() {
        for text in ["api.example.com", "*.example.com:8443", "[::1]:9000", "[::1]", "127.0.0.1"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wildcard_includes_the_names_below_it() {
        let includes = |wide: &str, narrow: &str| {
            wide.parse::<HostPattern>().unwrap().includes(&narrow.parse().unwrap())
        };
        assert!(includes("*.example.com", "api.example.com"));
        assert!(includes("*.example.com", "*.eu.example.com"));
        assert!(!includes("api.example.com", "*.example.com"));
        assert!(!includes("*.example.com", "api.example.com:8443"));
    }
}
