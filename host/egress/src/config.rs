//! What the operator allows.

use std::time::Duration;

use ipnet::IpNet;

/// What the operator allows, for all tenants.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Networks that requests may reach although they are loopback, private, link-local or reserved.
    pub allowed_networks: Vec<IpNet>,
    /// Whether addresses may be `http:`.
    pub plain_http: PlainHttp,
    /// Time for the TCP and TLS handshakes.
    pub connect_timeout: Duration,
    /// Time for one exchange, waiting for a connection and for `Retry-After` included. A request may ask for less.
    pub timeout: Duration,
    /// Body bytes of one answer, after decompression. A request may ask for less.
    pub max_body_bytes: u32,
}

/// Whether addresses may be `http:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainHttp {
    /// Only `https:`.
    #[default]
    Refused,
    /// Both.
    Allowed,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            plain_http: PlainHttp::Refused,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
            max_body_bytes: 16 << 20,
        }
    }
}
