//! The `mortise` binary: the host, and the commands of a plugin's author.

#![forbid(unsafe_code)]

mod arguments;
mod config;
mod keys;
mod plugin;
mod serve;
mod shutdown;
mod telemetry;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve(options) => serve::command(&options)?,
        Command::Config => print!("{}", config::EXAMPLE),
        Command::Plugin(command) => plugin::command(command)?,
        Command::Replay(options) => plugin::replay(options)?,
    }
    Ok(())
}
