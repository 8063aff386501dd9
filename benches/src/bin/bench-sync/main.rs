//! `cargo xtask bench sync`: invoices through the whole pull path, beside the same batches written by a bare loop and a
//! plain program that does the whole task.
//!
//! The source is another process, so that CPU time is the host's alone.

#![forbid(unsafe_code)]

mod house;
mod native;
mod replay;
mod source;

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use bytes::Bytes;
use clap::{Parser, Subcommand};
use mortise_benches::{Bound, Verdict, machine, median};

use crate::house::{Cost, House, resident};
use crate::native::Native;
use crate::replay::replay;

/// The allocator of the `mortise` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why the benchmark cannot go on.
type Failure = Box<dyn std::error::Error + Send + Sync>;

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
            let house = House::start(&component()?, source, 1_000, arguments.in_flight).await?;
            house.pull_invoices().await?;
            drop(house.store.take());
            println!("{}", resident()?);
            Ok(ExitCode::SUCCESS)
        }
        None => measure_all(arguments).await,
    }
}

async fn measure_all(arguments: &Arguments) -> Result<ExitCode, Failure> {
    println!("{} invoices on {}", arguments.records, machine());
    println!("{:<34} {:>10} {:>12} {:>10}", "", "wall s", "records/s", "CPU s");
    let near = Source::start(arguments.records, Duration::ZERO)?;
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
    let component = component()?;
    let (mut whole, mut bare, mut native) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        let house = House::start(&component, &source.address, size, arguments.in_flight).await?;
        let (_, cost) = house.pull_invoices().await?;
        whole.push(cost);
        let batches = house.store.take();
        drop(house);
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
    let source = Source::start(records, DELAY)?;
    let house = House::start(&component()?, &source.address, 100, 16).await?;
    let (_, cost) = house.pull_invoices().await?;
    show("50 ms away, 100 a page", records.into(), cost);
    let ratio = f64::from(records) / cost.wall.as_secs_f64() / FROM_AFAR;
    Ok(Verdict { name: "sync.latency".to_owned(), ratio, bound: Bound::AtLeast(1.0) })
}

fn memory(arguments: &Arguments) -> Result<Verdict, Failure> {
    let resident_after = |records: u32| -> Result<f64, Failure> {
        let source = Source::start(records, Duration::ZERO)?;
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

fn component() -> Result<Bytes, Failure> {
    let path = "target/guests-wasm/invoices.wasm";
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}: run `cargo xtask plugins`"))?;
    Ok(bytes.into())
}

/// The process that is pulled from. Ends when dropped.
struct Source {
    process: Child,
    address: String,
}

impl Source {
    fn start(records: u32, delay: Duration) -> Result<Self, Failure> {
        let mut process = Command::new(env::current_exe()?)
            .args(["--records", &records.to_string(), "serve", "--delay", &delay.as_millis().to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the source has no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
