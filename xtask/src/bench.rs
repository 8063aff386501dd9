//! `cargo xtask bench NAME`: one of the measured comparisons in `benches/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{plugins, target_directory};

/// Builds the benchmark, optimised, and runs it with `arguments`.
///
/// # Errors
/// A name that no benchmark has, with those there are; a build that fails; a benchmark that misses its target.
pub(crate) fn run(root: &Path, name: &str, arguments: &[String]) -> Result<(), String> {
    let names = names(root)?;
    if !names.iter().any(|known| known == name) {
        return Err(format!("there is no benchmark `{name}`; there are: {}", names.join(", ")));
    }
    plugins::build_all(root)?;
    // The development profile but for the workspace's own crates: dependencies are compiled as a release compiles
    // them already, and so are shared with the tests.
    let built = Command::new("cargo")
        .current_dir(root)
        .args(["build", "--workspace", "--bins", "--locked"])
        .args(["--config", "profile.dev.opt-level=3", "--config", "profile.dev.debug-assertions=false"])
        .args(["--config", "profile.dev.overflow-checks=false"])
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !built.success() {
        return Err("the benchmark does not compile: see above".to_owned());
    }
    let program = target_directory(root).join("debug").join(format!("bench-{name}"));
    let status = Command::new(&program)
        .current_dir(root)
        .args(arguments)
        .status()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the benchmark missed a target ({status}): see above"))
    }
}

fn names(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("benches/src/bin");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem()?.to_str()?.strip_prefix("bench-").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
