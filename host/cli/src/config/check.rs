//! The bounds of the values.

use std::fmt::Display;

use tracing_subscriber::EnvFilter;

use super::{Config, ConfigError};

const DAY: u64 = 24 * 60 * 60;
const GIBIBYTE: u64 = 1 << 30;

impl Config {
    /// Refuses the first value that is out of bounds.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self { log, store, egress, runtime, compiler, workers, api, sync, retention, .. } = self;
        EnvFilter::try_new(&log.level)
            .map_err(|error| ConfigError::Level { level: log.level.clone(), reason: error.to_string() })?;
        within("store.cache_bytes", store.cache_bytes, 1 << 20, 1_024 * GIBIBYTE)?;
        within("egress.connect_timeout_seconds", egress.connect_timeout_seconds, 1, 300)?;
        within("egress.timeout_seconds", egress.timeout_seconds, 1, 3_600)?;
        within("egress.max_body_bytes", u64::from(egress.max_body_bytes), 1 << 10, GIBIBYTE)?;
        within("runtime.calls", runtime.calls, 1, 10_000)?;
        within("runtime.calls_per_tenant", runtime.calls_per_tenant, 1, 10_000)?;
        within("runtime.max_component_bytes", runtime.max_component_bytes, 1 << 10, GIBIBYTE / 4)?;
        within(
            "runtime.max_call_memory_bytes",
            u64::from(runtime.max_call_memory_bytes),
            1 << 20,
            4 * GIBIBYTE,
        )?;
        within("runtime.total_memory_bytes", runtime.total_memory_bytes, 1 << 20, 4_096 * GIBIBYTE)?;
        within(
            "runtime.memory_per_tenant_bytes",
            runtime.memory_per_tenant_bytes,
            1 << 20,
            4_096 * GIBIBYTE,
        )?;
        within("compiler.at_once", compiler.at_once, 1, 64)?;
        within("compiler.cpu_seconds", compiler.cpu_seconds, 1, 3_600)?;
        within("compiler.wall_seconds", compiler.wall_seconds, 1, 3_600)?;
        within("compiler.memory_bytes", compiler.memory_bytes, 64 << 20, 1_024 * GIBIBYTE)?;
        within("workers.concurrency", workers.concurrency, 1, 1_000)?;
        within("workers.per_tenant", workers.per_tenant, 1, 1_000)?;
        within("workers.lease_seconds", workers.lease_seconds, 1, 3_600)?;
        within("workers.poll_milliseconds", workers.poll_milliseconds, 10, 60_000)?;
        within("workers.drain_seconds", workers.drain_seconds, 0, 3_600)?;
        within("api.token_seconds", api.token_seconds, 1, 30 * DAY)?;
        within("api.max_body_bytes", u64::from(api.max_body_bytes), 1 << 10, GIBIBYTE / 4)?;
        within("api.request_timeout_seconds", api.request_timeout_seconds, 1, 3_600)?;
        within("api.drain_seconds", api.drain_seconds, 0, 3_600)?;
        within("sync.page_size", sync.page_size, 1, 5_000)?;
        within("sync.push_batch", sync.push_batch, 1, 1_000)?;
        within("sync.retry_first_milliseconds", sync.retry_first_milliseconds, 1, 1_000 * DAY)?;
        within("sync.retry_factor", sync.retry_factor, 1.0, 100.0)?;
        within("sync.retry_longest_seconds", sync.retry_longest_seconds, 1, 30 * DAY)?;
        within("sync.retry_attempts", sync.retry_attempts, 1, 100)?;
        within("retention.runs_days", retention.runs_days, 1, 3_650)?;
        within("retention.settled_items_days", retention.settled_items_days, 1, 3_650)
    }
}

fn within<T: Copy + PartialOrd + Display>(
    key: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    if least <= value && value <= most {
        return Ok(());
    }
    Err(ConfigError::Bounds {
        key,
        value: value.to_string(),
        least: least.to_string(),
        most: most.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_within_the_bounds() {
        Config::default().check().unwrap();
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_its_key_and_the_bounds() {
        let message = refused(|config| config.workers.concurrency = 0);
        assert_eq!(message, "workers.concurrency: is 0; from 1 to 1000 are allowed");
        let message = refused(|config| config.sync.retry_factor = f64::NAN);
        assert!(message.starts_with("sync.retry_factor: is NaN"), "{message}");
        let message = refused(|config| config.log.level = "loud,,=".to_owned());
        assert!(message.starts_with("log.level"), "{message}");
    }
}
