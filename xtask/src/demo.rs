//! `cargo xtask demo`: builds everything that the demo needs, and starts it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::{plugins, target_directory};

/// How the demo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Once the data arrived and was checked.
    Once,
    /// At an interrupt.
    OnInterrupt,
}

/// Builds everything and shows the main job.
///
/// # Errors
/// What did not compile, or that the demo failed: it said itself why.
pub(crate) fn run(root: &Path, ending: Ending) -> Result<(), String> {
    println!("- building the host, the simulated ERP and the demo");
    let built = Command::new("cargo")
        .current_dir(root)
        // `--workspace`, as the tests have it: so what they share is built once, with the same features.
        .args(["build", "--workspace", "--locked"])
        // The host, the compiler that it starts, the far side, and the demo itself.
        .args(["--bin", "mortise", "--bin", "mortise-compile", "--bin", "simulated-erp", "--bin", "demo"])
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !built.success() {
        return Err("the programs of the demo do not compile: see above".to_owned());
    }
    println!("- building the plugins");
    plugins::build_all(root)?;
    let mut demo = Command::new(target_directory(root).join("debug/demo"));
    demo.arg("--component").arg(root.join("target/plugins/erp.wasm"));
    if ending == Ending::OnInterrupt {
        // The demo takes this process's place: an interrupt is its own to answer.
        return Err(format!("the demo cannot be started: {}", demo.exec()));
    }
    demo.arg("--once");
    let status = demo.status().map_err(|error| format!("the demo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the demo failed ({status}): see above")) }
}
