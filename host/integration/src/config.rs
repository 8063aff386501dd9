//! What the operator sets.

use std::time::Duration;

use mortise_model::secret::SecretText;
use mortise_scheduler::backoff::Backoff;

use crate::Retention;

/// What the operator sets, for all tenants.
#[derive(Debug, Clone)]
pub struct IntegrationConfig {
    /// The key under which tenants' keys are derived. 32 bytes as hexadecimal text.
    pub master_key: SecretText,
    /// Records asked for per page of a pull. A connector may use fewer.
    pub page_size: u32,
    /// Records of one batch of a push.
    pub push_batch: usize,
    /// Waits between the attempts at one failed item, and how many there are before it is a dead letter.
    pub item_backoff: Backoff,
    /// Waits between the attempts at a run that failed in a way that may pass, and how many there are.
    pub run_backoff: Backoff,
    /// How long things are kept that nobody needs any more.
    pub retention: Retention,
}

impl IntegrationConfig {
    /// The defaults under a master key.
    pub fn new(master_key: SecretText) -> Self {
        Self {
            master_key,
            page_size: 500,
            push_batch: 100,
            item_backoff: Backoff {
                first: Duration::from_secs(30),
                factor: 4.0,
                longest: Duration::from_hours(6),
                attempts: 6,
            },
            run_backoff: Backoff {
                first: Duration::from_secs(5),
                factor: 3.0,
                longest: Duration::from_hours(1),
                attempts: 8,
            },
            retention: Retention {
                runs: Duration::from_hours(90 * 24),
                settled_items: Duration::from_hours(90 * 24),
            },
        }
    }
}
