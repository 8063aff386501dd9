//! Tenants.

use utoipa::ToSchema;

/// One organisation on the host.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Tenant {
    /// The id, chosen by the operator.
    id: String,
    /// The name people read.
    name: String,
    /// What it may use.
    limits: TenantLimits,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

/// What a tenant may use of the host.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TenantLimits {
    /// Plugins it may upload.
    #[schema(required = false)]
    plugins: u32,
    /// Releases kept per plugin.
    #[schema(required = false)]
    releases_per_plugin: u32,
    /// Instances it may link.
    #[schema(required = false)]
    instances: u32,
    /// Runs in progress at the same time.
    #[schema(required = false)]
    concurrent_runs: u32,
    /// Thread CPU time of one call, in milliseconds.
    #[schema(required = false)]
    call_cpu_ms: u32,
    /// Wall time of one call, queueing included, in milliseconds.
    #[schema(required = false)]
    call_wall_ms: u32,
    /// Linear memory and tables of one call, in bytes.
    #[schema(required = false)]
    call_memory_bytes: u32,
    /// HTTP requests of one call.
    #[schema(required = false)]
    call_http_requests: u32,
    /// HTTP body bytes of one call, both ways together.
    #[schema(required = false)]
    call_http_bytes: u64,
    /// Log lines kept of one run.
    #[schema(required = false)]
    run_log_lines: u32,
    /// Largest storage grant of one instance, in bytes.
    #[schema(required = false)]
    storage_bytes: u64,
}
