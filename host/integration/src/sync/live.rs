//! The runs that this host works on at the moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mortise_model::id::RunId;
use tokio_util::sync::CancellationToken;

/// The runs in progress on this host, each with what stops it.
#[derive(Debug, Default)]
pub(crate) struct LiveRuns {
    tokens: Mutex<HashMap<RunId, CancellationToken>>,
}

/// A run that is in progress for as long as this lives.
#[derive(Debug)]
pub(crate) struct LiveRun {
    runs: Arc<LiveRuns>,
    run: RunId,
}

impl LiveRuns {
    /// Stops a run at once if this host works on it. Answers whether it does. The run's end is written by its worker.
    pub(crate) fn cancel(&self, run: &RunId) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(run).inspect(|token| token.cancel()).is_some()
    }

    /// Notes that a run is in progress, and that `token` stops it.
    pub(crate) fn begin(self: &Arc<Self>, run: &RunId, token: CancellationToken) -> LiveRun {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), token);
        LiveRun { runs: Arc::clone(self), run: run.clone() }
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        self.runs.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_can_be_stopped_while_it_lives_and_not_after() {
        let runs = Arc::new(LiveRuns::default());
        let (run, token) = (RunId::new(), CancellationToken::new());
        let live = runs.begin(&run, token.clone());
        assert!(!runs.cancel(&RunId::new()));
        assert!(!token.is_cancelled());
        assert!(runs.cancel(&run));
        assert!(token.is_cancelled());
        drop(live);
        assert!(!runs.cancel(&run));
    }
}
