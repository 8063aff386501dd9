//! Stopping in good order.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code after a second signal.
const AT_ONCE: i32 = 130;

/// The signals that stop the host: an interrupt and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over from the system. From now on they do nothing by themselves.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Fires `stop` at the first signal, and ends the process at the second.
    pub(crate) async fn watch(mut self, stop: CancellationToken) {
        self.next().await;
        eprintln!("stopping: what is in progress may finish; a second signal stops at once");
        stop.cancel();
        self.next().await;
        eprintln!("stopped at once: runs in progress go on after the next start");
        process::exit(AT_ONCE);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
