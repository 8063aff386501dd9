//! One organisation on the host.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::TenantId;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The id, chosen by the operator.
    pub id: TenantId,
    /// The name people read.
    pub name: String,
    /// What it may use.
    pub limits: TenantLimits,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a tenant may use of the host. The defaults fit a small organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TenantLimits {
    /// Plugins it may upload.
    pub plugins: u32,
    /// Releases kept per plugin.
    pub releases_per_plugin: u32,
    /// Instances it may link.
    pub instances: u32,
    /// Runs in progress at the same time.
    pub concurrent_runs: u32,
    /// Thread CPU time of one call, in milliseconds.
    pub call_cpu_ms: u32,
    /// Wall time of one call, queueing included, in milliseconds.
    pub call_wall_ms: u32,
    /// Linear memory and tables of one call, in bytes.
    pub call_memory_bytes: u32,
    /// HTTP requests of one call.
    pub call_http_requests: u32,
    /// HTTP body bytes of one call, both ways together.
    pub call_http_bytes: u64,
    /// Log lines kept of one run.
    pub run_log_lines: u32,
    /// Largest storage grant of one instance, in bytes.
    pub storage_bytes: u64,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self {
            plugins: 50,
            releases_per_plugin: 20,
            instances: 100,
            concurrent_runs: 4,
            call_cpu_ms: 60_000,
            call_wall_ms: 15 * 60_000,
            call_memory_bytes: 128 << 20,
            call_http_requests: 20_000,
            call_http_bytes: 4 << 30,
            run_log_lines: 2_000,
            storage_bytes: 16 << 20,
        }
    }
}
