//! The host as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::Command;

use crate::{Caller, Failure, Outcome, Program};

/// How a host is started.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The program.
    pub binary: PathBuf,
    /// Where it keeps everything, and its log and configuration beside it. A second start with the same is a restart.
    pub directory: PathBuf,
    /// The configuration file's text.
    pub config: String,
}

/// A running host.
#[derive(Debug)]
pub struct Host {
    program: Program,
    url: String,
    data: PathBuf,
}

impl HostOptions {
    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Where standard error goes.
    pub fn log(&self) -> PathBuf {
        self.directory.join("mortise.log")
    }
}

impl Host {
    /// Starts a host on a free port and waits until it takes requests.
    ///
    /// # Errors
    /// Why it does not start, with the end of its log.
    pub async fn start(options: &HostOptions) -> Outcome<Self> {
        let config = options.directory.join("mortise.toml");
        fs::create_dir_all(&options.directory)
            .and_then(|()| fs::write(&config, &options.config))
            .map_err(Failure::of(format!("{} cannot be written", config.display())))?;
        let mut command = Command::new(&options.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("MORTISE_")) {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        command.arg("--data-dir").arg(options.data());
        let program = Program::start(command, &options.log()).await?;
        Ok(Self { url: program.ready("listening")?, program, data: options.data() })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file with the operator's key.
    pub fn operator_key_file(&self) -> PathBuf {
        self.data.join("operator.key")
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The operator, by the key of the first start.
    ///
    /// # Errors
    /// That there is no key.
    pub fn operator(&self) -> Outcome<Caller> {
        let path = self.operator_key_file();
        let key =
            fs::read_to_string(&path).map_err(Failure::of(format!("{} cannot be read", path.display())))?;
        Ok(Caller::nobody(&self.url)?.with_key(key.trim()))
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// The process.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Ends it at once, as a crash does.
    ///
    /// # Errors
    /// As [`Program::kill`].
    pub async fn kill(self) -> Outcome<()> {
        self.program.kill().await
    }

    /// Has it end in good order.
    ///
    /// # Errors
    /// As [`Program::terminate`].
    pub async fn terminate(self) -> Outcome<ExitStatus> {
        self.program.terminate().await
    }
}
