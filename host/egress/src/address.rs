//! Which addresses requests may connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Decides about addresses, whether a plugin named them or a name resolved to them.
///
/// Everything that the IANA special-purpose registries (RFC 6890) keep from the public internet is forbidden, and so
/// are IPv6 addresses that carry a forbidden IPv4 address. What the operator allows is lifted.
#[derive(Debug, Clone)]
pub(crate) struct AddressPolicy {
    allowed: Vec<IpNet>,
}

/// An address that requests may not connect to, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {what} address")]
pub(crate) struct ForbiddenAddress {
    pub(crate) what: &'static str,
}

/// The first match counts, so the narrower network stands before the wider.
const FORBIDDEN_V4: &[(&str, &str)] = &[
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "reserved"),
    ("10.0.0.0/8", "private"),
    ("100.100.100.200/32", "cloud metadata"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    // Azure serves metadata and keys here, to virtual machines only, although the address looks public.
    ("168.63.129.16/32", "cloud metadata"),
    ("169.254.169.254/32", "cloud metadata"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.192/32", "cloud metadata"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
];

const FORBIDDEN_V6: &[(&str, &str)] = &[
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "private NAT64"),
    ("100::/64", "discard-only"),
    ("2001:2::/48", "benchmarking"),
    ("2001:10::/28", "reserved"),
    ("2001:20::/28", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

impl AddressPolicy {
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether requests may connect to `address`.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        if self.allowed.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        match address {
            IpAddr::V4(address) => self.check_v4(address),
            IpAddr::V6(address) => self.check_v6(address),
        }
    }

    fn check_v4(&self, address: Ipv4Addr) -> Result<(), ForbiddenAddress> {
        if self.allowed.iter().any(|network| network.contains(&IpAddr::V4(address))) {
            return Ok(());
        }
        let found = FORBIDDEN_V4.iter().find(|(network, _)| {
            // A line that does not parse forbids everything; a test holds that every line does.
            network.parse::<Ipv4Net>().map_or(true, |network| network.contains(&address))
        });
        found.map_or(Ok(()), |(_, what)| Err(ForbiddenAddress { what }))
    }

    fn check_v6(&self, address: Ipv6Addr) -> Result<(), ForbiddenAddress> {
        let found = FORBIDDEN_V6.iter().find(|(network, _)| {
            network.parse::<Ipv6Net>().map_or(true, |network| network.contains(&address))
        });
        if let Some((_, what)) = found {
            return Err(ForbiddenAddress { what });
        }
        let embedded = embedded_v4(address);
        for inner in embedded.iter().flatten() {
            self.check_v4(*inner)?;
        }
        // Only 2000::/3 is handed out as global unicast (RFC 4291, 2.4).
        let is_global = address.segments()[0] & 0xe000 == 0x2000;
        if is_global || embedded[0].is_some() { Ok(()) } else { Err(ForbiddenAddress { what: "reserved" }) }
    }
}

/// The IPv4 addresses that an IPv6 address stands for, in the forms that gateways and kernels translate.
fn embedded_v4(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    match address.segments() {
        // IPv4-compatible (::/96), IPv4-mapped (::ffff:0:0/96), IPv4-translated (::ffff:0:0:0/96), NAT64 (RFC 6052)
        // and 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => [Some(from_halves(high, low)), None],
        // Teredo (RFC 4380): the server, and the client with its bits turned.
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            [Some(from_halves(server_high, server_low)), Some(from_halves(!high, !low))]
        }
        _ => [None, None],
    }
}

fn from_halves(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(policy: &AddressPolicy, address: &str) -> Option<&'static str> {
        policy.check(address.parse().unwrap()).err().map(|forbidden| forbidden.what)
    }

    #[test]
    fn every_network_of_the_tables_is_written_well() {
        for (network, _) in FORBIDDEN_V4 {
            assert!(network.parse::<Ipv4Net>().is_ok_and(|parsed| parsed.trunc() == parsed), "{network}");
        }
        for (network, _) in FORBIDDEN_V6 {
            assert!(network.parse::<Ipv6Net>().is_ok_and(|parsed| parsed.trunc() == parsed), "{network}");
        }
    }

    #[test]
    fn addresses_outside_the_public_internet_are_forbidden() {
        let policy = AddressPolicy::new(Vec::new());
        for (address, what) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "reserved"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("100.127.255.255", "carrier-grade NAT"),
            ("100.100.100.200", "cloud metadata"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "cloud metadata"),
            ("169.254.0.1", "link-local"),
            ("169.254.169.254", "cloud metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.1", "reserved"),
            ("192.0.0.192", "cloud metadata"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "reserved"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("fc00::1", "private"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("100::1", "discard-only"),
            ("2001:db8::1", "documentation"),
            ("3fff::1", "documentation"),
            ("2001:2::1", "benchmarking"),
            ("2001:10::1", "reserved"),
            ("2001:20::1", "reserved"),
            ("5f00::1", "reserved"),
            ("4000::1", "reserved"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:169.254.169.254", "cloud metadata"),
            ("::ffff:10.0.0.1", "private"),
            ("::127.0.0.1", "loopback"),
            ("::10.0.0.1", "private"),
            ("::ffff:0:127.0.0.1", "loopback"),
            ("64:ff9b::127.0.0.1", "loopback"),
            ("64:ff9b::a9fe:a9fe", "cloud metadata"),
            ("64:ff9b:1::1", "private NAT64"),
            ("2002:7f00:1::", "loopback"),
            ("2002:a9fe:a9fe::1", "cloud metadata"),
            ("2002:c0a8:101::1", "private"),
            // Teredo by its server, then by its client: 127.0.0.1 with its bits turned is 80ff:fffe.
            ("2001:0:a00:1::", "private"),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", "loopback"),
        ] {
            assert_eq!(verdict(&policy, address), Some(what), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        let policy = AddressPolicy::new(Vec::new());
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(verdict(&policy, address), None, "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_lifted_and_nothing_beside_it() {
        let policy = AddressPolicy::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        assert_eq!(verdict(&policy, "10.1.2.3"), None);
        assert_eq!(verdict(&policy, "::ffff:10.1.2.3"), None);
        assert_eq!(verdict(&policy, "fd00:1::5"), None);
        assert_eq!(verdict(&policy, "10.2.0.1"), Some("private"));
        assert_eq!(verdict(&policy, "127.0.0.1"), Some("loopback"));
        assert_eq!(verdict(&policy, "fd00:2::5"), Some("private"));
    }
}
