//! Why work on a run stops before it is done.

use std::time::Duration;

use mortise_model::error::PluginError;
use mortise_runtime::{CallError, RuntimeError};
use mortise_store::StoreError;

/// The longest wait that a far side's `Retry-After` is followed for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Why work on a run stops before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A definite failure: the run failed, the next one that is asked for or scheduled tries again.
    Failed(PluginError),
    /// A failure that may pass: the job is tried again, not before this long.
    Later { after: Option<Duration>, error: PluginError },
    /// The far side does not accept the credentials: the instance is paused.
    Unauthorized(PluginError),
    /// A person stopped the run.
    Cancelled,
    /// The host shuts down: another worker goes on.
    Released,
    /// Another worker has the job already: nothing more may be written.
    LeaseLost,
}

impl Stop {
    /// A failure of the host that may pass.
    pub(crate) fn later(message: impl Into<String>) -> Self {
        Self::Later { after: None, error: PluginError::retryable(message) }
    }

    /// A definite failure.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed(PluginError::failed(code, message))
    }

    /// What a call that ended with `error` means for the run, the run not having been stopped.
    pub(crate) fn of_call(error: CallError) -> Self {
        match error {
            CallError::Plugin(error) => Self::of_plugin(error),
            CallError::Limit { limit } => Self::failed("limit", limit.to_string()),
            error @ CallError::Trap { .. } => Self::failed("trap", error.to_string()),
            CallError::Stopped => Self::later("the call was stopped, and nobody stopped the run"),
            CallError::Host(RuntimeError::NoComponent(digest)) => {
                Self::failed("no-component", RuntimeError::NoComponent(digest).to_string())
            }
            CallError::Host(error) => Self::later(error.to_string()),
            other => Self::failed("call-failed", other.to_string()),
        }
    }

    fn of_plugin(error: PluginError) -> Self {
        match error {
            PluginError::Retryable { after_ms, .. } => Self::Later { after: wait(after_ms), error },
            PluginError::Unauthorized { .. } => Self::Unauthorized(error),
            error => Self::Failed(error),
        }
    }

    /// What the plugin is told when it is in the way of a commit.
    pub(crate) fn to_plugin(&self) -> PluginError {
        match self {
            Self::Failed(error) | Self::Later { error, .. } | Self::Unauthorized(error) => error.clone(),
            Self::Cancelled => PluginError::retryable("the run was cancelled"),
            Self::Released => PluginError::retryable("the host is shutting down"),
            Self::LeaseLost => PluginError::retryable("another worker has the run"),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost(_) => Self::LeaseLost,
            StoreError::Invalid(message) => Self::failed("refused-by-store", message),
            StoreError::Corrupt(message) => Self::failed("store-corrupt", message),
            error => Self::later(error.to_string()),
        }
    }
}

impl From<mortise_records::RecordError> for Stop {
    fn from(error: mortise_records::RecordError) -> Self {
        match error {
            mortise_records::RecordError::Store(error) => error.into(),
            error => Self::failed("records", error.to_string()),
        }
    }
}

/// The wait that a far side asked for, within bounds.
pub(crate) fn wait(after_ms: Option<u32>) -> Option<Duration> {
    after_ms.map(|millis| Duration::from_millis(u64::from(millis)).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use mortise_runtime::Limit;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_is_definite_is_not() {
        let asked = PluginError::Retryable { after_ms: Some(1_500), message: "busy".to_owned() };
        let later = Stop::of_call(asked.clone().into());
        assert_eq!(later, Stop::Later { after: Some(Duration::from_millis(1_500)), error: asked });
        let busy = Stop::of_call(CallError::Host(RuntimeError::Busy("no slot".to_owned())));
        assert!(matches!(busy, Stop::Later { after: None, .. }));
        let trap = Stop::of_call(CallError::Trap { message: "unreachable".to_owned() });
        assert!(matches!(trap, Stop::Failed(PluginError::Failed { code, .. }) if code == "trap"));
        let limit = Stop::of_call(CallError::Limit { limit: Limit::Stack });
        assert!(matches!(limit, Stop::Failed(PluginError::Failed { code, .. }) if code == "limit"));
    }

    #[test]
    fn a_wait_of_weeks_is_cut_to_a_day() {
        assert_eq!(wait(Some(u32::MAX)), Some(LONGEST_WAIT));
    }
}
