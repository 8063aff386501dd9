//! Where a plugin's log lines go.

use mortise_model::log::LogLine;

/// Takes a plugin's log lines. Lines arrive with their size already bounded.
pub trait LogWriter: Send + Sync + 'static {
    /// Takes one line. Never blocks: a line too many is dropped and counted.
    fn write(&self, line: LogLine);
}
