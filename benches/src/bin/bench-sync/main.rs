//! `cargo xtask bench sync`: invoices through the whole pull path, beside the same batches written by a bare loop and a
//! plain program that does the whole task.
//!
//! The source is another process, so that CPU time is the host's alone.

#![forbid(unsafe_code)]

mod native;
mod replay;

use std::env;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::{Parser, Subcommand};
use mortise_benches::house::{Cost, House, Paging, measure, resident};
use mortise_benches::source::{self, Source};
use mortise_benches::{Bound, Failure, Verdict, machine, median};
use mortise_store::Batch;

use crate::native::Native;
use crate::replay::replay;

/// The allocator of the `mortise` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Delay of the source that is far away.
const DELAY: Duration = Duration::from_millis(50);
/// Records a second that are pulled from it at least.
const FROM_AFAR: f64 = 8_000.0;
/// CPU seconds beyond the bare loop per 100,000 records.
const BEYOND: f64 = 1.5;
/// Bytes that memory may grow by, from a fifth of the records to all.
const GROWTH: f64 = 10.0 * 1024.0 * 1024.0;
/// Records of the small run of the two whose memory is compared, as a part of all.
const PART: u32 = 5;

#[derive(Debug, Parser)]
#[command(name = "bench-sync", about = "Measures the whole pull path beside the least that it can cost.")]
struct Arguments {
    /// Invoices that are pulled.
    #[arg(long, default_value_t = 100_000)]
    records: u32,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Pages that the connector asks for at the same time.
    #[arg(long, default_value_t = 4)]
    in_flight: u32,
    /// Leaves out all but the pull of pages of 1,000.
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the program is when it is not the benchmark itself.
#[derive(Debug, Subcommand)]
enum Part {
    /// The source.
    Serve {
        /// Milliseconds that each answer is held back.
        #[arg(long, default_value_t = 0)]
        delay: u64,
    },
    /// A pull whose resident memory is printed.
    Memory {
        /// Where the source is.
        source: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without a provider the HTTP client refuses to start, even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new();
    let outcome = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&arguments)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.part {
        Some(Part::Serve { delay }) => {
            source::serve(arguments.records, &[1_000, 100], Duration::from_millis(*delay)).await?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Memory { source }) => {
            let paging = Paging { size: 1_000, in_flight: arguments.in_flight };
            let pulled = pull_invoices(source, paging).await?;
            println!("{}", pulled.resident);
            Ok(ExitCode::SUCCESS)
        }
        None => measure_all(arguments).await,
    }
}

async fn measure_all(arguments: &Arguments) -> Result<ExitCode, Failure> {
    println!("{} invoices on {}", arguments.records, machine());
    println!("{:<34} {:>10} {:>12} {:>10}", "", "wall s", "records/s", "CPU s");
    let near = start_source(arguments.records, Duration::ZERO)?;
    let mut verdicts = Vec::new();
    let sizes: &[u32] = if arguments.quick { &[1_000] } else { &[1_000, 100] };
    for &size in sizes {
        verdicts.extend(compare(arguments, &near, size).await?);
    }
    drop(near);
    if !arguments.quick {
        verdicts.push(from_afar(arguments).await?);
        verdicts.push(memory(arguments)?);
    }
    println!();
    for verdict in &verdicts {
        println!("{verdict}");
    }
    Ok(if verdicts.iter().all(Verdict::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn compare(arguments: &Arguments, source: &Source, size: u32) -> Result<Vec<Verdict>, Failure> {
    let (mut whole, mut bare, mut native) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        let paging = Paging { size, in_flight: arguments.in_flight };
        let Pulled { cost, batches, .. } = pull_invoices(&source.address, paging).await?;
        whole.push(cost);
        bare.push(replay(batches).await?);
        let in_flight = usize::try_from(arguments.in_flight)?;
        native.push(Native::new(&source.address, size, in_flight)?.pull().await?);
    }
    let (whole, bare, native) = (middle(&whole)?, middle(&bare)?, middle(&native)?);
    let records = f64::from(arguments.records);
    for (name, cost) in
        [("the whole pull path", whole), ("its batches, by a bare loop", bare), ("a plain program", native)]
    {
        show(&format!("{name}, {size} a page"), records, cost);
    }
    let beyond = (whole.cpu.as_secs_f64() - bare.cpu.as_secs_f64()) * 100_000.0 / records;
    println!("{:<34} {:>34.2}", "CPU beyond the bare loop, 100,000", beyond);
    let verdict = |name: &str, ratio, bound| Verdict { name: format!("sync.{size}.{name}"), ratio, bound };
    let throughput = bare.wall.as_secs_f64() / whole.wall.as_secs_f64();
    let of_native = whole.cpu.as_secs_f64() / native.cpu.as_secs_f64();
    Ok(vec![
        verdict("throughput", throughput, Bound::AtLeast(0.6)),
        verdict("cpu-beyond", beyond / BEYOND, Bound::AtMost(1.0)),
        verdict("native", of_native, Bound::AtMost(2.0)),
    ])
}

async fn from_afar(arguments: &Arguments) -> Result<Verdict, Failure> {
    let records = arguments.records;
    let source = start_source(records, DELAY)?;
    let Pulled { cost, .. } = pull_invoices(&source.address, Paging { size: 100, in_flight: 16 }).await?;
    show("50 ms away, 100 a page", records.into(), cost);
    let ratio = f64::from(records) / cost.wall.as_secs_f64() / FROM_AFAR;
    Ok(Verdict { name: "sync.latency".to_owned(), ratio, bound: Bound::AtLeast(1.0) })
}

fn memory(arguments: &Arguments) -> Result<Verdict, Failure> {
    let resident_after = |records: u32| -> Result<f64, Failure> {
        let source = start_source(records, Duration::ZERO)?;
        let records = records.to_string();
        let output = Command::new(env::current_exe()?)
            .args(["--records", &records, "memory", &source.address])
            .stderr(Stdio::inherit())
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    };
    let part = arguments.records / PART;
    let (small, large) = (resident_after(part)?, resident_after(arguments.records)?);
    let mebibytes = |bytes: f64| bytes / 1024.0 / 1024.0;
    println!("resident after {part} records: {:.1} MiB", mebibytes(small));
    println!("resident after {} records: {:.1} MiB", arguments.records, mebibytes(large));
    let ratio = (large - small).max(0.0) / GROWTH;
    Ok(Verdict { name: "sync.memory".to_owned(), ratio, bound: Bound::AtMost(1.0) })
}

fn show(name: &str, records: f64, cost: Cost) {
    let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
    println!("{name:<34} {wall:>10.2} {:>12.0} {cpu:>10.2}", records / wall);
}

fn middle(costs: &[Cost]) -> Result<Cost, Failure> {
    let of = |part: fn(&Cost) -> Duration| {
        median(costs.iter().map(|cost| part(cost).as_secs_f64()).collect()).ok_or("nothing was measured")
    };
    Ok(Cost {
        wall: Duration::from_secs_f64(of(|cost| cost.wall)?),
        cpu: Duration::from_secs_f64(of(|cost| cost.cpu)?),
    })
}

/// What a pull of all invoices came to.
struct Pulled {
    cost: Cost,
    /// What it committed.
    batches: Vec<Batch>,
    /// Resident memory at its end, without what this benchmark keeps for itself.
    resident: u64,
}

async fn pull_invoices(source: &str, paging: Paging) -> Result<Pulled, Failure> {
    let house = House::start(source).await?;
    let instance = house.link("Source", source, paging).await?;
    house.run(&instance).await?;
    house.turn_to_invoices(&instance).await?;
    house.store.clear();
    let measured = measure();
    house.run(&instance).await?;
    let cost = measured();
    let batches = house.store.take();
    let kept: usize = batches.iter().flat_map(|batch| &batch.writes).map(bytes_of).sum();
    let resident = resident()?.saturating_sub(u64::try_from(kept)?);
    Ok(Pulled { cost, batches, resident })
}

fn bytes_of(write: &mortise_store::Write) -> usize {
    match write {
        mortise_store::Write::Put { body, .. } => body.capacity() + size_of::<mortise_store::Write>(),
        _ => size_of::<mortise_store::Write>(),
    }
}

fn start_source(records: u32, delay: Duration) -> Result<Source, Failure> {
    let delay = delay.as_millis();
    Source::start(&[
        "--records".to_owned(),
        records.to_string(),
        "serve".to_owned(),
        format!("--delay={delay}"),
    ])
}
