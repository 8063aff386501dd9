//! Makes sure that some compiler on this machine can build for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{BuildError, WasmTarget};

/// Finds or installs, first that applies: the target is there, `rustup target add`, a private compiler from Debian.
const SCRIPT: &str = include_str!("ensure-wasm-target.sh");

/// The path of a compiler that can build for `target`; installs the target where it is missing, and says so on
/// standard error.
///
/// The first answer is kept in `directory` and holds until that compiler is another release.
///
/// # Errors
/// [`BuildError::NoCompiler`] with the command that installs one.
pub fn ensure(directory: &Path, target: WasmTarget) -> Result<PathBuf, BuildError> {
    let kept = fs::read_to_string(directory.join(format!("{target}.env")));
    if let Ok(answer) = kept
        && let Some(compiler) = Compiler::parse(&answer)
        && compiler.is_unchanged()
    {
        return Ok(compiler.path);
    }
    fs::create_dir_all(directory).map_err(BuildError::file("created", directory))?;
    let output = Command::new("bash")
        .args(["-c", SCRIPT, "ensure-wasm-target.sh", "--target", target.triple(), "--dir"])
        .arg(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| BuildError::Program { program: "bash", source })?;
    if !output.status.success() {
        return Err(BuildError::NoCompiler(target));
    }
    Compiler::parse(&String::from_utf8_lossy(&output.stdout))
        .map(|compiler| compiler.path)
        .ok_or(BuildError::NoCompiler(target))
}

/// A compiler as the script names it.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    path: PathBuf,
    version: String,
}

impl Compiler {
    fn parse(answer: &str) -> Option<Self> {
        let value = |key: &str| {
            answer.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
        };
        Some(Self { path: PathBuf::from(value("RUSTC")?), version: value("RUSTC_VERSION")? })
    }

    fn is_unchanged(&self) -> bool {
        Command::new(&self.path)
            .arg("-V")
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_read_from_the_answer_of_the_script() {
        let answer = "MODE=native\nRUSTC=/opt/rust/bin/rustc\nRUSTC_VERSION=rustc 1.95.0 (5 2026-04-14)\n";
        let compiler = Compiler {
            path: PathBuf::from("/opt/rust/bin/rustc"),
            version: "rustc 1.95.0 (5 2026-04-14)".to_owned(),
        };
        assert_eq!(Compiler::parse(answer), Some(compiler));
        assert_eq!(Compiler::parse("MODE=native\n"), None);
    }
}
