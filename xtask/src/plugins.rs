//! `cargo xtask plugins`: compiles every guest of the repository and makes components of them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use wit_component::{ComponentEncoder, DecodedWasm};

use crate::wasm_target::{self, WasmTarget};

/// The folder of the guests' workspace.
pub(crate) const WORKSPACE: &str = "plugins";
/// What `cargo` is given in [`WORKSPACE`] to run the guests' own tests natively.
pub(crate) const NATIVE_TEST: [&str; 5] =
    ["test", "--workspace", "--locked", "--target-dir", "../target/guests"];

/// The folders that hold guests, and where their components go.
const ROOMS: [(&str, &str); 2] = [("plugins", "target/plugins"), ("tests/guests", "target/guests-wasm")];

/// A guest as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Guest {
    name: String,
    target: WasmTarget,
    component: PathBuf,
}

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
    let mut by_target: BTreeMap<WasmTarget, Vec<Guest>> = BTreeMap::new();
    for (folder, destination) in ROOMS {
        for guest in guests_in(&root.join(folder), &root.join(destination))? {
            by_target.entry(guest.target).or_default().push(guest);
        }
    }
    let mut built = Vec::new();
    for (target, guests) in by_target {
        compile(root, target, &guests)?;
        for guest in guests {
            built.push(componentise(root, guest)?);
        }
    }
    built.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(built)
}

/// Prints what was built, one line each.
pub(crate) fn print(root: &Path, built: &[Built]) {
    for Built { target, path, size, .. } in built {
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

fn guests_in(folder: &Path, destination: &Path) -> Result<Vec<Guest>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let mut guests = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let guest =
            read_manifest(&text, destination).map_err(|error| format!("{}: {error}", path.display()))?;
        guests.push(guest);
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(guests)
}

fn read_manifest(text: &str, destination: &Path) -> Result<Guest, String> {
    let manifest: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let package = manifest.get("package").ok_or("a guest needs a [package]")?;
    let name = package.get("name").and_then(toml::Value::as_str).ok_or("the package has no name")?;
    let target =
        match package.get("metadata").and_then(|it| it.get("mortise")).and_then(|it| it.get("target")) {
            None => WasmTarget::Unknown,
            Some(target) => target.as_str().and_then(WasmTarget::from_triple).ok_or_else(|| {
                format!(
                    "package.metadata.mortise.target is {target}: expected \"{}\" or \"{}\"",
                    WasmTarget::Unknown,
                    WasmTarget::WasiP2
                )
            })?,
        };
    Ok(Guest { name: name.to_owned(), target, component: destination.join(format!("{name}.wasm")) })
}

fn compile(root: &Path, target: WasmTarget, guests: &[Guest]) -> Result<(), String> {
    let compiler = wasm_target::ensure(root, target)?;
    let mut cargo = Command::new("cargo");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_the_host_build) {
            cargo.env_remove(name);
        }
    }
    cargo
        .current_dir(root.join(WORKSPACE))
        .env("RUSTC", compiler)
        .args(["build", "--release", "--locked", "--target", target.triple(), "--target-dir"])
        .arg(target_directory(root));
    for guest in guests {
        cargo.args(["--package", &guest.name]);
    }
    let status = cargo.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("guests for {target} do not compile: see above")) }
}

/// Whether a variable of the environment speaks of the build of xtask itself, or of how the host is built.
///
/// What says where packages come from and how progress is shown stays.
fn belongs_to_the_host_build(name: &str) -> bool {
    const STAY: [&str; 6] = ["HOME", "HTTP_", "NET_", "REGISTR", "SOURCE_", "TERM_"];
    match name.strip_prefix("CARGO_") {
        Some(rest) => !STAY.iter().any(|stay| rest.starts_with(stay)),
        None => matches!(name, "CARGO" | "RUSTC" | "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER"),
    }
}

fn componentise(root: &Path, guest: Guest) -> Result<Built, String> {
    let file = format!("{}.wasm", guest.name.replace('-', "_"));
    let compiled = target_directory(root).join(guest.target.triple()).join("release").join(file);
    let failed = |what: &str, path: &Path, error: &dyn std::fmt::Display| {
        format!("guest {}: {} cannot be {what}: {error}", guest.name, path.display())
    };
    let size = if is_newer(&guest.component, &compiled) {
        fs::read(&guest.component).map_err(|error| failed("read", &guest.component, &error))?.len()
    } else {
        let module = fs::read(&compiled).map_err(|error| failed("read", &compiled, &error))?;
        let component = match guest.target {
            WasmTarget::WasiP2 => module,
            WasmTarget::Unknown => ComponentEncoder::default()
                .validate(true)
                .module(&module)
                .and_then(ComponentEncoder::encode)
                .map_err(|error| failed("made a component", &compiled, &format!("{error:#}")))?,
        };
        check_exports(&component).map_err(|error| failed("used", &compiled, &error))?;
        if let Some(folder) = guest.component.parent() {
            fs::create_dir_all(folder).map_err(|error| failed("created", folder, &error))?;
        }
        fs::write(&guest.component, &component)
            .map_err(|error| failed("written", &guest.component, &error))?;
        component.len()
    };
    Ok(Built { target: guest.target, path: guest.component, size })
}

/// What every guest exports, whatever its kind.
const MANIFEST: &str = "mortise:plugin/manifest@";

fn check_exports(component: &[u8]) -> Result<(), String> {
    let DecodedWasm::Component(resolve, world) =
        wit_component::decode(component).map_err(|error| format!("{error:#}"))?
    else {
        return Err("it is a WIT package, not a component".to_owned());
    };
    let exports = resolve.worlds.get(world).map(|world| &world.exports).into_iter().flatten();
    let exports: Vec<_> = exports.map(|(key, _)| resolve.name_world_key(key)).collect();
    if exports.iter().any(|name| name.starts_with(MANIFEST)) {
        return Ok(());
    }
    Err(format!("it exports [{}] and no manifest: is `export_connector!` there?", exports.join(", ")))
}

fn target_directory(root: &Path) -> PathBuf {
    root.join("target/guests")
}

fn is_newer(path: &Path, than: &Path) -> bool {
    let modified = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    match (modified(path), modified(than)) {
        (Some(path), Some(than)) => than < path,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_says_in_its_manifest_what_it_is_compiled_for() {
        let read = |text| read_manifest(text, Path::new("out"));
        let plain = read("[package]\nname = \"hello\"").unwrap();
        assert_eq!((plain.target, plain.component), (WasmTarget::Unknown, PathBuf::from("out/hello.wasm")));
        let wasi = "[package]\nname = \"a\"\n[package.metadata.mortise]\ntarget = \"wasm32-wasip2\"";
        assert_eq!(read(wasi).unwrap().target, WasmTarget::WasiP2);
        let wrong = wasi.replace("wasip2", "wasi");
        assert!(
            read(&wrong).unwrap_err().contains("expected \"wasm32-unknown-unknown\" or \"wasm32-wasip2\"")
        );
    }

    #[test]
    fn a_guest_does_not_inherit_how_the_host_is_built() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            assert!(belongs_to_the_host_build(name), "{name}");
        }
        for name in
            ["PATH", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_TERM_COLOR", "CARGO_REGISTRIES_A_INDEX"]
        {
            assert!(!belongs_to_the_host_build(name), "{name}");
        }
    }
}
