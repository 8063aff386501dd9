//! What the operator sets.

use std::time::Duration;

/// What the operator sets, for all tenants.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// How long an access token works.
    pub token_lifetime: Duration,
    /// Largest body of a request, in bytes, but for the upload of a component.
    pub max_body_bytes: usize,
    /// Largest component, in bytes.
    pub max_component_bytes: usize,
    /// Longest time for one request, but for the upload of a component and the test of an instance.
    pub request_timeout: Duration,
    /// How long requests in progress may go on after the host was told to stop.
    pub drain: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_hours(1),
            max_body_bytes: 1 << 20,
            max_component_bytes: 64 << 20,
            request_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}
