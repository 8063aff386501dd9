//! Makes sure that some compiler on this machine can build for WebAssembly.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What guests are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WasmTarget {
    /// No operating system: the component imports what the contract offers and nothing else.
    Unknown,
    /// WASI 0.2 beside the contract, for guests whose libraries want a clock, randomness or standard output.
    WasiP2,
}

impl WasmTarget {
    /// The target as `rustc` calls it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::WasiP2 => "wasm32-wasip2",
        }
    }

    /// The target of this name.
    pub(crate) fn from_triple(triple: &str) -> Option<Self> {
        [Self::Unknown, Self::WasiP2].into_iter().find(|target| target.triple() == triple)
    }
}

impl fmt::Display for WasmTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple())
    }
}

/// The path of a compiler that can build for `target`; installs the target where it is missing.
///
/// The first answer is kept below `target/wasm-toolchain` and holds until that compiler is another release.
///
/// # Errors
/// What is missing and the command that installs it.
pub(crate) fn ensure(root: &Path, target: WasmTarget) -> Result<PathBuf, String> {
    let directory = root.join("target/wasm-toolchain");
    let kept = fs::read_to_string(directory.join(format!("{target}.env")));
    if let Ok(answer) = kept
        && let Some(compiler) = Compiler::parse(&answer)
        && compiler.is_unchanged()
    {
        return Ok(compiler.path);
    }
    let script = root.join("xtask/ensure-wasm-target.sh");
    let output = Command::new("bash")
        .arg(&script)
        .args(["--target", target.triple(), "--dir"])
        .arg(&directory)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{} cannot be run: {error}", script.display()))?;
    if !output.status.success() {
        return Err(format!("no compiler for {target}: see above, or run `rustup target add {target}`"));
    }
    Compiler::parse(&String::from_utf8_lossy(&output.stdout))
        .map(|compiler| compiler.path)
        .ok_or_else(|| format!("{} did not name a compiler for {target}", script.display()))
}

/// A compiler as `ensure-wasm-target.sh` names it.
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
