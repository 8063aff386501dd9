//! Cargo, as guests need it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{BuildError, Guest, WasmTarget};

/// Whether cargo may change the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockFile {
    /// It may: the author's own crate.
    MayChange,
    /// It may not.
    Locked,
}

/// How guests of one workspace are compiled.
#[derive(Debug, Clone)]
pub struct Compilation {
    /// Where cargo runs: a crate or a workspace.
    pub directory: PathBuf,
    /// Where cargo puts what it makes.
    pub target_directory: PathBuf,
    /// Whether cargo may change the lock file.
    pub lock_file: LockFile,
}

impl Compilation {
    /// Compiles guests for one target with `compiler`. What cargo says goes to standard error.
    ///
    /// # Errors
    /// [`BuildError::Compile`] when a guest does not compile.
    pub fn run(&self, compiler: &Path, target: WasmTarget, guests: &[Guest]) -> Result<(), BuildError> {
        let mut cargo = Command::new("cargo");
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(belongs_to_another_build) {
                cargo.env_remove(name);
            }
        }
        cargo
            .current_dir(&self.directory)
            .env("RUSTC", compiler)
            .args(["build", "--release", "--target", target.triple(), "--target-dir"])
            .arg(&self.target_directory);
        if self.lock_file == LockFile::Locked {
            cargo.arg("--locked");
        }
        for guest in guests {
            cargo.args(["--package", &guest.package]);
        }
        let status = cargo.status().map_err(|source| BuildError::Program { program: "cargo", source })?;
        if status.success() {
            return Ok(());
        }
        let crates: Vec<_> = guests.iter().map(|guest| guest.package.as_str()).collect();
        Err(BuildError::Compile { crates: crates.join(", "), target })
    }
}

/// Whether a variable of the environment speaks of the build that this program came from, or of how it was built.
///
/// What says where packages come from and how progress is shown stays.
fn belongs_to_another_build(name: &str) -> bool {
    const STAY: [&str; 6] = ["HOME", "HTTP_", "NET_", "REGISTR", "SOURCE_", "TERM_"];
    match name.strip_prefix("CARGO_") {
        Some(rest) => !STAY.iter().any(|stay| rest.starts_with(stay)),
        None => matches!(name, "CARGO" | "RUSTC" | "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_does_not_inherit_how_the_host_is_built() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            assert!(belongs_to_another_build(name), "{name}");
        }
        for name in
            ["PATH", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_TERM_COLOR", "CARGO_REGISTRIES_A_INDEX"]
        {
            assert!(!belongs_to_another_build(name), "{name}");
        }
    }
}
