//! `cargo xtask bench density`: resident memory of a thousand linked instances, and of two hundred runs in flight.
//!
//! Each instance has its own settings, secret and progress, and has run once: what it would keep in memory it keeps by
//! then. Each run in flight waits in the middle of a pull for an answer of the far side.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use futures::future::try_join_all;
use mortise_benches::house::{House, Paging, resident};
use mortise_benches::source::{self, Source};
use mortise_benches::{Bound, Failure, Verdict, machine};

/// The allocator of the `mortise` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Linked instances.
const LINKED: u32 = 1_000;
/// Runs in flight: as many as the host has slots.
const RUNNING: u32 = 200;
/// Most bytes of an instance that does nothing.
const PER_INSTANCE: f64 = 100.0 * 1024.0;
/// Most bytes of a run that waits: the guest's memory of a little over a mebibyte, its stack, its page of records.
const PER_RUN: f64 = 3.0 * 1024.0 * 1024.0;
/// How long the far side keeps each run waiting.
const DELAY: Duration = Duration::from_secs(8);

#[derive(Debug, Parser)]
#[command(name = "bench-density", about = "Measures the memory of instances and of runs.")]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the program is when it is not the benchmark itself.
#[derive(Debug, Subcommand)]
enum Part {
    /// The source.
    Serve {
        /// Milliseconds that each answer is held back.
        #[arg(long)]
        delay: u64,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without a provider the HTTP client refuses to start, even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new();
    let outcome = runtime.map_err(Failure::from).and_then(|runtime| match arguments.part {
        Some(Part::Serve { delay }) => {
            runtime.block_on(source::serve(1, &[1_000], Duration::from_millis(delay)))?;
            Ok(ExitCode::SUCCESS)
        }
        None => runtime.block_on(measure_all()),
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

async fn measure_all() -> Result<ExitCode, Failure> {
    println!("{}", machine());
    let paging = Paging { size: 1_000, in_flight: 1 };
    let near = start_source(Duration::ZERO)?;
    let house = House::start(&near.address).await?;
    // What every host has once and not per instance, the compiled component above all.
    let first = house.link("first", &near.address, paging).await?;
    house.run(&first).await?;
    house.store.clear();
    let before = resident()?;
    for number in 0..LINKED {
        let instance = house.link(&format!("instance {number}"), &near.address, paging).await?;
        house.run(&instance).await?;
        house.store.clear();
    }
    let linked = resident()?;
    drop(house);
    drop(near);

    let far = start_source(DELAY)?;
    let house = House::start(&far.address).await?;
    let mut instances = Vec::new();
    for number in 0..RUNNING {
        instances.push(house.link(&format!("instance {number}"), &far.address, paging).await?);
    }
    let idle = resident()?;
    let runs = try_join_all(instances.iter().map(|instance| house.run(instance)));
    let (running, ()) = tokio::try_join!(
        async {
            // Long after the last has begun and before the first is answered.
            tokio::time::sleep(DELAY * 3 / 4).await;
            resident()
        },
        async { runs.await.map(drop) },
    )?;
    let share = |before: u64, after: u64, count: u32| {
        f64::from(u32::try_from(after.saturating_sub(before) >> 10).unwrap_or(u32::MAX)) * 1024.0
            / f64::from(count)
    };
    let (per_instance, per_run) = (share(before, linked, LINKED), share(idle, running, RUNNING));
    println!("{:<28} {:>12} {:>12} {:>14}", "", "before MiB", "with MiB", "KiB of each");
    for (name, before, after, each) in [
        ("1,000 linked instances", before, linked, per_instance),
        ("200 runs in flight", idle, running, per_run),
    ] {
        println!("{name:<28} {:>12} {:>12} {:>14.1}", before >> 20, after >> 20, each / 1024.0);
    }
    println!();
    let verdicts = [("density.linked", per_instance / PER_INSTANCE), ("density.running", per_run / PER_RUN)]
        .map(|(name, ratio)| Verdict { name: name.to_owned(), ratio, bound: Bound::AtMost(1.0) });
    for verdict in &verdicts {
        println!("{verdict}");
    }
    Ok(if verdicts.iter().all(Verdict::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start_source(delay: Duration) -> Result<Source, Failure> {
    Source::start(&["serve".to_owned(), format!("--delay={}", delay.as_millis())])
}
