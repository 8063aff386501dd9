//! The developer's commands: `cargo xtask <verb>`.

mod plugins;
mod wasm_target;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The developer's commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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

fn build_plugins(root: &Path, test: bool) -> Result<(), String> {
    if test {
        plugins::test(root)?;
    }
    plugins::print(root, &plugins::build_all(root)?);
    Ok(())
}
