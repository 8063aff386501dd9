//! WASI 0.2: clocks and random numbers are real, standard output and error become log lines, the rest is empty or
//! refuses.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mortise_model::log::LogLevel;
use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::log::Lines;
use crate::bounds::{LOG_LINE, cut};
use crate::recording::Tape;
use crate::state::CallState;

mod taped;
mod waiting;

/// What is taken in one write to the console, in bytes.
const CONSOLE_WRITE: usize = 16 << 10;
/// What is remembered of standard error, to tell what a plugin said before it trapped, in bytes.
const REMEMBERED: usize = 2 << 10;
/// Random bytes of one request.
const RANDOM: u64 = 64 << 10;

/// The interfaces of WASI 0.2 that are linked, without their version.
pub(crate) const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// What WASI needs of one call. Made at the first use: many plugins never ask.
pub(crate) struct Wasi {
    lines: Arc<Lines>,
    tape: Tape,
    open: Option<Open>,
}

struct Open {
    context: WasiCtx,
    output: Console,
    error: Console,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    waiting::link(linker)
}

/// Writes the console to `lines`. Clocks and random numbers are taken down on `tape`, or come from it.
pub(crate) fn bind(lines: &Arc<Lines>, tape: &Tape) -> Wasi {
    Wasi { lines: Arc::clone(lines), tape: tape.clone(), open: None }
}

impl Wasi {
    fn open(&mut self) -> &mut WasiCtx {
        let lines = &self.lines;
        let open = self.open.get_or_insert_with(|| {
            let output = Console::new(lines, LogLevel::Info);
            let error = Console::new(lines, LogLevel::Warn);
            let mut context = WasiCtx::builder();
            context
                .stdout(output.clone())
                .stderr(error.clone())
                .max_random_size(RANDOM)
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false);
            taped::bind(&mut context, &self.tape);
            Open { context: context.build(), output, error }
        });
        &mut open.context
    }

    /// Writes what is left of unfinished lines. Answers the end of what the plugin wrote to standard error.
    pub(crate) fn close(&mut self) -> String {
        let Some(open) = &self.open else { return String::new() };
        open.output.finish();
        open.error.finish();
        open.error.remembered()
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.wasi.open(), table: &mut self.table }
    }
}

/// Standard output or error: whole lines go to the log.
#[derive(Clone)]
struct Console {
    lines: Arc<Lines>,
    level: LogLevel,
    text: Arc<Mutex<Text>>,
}

#[derive(Default)]
struct Text {
    /// The line that is not finished yet.
    line: Vec<u8>,
    /// The end of everything.
    tail: Vec<u8>,
}

impl Console {
    fn new(lines: &Arc<Lines>, level: LogLevel) -> Self {
        Self { lines: Arc::clone(lines), level, text: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LOG_LINE.saturating_sub(text.line.len());
            // A longer line goes on as the next one.
            let (fits, rest) = part.split_at(part.len().min(room));
            text.line.extend_from_slice(fits);
            if part.ends_with(b"\n") || !rest.is_empty() {
                self.write(&mut text.line);
            }
            let kept = rest.len().min(LOG_LINE);
            text.line.extend_from_slice(rest.get(..kept).unwrap_or_default());
            if rest.ends_with(b"\n") {
                self.write(&mut text.line);
            }
        }
        text.tail.extend_from_slice(bytes);
        let excess = text.tail.len().saturating_sub(REMEMBERED);
        text.tail.drain(..excess);
    }

    fn write(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        let message = text.trim_end_matches(['\n', '\r']);
        if !message.is_empty() {
            self.lines.console(self.level, cut(message.to_owned(), LOG_LINE));
        }
        line.clear();
    }

    fn finish(&self) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut text.line);
    }

    fn remembered(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text.tail).trim().to_owned()
    }
}

impl IsTerminal for Console {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Console {
    // Only WASI 0.3 asks for this one, and guests of it are not accepted.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Console {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CONSOLE_WRITE)
    }
}

#[async_trait::async_trait]
impl Pollable for Console {
    async fn ready(&mut self) {}
}
