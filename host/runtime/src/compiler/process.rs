//! One run of the program that compiles, as the host sees it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use tokio::fs::OpenOptions;
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy, copy_buf, sink,
};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::protocol::{Compiled, Greeting, MAX_LINE, Order, Read};
use super::{CompilerConfig, MAX_IMAGE, Names, NotCompiled, not_written};
use crate::bounds::{TRAP, cut};
use crate::{Refused, RuntimeError};

/// Threads of one compilation, where the machine has as many.
const MAX_THREADS: usize = 8;
/// Longest time for the program to begin. A machine that is busy with other things is slow to start programs.
const BEGINNING: Duration = Duration::from_secs(30);
/// Longest time for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What is read of what it says to standard error, in bytes.
const MAX_COMPLAINT: u64 = 4 << 10;
/// What is read of the image at a time, in bytes.
const CHUNK: usize = 256 << 10;
/// What the standard library says when there is no memory left, before it ends the program.
const NO_MEMORY: &str = "memory allocation of";

/// A running program. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    /// Its standard input once everything is written. It stays open until this is dropped.
    _input: JoinHandle<ChildStdin>,
    program: PathBuf,
    limits: CompilerConfig,
    deadline: Instant,
}

impl Process {
    /// Starts the program and hands it a component.
    pub(super) async fn start(
        limits: &CompilerConfig,
        program: &Path,
        build: &str,
        component: Bytes,
    ) -> Result<Self, RuntimeError> {
        let failed =
            |reason: String| RuntimeError::Compiler { program: program.display().to_string(), reason };
        let threads = available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let mut child = Command::new(program)
            .env_clear()
            .env("RAYON_NUM_THREADS", threads.to_string())
            .current_dir("/")
            // An interrupt of the host is the host's to handle: what it was asked to do is done before it ends.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("it cannot be started: {error}")))?;
        let (Some(input), Some(output), Some(complaints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("it has no standard streams".to_owned()));
        };
        let order = Order {
            component_bytes: u64::try_from(component.len()).unwrap_or(u64::MAX),
            cpu_seconds: limits.cpu.as_secs().max(1),
            memory_bytes: limits.memory_bytes,
        };
        let order = serde_json::to_vec(&order).map_err(|error| failed(error.to_string()))?;
        let mut process = Self {
            child,
            output: BufReader::with_capacity(CHUNK, output),
            complaint: tokio::spawn(complaint(complaints)),
            _input: tokio::spawn(send(input, order, component)),
            program: program.to_owned(),
            limits: limits.clone(),
            deadline: Instant::now() + limits.wall,
        };
        let line = timeout(BEGINNING, process.line()).await.map_err(|_| {
            failed(format!("it did not begin within {} s: the machine is too busy", BEGINNING.as_secs()))
        })?;
        let Some(greeting) = line.as_deref().and_then(|line| serde_json::from_slice::<Greeting>(line).ok())
        else {
            return Err(failed(match process.ended().await {
                Some(status) => format!("it ended before it began ({status}) {}", process.complaint().await),
                None => "it is another program".to_owned(),
            }));
        };
        if greeting.build != build {
            return Err(failed("it is of another build than this host".to_owned()));
        }
        Ok(process)
    }

    /// What the component is made of.
    pub(super) async fn names(&mut self) -> Result<Names, Refused> {
        match self.answer().await? {
            Read::Names(names) => Ok(names),
            Read::Invalid(reason) => Err(Refused::Invalid(cut(reason, TRAP))),
        }
    }

    /// Writes the image into a file that is there.
    pub(super) async fn image(mut self, to: &Path) -> Result<(), Refused> {
        let bytes = match self.answer().await? {
            Compiled::Image(bytes) if bytes > MAX_IMAGE => return Err(NotCompiled::Image(bytes).into()),
            Compiled::Image(bytes) => bytes,
            Compiled::Refused(reason) => return Err(Refused::TooBig(cut(reason, TRAP))),
            Compiled::OutOfMemory => return Err(NotCompiled::Memory(self.limits.memory_bytes).into()),
        };
        let failed = |error| not_written(to, &error);
        let mut file = OpenOptions::new().write(true).open(to).await.map_err(failed)?;
        let mut image = (&mut self.output).take(bytes);
        let copied = timeout_at(self.deadline, copy_buf(&mut image, &mut file)).await;
        let copied = copied.map_err(|_| NotCompiled::Wall(self.limits.wall))?.map_err(failed)?;
        if copied != bytes {
            return Err(self.broken().await);
        }
        file.flush().await.map_err(failed)
    }

    async fn answer<T: DeserializeOwned>(&mut self) -> Result<T, Refused> {
        let line = timeout_at(self.deadline, self.line()).await;
        let Some(line) = line.map_err(|_| NotCompiled::Wall(self.limits.wall))? else {
            return Err(self.broken().await);
        };
        serde_json::from_slice(&line).map_err(|error| {
            let program = self.program.display().to_string();
            RuntimeError::Compiler { program, reason: format!("its answer is not understood: {error}") }
                .into()
        })
    }

    /// A whole line of what it says. None when it ends before.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        // What cannot be read is what it did not say.
        let _ = (&mut self.output).take(MAX_LINE).read_until(b'\n', &mut line).await;
        (line.pop() == Some(b'\n')).then_some(line)
    }

    /// Why it ended without having said everything.
    async fn broken(&mut self) -> Refused {
        let Some(status) = self.ended().await else {
            return NotCompiled::Wall(self.limits.wall).into();
        };
        let complaint = self.complaint().await;
        let signal = status.signal();
        if signal == Some(Signal::XCPU.as_raw()) {
            return NotCompiled::Cpu(self.limits.cpu).into();
        }
        if complaint.contains(NO_MEMORY) {
            return NotCompiled::Memory(self.limits.memory_bytes).into();
        }
        tracing::error!(%status, complaint, "the compiler broke over a component");
        let how = match signal {
            Some(_) => status.to_string(),
            None => format!("{status} {complaint}"),
        };
        NotCompiled::Crashed(cut(how, TRAP)).into()
    }

    async fn ended(&mut self) -> Option<ExitStatus> {
        timeout_at(self.deadline, self.child.wait()).await.ok()?.ok()
    }

    async fn complaint(&mut self) -> String {
        let complaint = timeout(LAST_WORDS, &mut self.complaint).await;
        complaint.ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// Hands over everything. What the program does not take, it has no use for: it says why itself.
async fn send(mut input: ChildStdin, mut order: Vec<u8>, component: Bytes) -> ChildStdin {
    order.push(b'\n');
    if input.write_all(&order).await.is_ok() {
        let _ = input.write_all(&component).await;
    }
    input
}

/// The beginning of what it says to standard error. The rest is taken and dropped, so that it is never held up.
async fn complaint(mut stream: ChildStderr) -> String {
    let mut said = Vec::new();
    let _ = (&mut stream).take(MAX_COMPLAINT).read_to_end(&mut said).await;
    let _ = copy(&mut stream, &mut sink()).await;
    String::from_utf8_lossy(&said).trim().to_owned()
}
