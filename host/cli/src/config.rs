//! What the operator sets: options, variables, file and defaults, in this order.

mod check;
mod environment;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::arguments;

/// A configuration file with every key, its default and what it does.
pub(crate) const EXAMPLE: &str = include_str!("mortise.example.toml");

/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What the operator sets. Each key is explained in [`EXAMPLE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: Log,
    pub(crate) store: Store,
    pub(crate) egress: Egress,
    pub(crate) runtime: Runtime,
    pub(crate) compiler: Compiler,
    pub(crate) workers: Workers,
    pub(crate) api: Api,
    pub(crate) sync: Sync,
    pub(crate) retention: Retention,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) cache_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Egress {
    pub(crate) allow: Vec<IpNet>,
    pub(crate) plain_http: bool,
    pub(crate) connect_timeout_seconds: u64,
    pub(crate) timeout_seconds: u64,
    pub(crate) max_body_bytes: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Runtime {
    pub(crate) calls: u32,
    pub(crate) calls_per_tenant: u32,
    pub(crate) max_component_bytes: u64,
    pub(crate) max_call_memory_bytes: u32,
    pub(crate) total_memory_bytes: u64,
    pub(crate) memory_per_tenant_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Compiler {
    pub(crate) program: PathBuf,
    pub(crate) at_once: u32,
    pub(crate) cpu_seconds: u64,
    pub(crate) wall_seconds: u64,
    pub(crate) memory_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Workers {
    pub(crate) concurrency: u32,
    pub(crate) per_tenant: u32,
    pub(crate) lease_seconds: u64,
    pub(crate) poll_milliseconds: u64,
    pub(crate) drain_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    pub(crate) token_seconds: u64,
    pub(crate) max_body_bytes: u32,
    pub(crate) request_timeout_seconds: u64,
    pub(crate) drain_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sync {
    pub(crate) page_size: u32,
    pub(crate) push_batch: u32,
    pub(crate) retry_first_milliseconds: u64,
    pub(crate) retry_factor: f64,
    pub(crate) retry_longest_seconds: u64,
    pub(crate) retry_attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) runs_days: u32,
    pub(crate) settled_items_days: u32,
}

/// Why the host cannot be configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file says something that is not understood.
    #[error("the configuration file {}: {reason}`mortise config` prints every key with its default", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line and what is wrong with it, with a line break at the end.
        reason: String,
    },
    /// A variable has a value that its key does not take.
    #[error("{variable}: `{value}` is not {expected}")]
    Variable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What the key takes.
        expected: String,
    },
    /// A value is out of bounds.
    #[error("{key}: is {value}; from {least} to {most} are allowed")]
    Bounds {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// The least.
        least: String,
        /// The most.
        most: String,
    },
    /// The log filter is malformed.
    #[error("log.level: `{level}` is not a filter: {reason}. Give error, warn, info, debug or trace")]
    Level {
        /// The value.
        level: String,
        /// Why.
        reason: String,
    },
    /// A store that this build does not have.
    #[error(
        "this build has the embedded store only: leave out --database-url (MORTISE_DATABASE_URL) and name a directory with --data-dir"
    )]
    Database,
}

impl Config {
    /// The configuration under these options, variables and the file that they name.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key, the value and what is allowed.
    pub(crate) fn of(
        options: &arguments::Serve,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if options.database_url.is_some() {
            return Err(ConfigError::Database);
        }
        let file = match &options.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        let mut config = environment::apply(file, variable)?;
        if let Some(listen) = options.listen {
            config.listen = listen;
        }
        if let Some(data_dir) = &options.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        config.check()?;
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = |reason: String| ConfigError::File { path: path.to_owned(), reason };
        let size = fs::metadata(path).map_err(|error| file(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(file(format!("it has {size} bytes, the most is {MAX_FILE}")));
        }
        let text = fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
        Self::parse(&text).map_err(|reason| ConfigError::Content { path: path.to_owned(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let mut message = error.to_string();
            if !message.ends_with('\n') {
                message.push('\n');
            }
            message
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7070)),
            data_dir: PathBuf::from("mortise-data"),
            log: Log::default(),
            store: Store::default(),
            egress: Egress::default(),
            runtime: Runtime::default(),
            compiler: Compiler::default(),
            workers: Workers::default(),
            api: Api::default(),
            sync: Sync::default(),
            retention: Retention::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { cache_bytes: 256 << 20 }
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            plain_http: false,
            connect_timeout_seconds: 10,
            timeout_seconds: 60,
            max_body_bytes: 16 << 20,
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            calls: 200,
            calls_per_tenant: 50,
            max_component_bytes: 64 << 20,
            max_call_memory_bytes: 512 << 20,
            total_memory_bytes: 4 << 30,
            memory_per_tenant_bytes: 1 << 30,
        }
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            program: PathBuf::new(),
            at_once: 2,
            cpu_seconds: 60,
            wall_seconds: 120,
            memory_bytes: 2 << 30,
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            concurrency: 16,
            per_tenant: 4,
            lease_seconds: 30,
            poll_milliseconds: 1_000,
            drain_seconds: 20,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { token_seconds: 3_600, max_body_bytes: 1 << 20, request_timeout_seconds: 30, drain_seconds: 10 }
    }
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            page_size: 500,
            push_batch: 100,
            retry_first_milliseconds: 30_000,
            retry_factor: 4.0,
            retry_longest_seconds: 21_600,
            retry_attempts: 6,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs_days: 90, settled_items_days: 90 }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn options() -> arguments::Serve {
        arguments::Serve { config: None, listen: None, data_dir: None, database_url: None }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn the_printed_file_has_every_key_with_its_default() {
        assert_eq!(Config::parse(EXAMPLE).unwrap(), Config::default());
        let written: toml::Table = EXAMPLE.parse().unwrap();
        assert_eq!(written, toml::Table::try_from(Config::default()).unwrap());
    }

    #[test]
    fn every_key_of_the_printed_file_is_explained() {
        let mut explained = false;
        for line in EXAMPLE.lines() {
            if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() || line.starts_with('[') {
                explained = false;
            } else {
                assert!(explained || line.starts_with("retry_"), "{line}");
                explained = line.starts_with("retry_");
            }
        }
    }

    #[test]
    fn an_option_wins_over_a_variable_and_a_variable_over_the_file() {
        let file = file("listen = \"127.0.0.1:1\"\ndata_dir = \"file\"\n[api]\ntoken_seconds = 7\n");
        let mut options = options();
        options.config = Some(file.path().to_owned());
        options.listen = "127.0.0.1:3".parse().ok();
        let variable = |name: &str| match name {
            "MORTISE_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "MORTISE_DATA_DIR" => Some("variable".to_owned()),
            _ => None,
        };
        let config = Config::of(&options, variable).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.data_dir, Path::new("variable"));
        assert_eq!(config.api.token_seconds, 7);
        assert_eq!(config.api.drain_seconds, Api::default().drain_seconds);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_with_its_line() {
        let file = file("[egress]\nalow = []\n");
        let mut options = options();
        options.config = Some(file.path().to_owned());
        let message = Config::of(&options, |_| None).unwrap_err().to_string();
        assert!(message.contains("unknown field `alow`") && message.contains("line 2"), "{message}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let mut options = options();
        options.config = Some(PathBuf::from("/no/such/mortise.toml"));
        let message = Config::of(&options, |_| None).unwrap_err().to_string();
        assert!(message.contains("/no/such/mortise.toml"), "{message}");
    }

    #[test]
    fn another_store_is_refused_with_what_to_do() {
        let mut options = options();
        options.database_url = Some("postgres://localhost/mortise".to_owned());
        let message = Config::of(&options, |_| None).unwrap_err().to_string();
        assert!(message.contains("embedded store only") && !message.contains("postgres://"), "{message}");
    }
}
