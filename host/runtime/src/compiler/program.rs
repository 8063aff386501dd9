//! What the program `mortise-compile` does: it compiles one component for the host that started it.

use std::io::{self, BufRead as _, Read as _, Write};
use std::process::{self, ExitCode};
use std::{env, thread};

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use serde::Serialize;

use super::inspect;
use super::protocol::{Compiled, Greeting, MAX_LINE, Order, Read, build};
use crate::bounds::{TRAP, cut};
use crate::engine;

/// How much the host goes before compilations when there is not enough CPU for both.
const NICENESS: i32 = 10;
/// Open files. Three, and what the libraries look up.
const MAX_FILES: u64 = 64;
/// CPU time between the first and the last word about its end, in seconds.
const CPU_GRACE: u64 = 5;

/// What the program `mortise-compile` does: it takes an order and a component from standard input, limits itself, and
/// writes what came of it to standard output.
///
/// It ends as soon as standard input is closed, so that it does not outlive its host.
pub fn compile_program() -> ExitCode {
    if env::args_os().len() > 1 {
        eprintln!("mortise-compile is started by `mortise`, for each component, and takes no arguments");
        return ExitCode::from(2);
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    confine()?;
    let engine = engine::compiling().map_err(io::Error::other)?;
    let mut output = io::stdout().lock();
    say(&mut output, &Greeting { build: build(&engine) })?;
    let component = take_order()?;
    thread::Builder::new().spawn(end_with_the_host)?;
    match inspect::names(&component) {
        Ok(names) => say(&mut output, &Read::Names(names))?,
        Err(reason) => return say(&mut output, &Read::Invalid(reason)),
    }
    match engine.precompile_component(&component) {
        Ok(image) => {
            say(&mut output, &Compiled::Image(u64::try_from(image.len()).unwrap_or(u64::MAX)))?;
            output.write_all(&image)?;
            output.flush()
        }
        Err(error) if is_out_of_memory(&error) => say(&mut output, &Compiled::OutOfMemory),
        Err(error) => say(&mut output, &Compiled::Refused(cut(format!("{error:#}"), TRAP))),
    }
}

/// Gives up what compiling does not need.
fn confine() -> io::Result<()> {
    // No file is written, and a crash leaves none behind with a tenant's code in it.
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, MAX_FILES)?;
    nice(NICENESS)?;
    #[cfg(target_os = "linux")]
    {
        rustix::thread::set_no_new_privs(true)?;
        // Where the machine's memory ends, this is what goes, and not the host. Some machines do not offer it.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
    Ok(())
}

fn take_order() -> io::Result<Vec<u8>> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    let order: Order = serde_json::from_slice(&line)?;
    // At the first the program is told that its time is up, by which the host knows it; at the second it is killed.
    limit_between(Resource::Cpu, order.cpu_seconds, order.cpu_seconds.saturating_add(CPU_GRACE))?;
    // Memory that is written to. Reserved address space is not counted: allocators reserve much of it per thread.
    limit(Resource::Data, order.memory_bytes)?;
    let length = usize::try_from(order.component_bytes).map_err(io::Error::other)?;
    let mut component = vec![0; length];
    input.read_exact(&mut component)?;
    Ok(component)
}

/// Lowers a limit. One that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    limit_between(resource, most, most)
}

fn limit_between(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let present = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let new = Rlimit { current: Some(soft.min(present)), maximum: Some(hard.min(present)) };
    Ok(setrlimit(resource, new)?)
}

/// The host keeps standard input open for as long as it waits. It sends nothing more.
fn end_with_the_host() {
    let _ = io::stdin().read(&mut [0]);
    process::exit(1);
}

fn say(output: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.is::<wasmtime::OutOfMemory>()
        || error.chain().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
        })
}
