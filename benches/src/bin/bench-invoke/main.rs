//! What a call costs beside the least that wasmtime needs for it.
//!
//! The same component does the same small job: it reads its settings, parses an invoice, adds it up, logs one line and
//! answers. Rounds of the contenders alternate, and their medians are compared.

#![forbid(unsafe_code)]

mod callgrind;
mod contender;
mod full;
mod job;
mod minimum;

use std::env;
use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use mortise_benches::{Bound, Verdict, machine, median};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::contender::{Contender, Way};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Calls of one round: short, so that most rounds pass without another process in between.
const CALLS: u32 = 20;
/// Rounds of each contender on one core.
const ROUNDS: u32 = 1_500;
/// Rounds that warm up.
const WARM_UP: usize = 50;
/// Calls of each core in one round of all cores.
const CORE_CALLS: u32 = 4_000;
/// Rounds of each contender on all cores.
const CORE_ROUNDS: usize = 7;
/// Room for calls: the host's default, and for a child under valgrind, which has less address space.
const SLOTS: u32 = 200;
const CHILD_SLOTS: u32 = 2;
/// The most that Mortise may cost over wasmtime alone.
const TARGET: f64 = 1.25;

fn main() -> Outcome<ExitCode> {
    // The host writes its own log as well; here nobody reads it.
    let filter = EnvFilter::new("info");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::sink).init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => compare(),
        ["child", way, calls, directory] => child(way, calls.parse()?, Path::new(directory)),
        other => Err(format!("`bench invoke` takes no arguments, not {other:?}").into()),
    }
}

fn child(way: &str, calls: u32, directory: &Path) -> Outcome<ExitCode> {
    let way = Way::ALL.into_iter().find(|known| known.name() == way).ok_or("there is no such way")?;
    let directory = TempDir::new_in(directory)?;
    let tokio = Builder::new_current_thread().enable_all().build()?;
    let contender = tokio.block_on(Contender::new(way, CHILD_SLOTS, directory.path()))?;
    tokio.block_on(contender.calls(calls))?;
    Ok(ExitCode::SUCCESS)
}

fn compare() -> Outcome<ExitCode> {
    println!("A call that reads its settings, parses an invoice, adds it up and logs one line.");
    println!("{}\n", machine());
    let directory = TempDir::new()?;
    let one = Builder::new_current_thread().enable_all().build()?;
    let mut contenders = Vec::new();
    for way in Way::ALL {
        contenders.push(Arc::new(one.block_on(Contender::new(way, SLOTS, directory.path()))?));
    }
    let times = on_one_core(&one, &contenders)?;
    let rates = on_all_cores(&contenders)?;
    drop(contenders);
    let mut counts = Vec::new();
    for way in Way::ALL {
        counts.push(callgrind::instructions(way, directory.path())?);
    }

    println!("{:44} {:>10} {:>14} {:>14} {:>14}", "", "one call", "calls/s,", "calls/s,", "instructions");
    println!("{:44} {:>10} {:>14} {:>14} {:>14}", "", "µs", "one core", "all cores", "without kernel");
    for (((way, time), rate), count) in Way::ALL.iter().zip(&times).zip(&rates).zip(&counts) {
        let count = count.map_or_else(|| "-".to_owned(), |count| format!("{count:.0}"));
        println!("{:44} {time:>10.2} {:>14.0} {rate:>14.0} {count:>14}", way.title(), 1e6 / time);
    }
    println!();
    let mut verdicts = Vec::new();
    let mut verdict = |name: &str, ratio: f64| {
        verdicts.push(Verdict { name: name.to_owned(), ratio, bound: Bound::AtMost(TARGET) });
    };
    if let [Some(least), _, Some(full)] = counts.as_slice() {
        verdict("invoke.instructions", full / least);
    } else {
        println!("Instructions were not counted: there is no `valgrind` here.");
    }
    if let [least, _, full] = times.as_slice() {
        verdict("invoke", full / least);
    }
    for verdict in &verdicts {
        println!("{verdict}");
    }
    Ok(if verdicts.iter().all(Verdict::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Microseconds of one call of each contender.
fn on_one_core(tokio: &Runtime, contenders: &[Arc<Contender>]) -> Outcome<Vec<f64>> {
    let mut rounds = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter().zip(&mut rounds) {
            let started = Instant::now();
            tokio.block_on(contender.calls(CALLS))?;
            times.push(started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
        }
    }
    let measured = rounds.into_iter().map(|times| times.into_iter().skip(WARM_UP).collect());
    Ok(measured.filter_map(median).collect())
}

/// Calls in one second of each contender, with every core busy.
fn on_all_cores(contenders: &[Arc<Contender>]) -> Outcome<Vec<f64>> {
    let tokio = Builder::new_multi_thread().enable_all().build()?;
    let cores = tokio.metrics().num_workers();
    let mut rounds = vec![Vec::new(); contenders.len()];
    for _ in 0..CORE_ROUNDS {
        for (contender, rates) in contenders.iter().zip(&mut rounds) {
            let started = Instant::now();
            let callers = (0..cores).map(|_| {
                let contender = Arc::clone(contender);
                tokio.spawn(async move { contender.calls(CORE_CALLS).await })
            });
            for caller in callers.collect::<Vec<_>>() {
                tokio.block_on(caller)??;
            }
            let calls = f64::from(CORE_CALLS) * f64::from(u32::try_from(cores)?);
            rates.push(calls / started.elapsed().as_secs_f64());
        }
    }
    Ok(rounds.into_iter().filter_map(median).collect())
}
