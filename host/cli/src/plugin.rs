//! `mortise plugin`: makes, builds, checks and uploads plugins.

mod build;
mod check;
mod client;
mod error;
mod new;
mod permissions;
mod push;
pub(crate) mod replay;
mod show;

use clap::Subcommand;

pub(crate) use self::error::PluginError;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the crate of a new connector, which builds at once.
    New(new::Options),
    /// Builds a crate and makes a component of it.
    Build(build::Options),
    /// Checks a component as the host would, without a host.
    Check(check::Options),
    /// Uploads a component to a host.
    Push(push::Options),
}

/// Does what the command says.
///
/// # Errors
/// [`PluginError`] with what to do.
pub(crate) fn command(command: Command) -> Result<(), PluginError> {
    match command {
        Command::New(options) => new::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Check(options) => asynchronous(check::run(options)),
        Command::Push(options) => asynchronous(push::run(options)),
    }
}

/// Has a run again on the host.
///
/// # Errors
/// [`PluginError`], and [`PluginError::Differs`] when the run went another way than its recording.
pub(crate) fn replay(options: replay::Options) -> Result<(), PluginError> {
    asynchronous(replay::run(options))
}

fn asynchronous(work: impl Future<Output = Result<(), PluginError>>) -> Result<(), PluginError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| PluginError::System { what: "threads cannot be started", source })?;
    runtime.block_on(work)
}
