//! Where a request goes, and whether it may.

use std::net::IpAddr;

use mortise_model::host_pattern::HostPattern;
use mortise_model::plugin::Permissions;
use url::{Host, Url};

use crate::address::AddressPolicy;
use crate::{Delivery, EgressError, EgressErrorKind, Method, PlainHttp};

/// Bytes of an address.
const MAX_URL: usize = 8 << 10;

/// An address that was read and found to be one that the host sends to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    /// The host as patterns have it: IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Reads an absolute address. `what` names it in errors: "the address", "the token address of `erp`".
    pub(crate) fn parse(text: &str, what: &str, plain_http: PlainHttp) -> Result<Self, EgressError> {
        if text.len() > MAX_URL {
            return Err(invalid(format!("{what} has {} bytes: {MAX_URL} are the most", text.len())));
        }
        let url = Url::parse(text).map_err(|error| {
            invalid(format!("{what} is not an absolute one, such as https://api.example.com/path: {error}"))
        })?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(invalid(format!("{what} starts with `{}:`: use `https:`", shorten(url.scheme()))));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(format!("{what} holds a user or password: name a credential instead")));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(invalid(format!("{what} has no host")));
        };
        let host = match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        if url.scheme() == "http" && plain_http == PlainHttp::Refused {
            return Err(denied(format!(
                "{what} is `http:`, which this host refuses: use `https:`, or have the operator allow it with \
                 `egress.plain_http`"
            )));
        }
        Ok(Self { url, host, port })
    }

    /// Whether the grant covers the host and the method.
    pub(crate) fn granted(&self, method: Method, permissions: &Permissions) -> Result<(), EgressError> {
        self.granted_host(permissions)?;
        let method = method.name();
        if !permissions.methods.is_empty() && !permissions.methods.contains(method) {
            return Err(denied(format!("the grant does not cover {method}: grant the method {method}")));
        }
        Ok(())
    }

    /// Whether the grant covers the host.
    pub(crate) fn granted_host(&self, permissions: &Permissions) -> Result<(), EgressError> {
        if self.is_covered(&permissions.hosts) {
            return Ok(());
        }
        Err(denied(format!("the grant does not cover `{0}`: grant the host `{0}`", self.authority())))
    }

    /// Whether one of the patterns covers the host and port.
    pub(crate) fn is_covered<'a>(&self, patterns: impl IntoIterator<Item = &'a HostPattern>) -> bool {
        patterns.into_iter().any(|pattern| pattern.covers(&self.host, self.port))
    }

    /// Whether an address in place of a name may be connected to. The resolver is not asked for those.
    pub(crate) fn check_literal(&self, addresses: &AddressPolicy) -> Result<(), EgressError> {
        // The URL's reader has turned 0x7f.1, 2130706433 and their like into plain addresses.
        let Ok(address) = self.host.parse::<IpAddr>() else { return Ok(()) };
        addresses.check(address).map_err(|forbidden| {
            let message = forbidden_address(&self.host, forbidden.what);
            EgressError::new(EgressErrorKind::ForbiddenAddress, Delivery::NotSent, message)
        })
    }

    /// The host, with the port where it is not 443, as a grant writes it.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 443 { host } else { format!("{host}:{}", self.port) }
    }
}

/// The sentence about a host that is, or leads to, a forbidden address.
pub(crate) fn forbidden_address(host: &str, what: &str) -> String {
    format!(
        "`{host}` is at a {what} address, which requests may not reach: use a public address, or have the operator \
         allow the network with `egress.allow`"
    )
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

fn invalid(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Invalid, Delivery::NotSent, message)
}

fn denied(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Denied, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, EgressError> {
        Target::parse(text, "the address", PlainHttp::Allowed)
    }

    fn permissions(hosts: &[&str], methods: &[&str]) -> Permissions {
        Permissions {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
            ..Permissions::default()
        }
    }

    #[test]
    fn an_address_that_is_not_absolute_http_is_refused_and_says_why() {
        for (text, expected) in [
            ("/path", "the address is not an absolute one"),
            ("ftp://a.example/", "starts with `ftp:`"),
            ("file:///etc/passwd", "starts with `file:`"),
            ("https://user@a.example/", "holds a user or password"),
            ("https://user:secret@a.example/", "holds a user or password"),
            ("https://", "not an absolute one"),
            (&format!("https://a.example/{}", "x".repeat(MAX_URL)), "8192 are the most"),
        ] {
            let error = parse(text).err().unwrap();
            assert_eq!(error.kind, EgressErrorKind::Invalid, "{text}");
            assert_eq!(error.delivery, Delivery::NotSent);
            assert!(error.message.contains(expected), "{}", error.message);
            assert!(!error.message.contains("secret"));
        }
    }

    #[test]
    fn plain_http_is_refused_with_what_the_operator_can_change() {
        let error = Target::parse("http://a.example/", "the address", PlainHttp::Refused).err().unwrap();
        assert_eq!(error.kind, EgressErrorKind::Denied);
        assert!(error.message.contains("`egress.plain_http`"), "{}", error.message);
    }

    #[test]
    fn hosts_and_methods_outside_the_grant_are_denied_with_what_to_grant() {
        let granted = permissions(&["api.example.com", "*.shop.example"], &["GET"]);
        let check = |url: &str, method| parse(url).unwrap().granted(method, &granted).map_err(|e| e.message);
        assert_eq!(check("https://api.example.com/x", Method::Get), Ok(()));
        assert_eq!(check("https://API.example.com./x", Method::Get), Ok(()));
        assert_eq!(check("https://a.shop.example/x", Method::Get), Ok(()));
        for host in ["example.com", "shop.example", "api.example.com:8443", "api.example.com.evil.example"] {
            let message = check(&format!("https://{host}/"), Method::Get).unwrap_err();
            assert!(message.contains(&format!("grant the host `{host}`")), "{message}");
        }
        let message = check("https://api.example.com/", Method::Delete).unwrap_err();
        assert!(message.contains("grant the method DELETE"), "{message}");
        let every_method = permissions(&["api.example.com"], &[]);
        assert!(parse("https://api.example.com").unwrap().granted(Method::Delete, &every_method).is_ok());
    }

    #[test]
    fn an_address_in_place_of_a_name_is_checked_in_every_spelling() {
        let policy = AddressPolicy::new(Vec::new());
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://2130706433/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://①②⑦.0.0.1/",
            "http://0/",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[fe80::1]/",
        ] {
            let error = parse(url).unwrap().check_literal(&policy).expect_err(url);
            assert_eq!(error.kind, EgressErrorKind::ForbiddenAddress, "{url}");
            assert!(error.message.contains("`egress.allow`"));
        }
        assert!(parse("http://8.8.8.8/").unwrap().check_literal(&policy).is_ok());
        assert!(parse("http://[2606:4700:4700::1111]/").unwrap().check_literal(&policy).is_ok());
    }
}
