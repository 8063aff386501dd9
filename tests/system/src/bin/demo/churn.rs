//! Records that change while they are read.

use std::time::Duration;

use mortise_system_tests::{Ledger, Outcome};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How many changes are made at once.
const CHANGES: u32 = 10;
/// The wait between two times.
const PAUSE: Duration = Duration::from_millis(100);

/// Has the ERP's records change until it is stopped.
pub(crate) struct Churn {
    stop: oneshot::Sender<()>,
    work: JoinHandle<Outcome<u32>>,
}

impl Churn {
    pub(crate) fn start(ledger: Ledger) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let work = tokio::spawn(async move {
            let mut made = 0;
            while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                ledger.churn(CHANGES).await?;
                made += CHANGES;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(made)
        });
        Self { stop, work }
    }

    /// Stops, and answers how many changes were made.
    pub(crate) async fn stop(self) -> Result<u32, String> {
        // Who has ended already needs no telling.
        let _ = self.stop.send(());
        let made = self.work.await.map_err(|error| format!("the changes were not made: {error}"))?;
        Ok(made?)
    }
}
