//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::plugin;

/// Hosts WebAssembly plugins that link a commerce platform to other systems.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the host.
    Serve(Serve),
    /// Prints a configuration file with every key, what it does and its default.
    Config,
    /// Makes, checks and uploads plugins.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Has the recorded pulls of a run again, on the host: nothing is sent, stored or read.
    ///
    /// The instance records while its `recording` is `on` (`PATCH /manage/instances/{id}`).
    Replay(plugin::replay::Options),
}

/// Runs the host.
///
/// A value is taken from the first place that has it: an option, its environment variable, the configuration file,
/// the default. Every key of the file has a variable too: `egress.plain_http` is `MORTISE_EGRESS_PLAIN_HTTP`.
///
/// When requests are taken, one line of JSON goes to standard output: `{"listening":"http://127.0.0.1:7070"}`.
/// Logs go to standard error. An interrupt or SIGTERM stops the host in good order, a second one at once.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file (TOML). `mortise config` prints one.
    #[arg(long, env = "MORTISE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "MORTISE_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where everything is kept. Made, with keys in it, at the first start.
    #[arg(long, env = "MORTISE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Not in this build: it has the embedded store only.
    #[arg(long, env = "MORTISE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_options_of_every_command_have_names_of_their_own() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_address_to_listen_on_is_read_with_its_port() {
        let arguments = Arguments::try_parse_from(["mortise", "serve", "--listen", "127.0.0.1:0"]).unwrap();
        assert!(matches!(arguments.command, Command::Serve(Serve { listen: Some(_), .. })));
        assert!(Arguments::try_parse_from(["mortise", "serve", "--listen", "here"]).is_err());
    }
}
