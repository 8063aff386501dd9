//! A process that says on its first line when it is ready.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{Failure, Outcome};

/// How long a program may take until it is ready. A slow machine that is busy with other things is patient.
const READY: Duration = Duration::from_mins(1);
/// How long a program may take to end after it was asked to.
const END: Duration = Duration::from_mins(1);

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    ready: Value,
}

impl Program {
    /// Starts a program and waits for its ready line, one line of JSON. Standard error is added to the file `log`.
    ///
    /// # Errors
    /// That it does not start, or ended before it was ready, with the end of its log.
    pub async fn start(mut command: Command, log: &Path) -> Outcome<Self> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Failure::of(format!("{} cannot be written", log.display())))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::of(format!("{name} cannot be started")))?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::new("the program has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = match tokio::time::timeout(READY, lines.next_line()).await {
            Ok(Ok(Some(line))) => line,
            Ok(_) => {
                let status = child.wait().await.map(|status| status.to_string()).unwrap_or_default();
                let log = tail(log);
                return Err(Failure::new(format!("{name} ended before it was ready ({status}): {log}")));
            }
            Err(_) => {
                let log = tail(log);
                return Err(Failure::new(format!("{name} was not ready within {READY:?}: {log}")));
            }
        };
        let ready = serde_json::from_str(&line)
            .map_err(Failure::of(format!("{name} began with `{line}` instead of a line of JSON")))?;
        // Keeps the pipe open, so that the program can go on writing.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { name, child, log: log.to_owned(), ready })
    }

    /// A text of the ready line.
    ///
    /// # Errors
    /// That the line has no such text.
    pub fn ready(&self, member: &str) -> Outcome<String> {
        let text = self.ready[member].as_str().map(str::to_owned);
        text.ok_or_else(|| {
            Failure::new(format!("the ready line of {} has no `{member}`: {}", self.name, self.ready))
        })
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it at once, as `kill -9` does.
    ///
    /// # Errors
    /// That the system refused.
    pub async fn kill(mut self) -> Outcome<()> {
        self.child.kill().await.map_err(Failure::of(format!("{} cannot be killed", self.name)))
    }

    /// Asks it to end with SIGTERM and waits until it did.
    ///
    /// # Errors
    /// That it is still there after a minute.
    pub async fn terminate(mut self) -> Outcome<ExitStatus> {
        self.signal(Signal::TERM)?;
        match tokio::time::timeout(END, self.child.wait()).await {
            Ok(status) => status.map_err(Failure::of(format!("{} cannot be waited for", self.name))),
            Err(_) => {
                Err(Failure::new(format!("{} did not end within {END:?}: {}", self.name, tail(&self.log))))
            }
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// That it has ended already.
    pub fn signal(&self, signal: Signal) -> Outcome<()> {
        let gone = || Failure::new(format!("{} has ended: {}", self.name, tail(&self.log)));
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or_else(gone)?;
        kill_process(pid, signal).map_err(|_| gone())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// That the system cannot tell.
    pub async fn wait(&mut self) -> Outcome<ExitStatus> {
        self.child.wait().await.map_err(Failure::of(format!("{} cannot be waited for", self.name)))
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    const LINES: usize = 20;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let start = lines.len().saturating_sub(LINES);
    lines.get(start..).unwrap_or_default().join("\n")
}
