//! The programs under test, built by cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Failure, Outcome};

/// A program of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// The host: `mortise`, with `mortise-compile` beside it.
    Mortise,
    /// The simulated ERP.
    SimulatedErp,
}

impl Binary {
    /// The programs that cargo is to build.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Mortise => &["mortise", "mortise-compile"],
            Self::SimulatedErp => &["simulated-erp"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mortise => "mortise",
            Self::SimulatedErp => "simulated-erp",
        }
    }
}

/// Builds programs where they are out of date, and answers where they are, in the order of `binaries`.
///
/// # Errors
/// That they do not compile. What the compiler said went to standard error.
pub fn build(binaries: &[Binary]) -> Outcome<Vec<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        // The whole workspace's features, as the tests are built with: what they share is built once.
        .args(["build", "--workspace", "--locked", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit());
    for program in binaries.iter().flat_map(|binary| binary.programs()) {
        command.args(["--bin", program]);
    }
    let output = command.output().map_err(Failure::of("cargo cannot be run"))?;
    if !output.status.success() {
        return Err(Failure::new("the programs under test do not compile: see above"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    binaries.iter().map(|binary| executable(&messages, binary.name())).collect()
}

/// The path of a program in cargo's messages.
fn executable(messages: &str, name: &str) -> Outcome<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"mortise"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"mortise"},"executable":"/t/debug/mortise"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "mortise").unwrap(), Path::new("/t/debug/mortise"));
        assert!(executable(messages, "simulated-erp").is_err());
    }
}
