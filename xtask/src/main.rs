//! The developer's commands: `cargo xtask <verb>`.

mod bench;
mod checks;
mod demo;
mod dependencies;
mod plugins;
mod tidy;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mortise_component::WasmTarget;

/// The developer's commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes sure of everything that the other verbs need. They do so themselves; this is to have it done.
    Setup,
    /// Shows the main job: a host, a simulated ERP, a connector between them, records that arrive by schedule.
    Demo {
        /// Ends once the data arrived and was checked. Without it everything stays up until an interrupt.
        #[arg(long)]
        once: bool,
    },
    /// Runs everything that CI checks, in the order that fails fastest.
    Test,
    /// Measures what Mortise costs beside the least that the same work can cost, in one run.
    Bench {
        /// A benchmark: a program `bench-NAME` in benches/src/bin. A name that there is not is answered with those there are.
        name: String,
        /// Handed to the benchmark as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks the invariants of the house that no compiler checks.
    Tidy,
    /// Builds every guest: plugins into target/plugins, test guests into target/guests-wasm.
    Plugins {
        /// Runs the guests' own tests first, natively.
        #[arg(long)]
        test: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The crate stands one level below the root of the repository.
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        eprintln!("error: xtask does not stand below the root of the repository");
        return ExitCode::FAILURE;
    };
    let outcome = match arguments.verb {
        Verb::Setup => setup(root),
        Verb::Demo { once: true } => demo::run(root, demo::Ending::Once),
        Verb::Demo { once: false } => demo::run(root, demo::Ending::OnInterrupt),
        Verb::Test => checks::run(root),
        Verb::Bench { name, arguments } => bench::run(root, &name, &arguments),
        Verb::Tidy => tidy::run(root),
        Verb::Plugins { test } => build_plugins(root, test),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Where cargo puts what it builds.
fn target_directory(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn setup(root: &Path) -> Result<(), String> {
    for target in [WasmTarget::Unknown, WasmTarget::WasiP2] {
        let compiler = plugins::ensure(root, target)?;
        println!("{target}: {}", compiler.display());
    }
    Ok(())
}

fn build_plugins(root: &Path, test: bool) -> Result<(), String> {
    if test {
        plugins::test(root)?;
    }
    plugins::print(root, &plugins::build_all(root)?);
    Ok(())
}
