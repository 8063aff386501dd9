//! `cargo xtask plugins`: compiles every guest of the repository and makes components of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mortise_component::{Compilation, Guest, LockFile, WasmTarget, ensure_compiler};

/// The folder of the guests' workspace.
pub(crate) const WORKSPACE: &str = "plugins";
/// What `cargo` is given in [`WORKSPACE`] to run the guests' own tests natively.
pub(crate) const NATIVE_TEST: [&str; 5] =
    ["test", "--workspace", "--locked", "--target-dir", "../target/guests"];

/// What `cargo` is given in [`WORKSPACE`] to look over the guests' code.
pub(crate) const NATIVE_LINTS: [&str; 9] = [
    "clippy",
    "--workspace",
    "--all-targets",
    "--locked",
    "--target-dir",
    "../target/guests",
    "--",
    "-D",
    "warnings",
];

/// The folders that hold guests, and where their components go.
const ROOMS: [(&str, &str); 2] = [("plugins", "target/plugins"), ("tests/guests", "target/guests-wasm")];

/// A component that was built.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    /// What it was compiled for.
    pub(crate) target: WasmTarget,
    /// Where the component is.
    pub(crate) path: PathBuf,
    /// Its size in bytes.
    pub(crate) size: usize,
}

/// Builds every guest below `plugins` and `tests/guests`. A component that would not change is left alone.
///
/// # Errors
/// The guest and the step that failed, in one sentence. What the compiler said went to standard error.
pub(crate) fn build_all(root: &Path) -> Result<Vec<Built>, String> {
    let mut by_target: BTreeMap<WasmTarget, Vec<(Guest, PathBuf)>> = BTreeMap::new();
    for (folder, destination) in ROOMS {
        for guest in guests_in(&root.join(folder))? {
            let component = root.join(destination).join(format!("{}.wasm", guest.package));
            by_target.entry(guest.target).or_default().push((guest, component));
        }
    }
    let compilation = Compilation {
        directory: root.join(WORKSPACE),
        target_directory: root.join("target/guests"),
        lock_file: LockFile::Locked,
    };
    let mut built = Vec::new();
    for (target, guests) in by_target {
        let compiler = ensure(root, target)?;
        let crates: Vec<_> = guests.iter().map(|(guest, _)| guest.clone()).collect();
        compilation.run(&compiler, target, &crates).map_err(|error| error.to_string())?;
        for (guest, path) in guests {
            let size = guest
                .componentise(&compilation.target_directory, &path)
                .map_err(|error| format!("guest {}: {error}", guest.package))?;
            built.push(Built { target, path, size });
        }
    }
    built.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(built)
}

/// A compiler for guests; installs the target where it is missing.
///
/// # Errors
/// What is missing and the command that installs it.
pub(crate) fn ensure(root: &Path, target: WasmTarget) -> Result<PathBuf, String> {
    ensure_compiler(&root.join("target/wasm-toolchain"), target).map_err(|error| error.to_string())
}

/// Prints what was built, one line each.
pub(crate) fn print(root: &Path, built: &[Built]) {
    for Built { target, path, size } in built {
        let path = path.strip_prefix(root).unwrap_or(path);
        println!("{:>5} kB  {:<24} {}", size.div_ceil(1000), target.to_string(), path.display());
    }
}

/// Runs the guests' own tests, natively.
///
/// # Errors
/// That tests failed. Which ones went to standard output.
pub(crate) fn test(root: &Path) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(NATIVE_TEST)
        .current_dir(root.join(WORKSPACE))
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err("tests of the guests failed: see above".to_owned()) }
}

fn guests_in(folder: &Path) -> Result<Vec<Guest>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let mut guests = Vec::new();
    for entry in entries.flatten() {
        if entry.path().join("Cargo.toml").is_file() && entry.path().is_dir() {
            guests.push(Guest::read(&entry.path()).map_err(|error| error.to_string())?);
        }
    }
    guests.sort_by(|a, b| a.package.cmp(&b.package));
    Ok(guests)
}
