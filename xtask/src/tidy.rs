//! `cargo xtask tidy`: the invariants of the house that no compiler checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The floor of each room. A room may use rooms of lower floors only.
const FLOORS: [(&str, u8); 11] = [
    ("mortise-component", 0),
    ("mortise-model", 0),
    ("mortise-query", 0),
    ("mortise-egress", 1),
    ("mortise-store", 1),
    ("mortise-runtime", 2),
    ("mortise-scheduler", 2),
    ("mortise-records", 2),
    ("mortise-integration", 3),
    ("mortise-api", 4),
    ("mortise", 5),
];

/// Crates that only some rooms may name, and which.
const ONLY: [(&str, &[&str]); 5] = [
    ("wasmtime", &["mortise-runtime"]),
    ("wasmtime-wasi", &["mortise-runtime"]),
    ("axum", &["mortise-api"]),
    ("sled", &["mortise-store"]),
    // The command line is a client of the host's own HTTP interface, at an address its user types.
    ("reqwest", &["mortise-egress", "mortise"]),
];

/// Longest source file, in lines.
const LONGEST_FILE: usize = 1_000;
/// Least share of documentation in each version of the contract, in percent.
const CONTRACT_DOCUMENTATION: usize = 40;
/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 4] = ["util", "utils", "common", "helpers"];

/// Checks everything and lists every breach.
///
/// # Errors
/// The breaches, one a line.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut breaches = Vec::new();
    check_rooms(root, &mut breaches)?;
    let files = tracked_files(root)?;
    for path in &files {
        check_file(root, path, &mut breaches);
    }
    check_contract(root, &files, &mut breaches);
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

fn check_rooms(root: &Path, breaches: &mut Vec<String>) -> Result<(), String> {
    let floors = BTreeMap::from(FLOORS);
    let rooms = fs::read_dir(root.join("host")).map_err(|error| format!("host/ cannot be read: {error}"))?;
    for room in rooms.flatten() {
        let manifest_path = room.path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest_path) else { continue };
        let manifest: toml::Table =
            text.parse().map_err(|error| format!("{}: {error}", manifest_path.display()))?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let Some(floor) = floors.get(name.as_str()) else {
            breaches.push(format!(
                "host/{}: `{name}` has no floor: add it to xtask/src/tidy.rs",
                file_name(&room.path())
            ));
            continue;
        };
        let dependencies =
            manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        for dependency in dependencies.keys() {
            if let Some(other) = floors.get(dependency.as_str())
                && other >= floor
            {
                breaches.push(format!(
                    "{name} (floor {floor}) uses {dependency} (floor {other}): imports point down"
                ));
            }
            if let Some((_, allowed)) = ONLY.iter().find(|(only, _)| only == dependency)
                && !allowed.contains(&name.as_str())
            {
                breaches.push(format!("{name} names {dependency}, which only {} may", allowed.join(" and ")));
            }
        }
        check_root(&room.path(), &name, breaches);
    }
    Ok(())
}

fn check_root(room: &Path, name: &str, breaches: &mut Vec<String>) {
    let roots: Vec<PathBuf> = ["src/lib.rs", "src/main.rs"]
        .into_iter()
        .map(|file| room.join(file))
        .filter(|path| path.exists())
        .collect();
    let wanted = if name == "mortise-runtime" { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
    for path in roots {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if !text.contains(wanted) {
            breaches.push(format!("{}: the crate's root needs {wanted}", path.display()));
        }
    }
}

fn check_file(root: &Path, path: &str, breaches: &mut Vec<String>) {
    let absolute = root.join(path);
    let stem = absolute.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let extension = absolute.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if extension == "rs" && EMPTY_NAMES.contains(&stem) {
        breaches.push(format!("{path}: a module is named for what it holds, not `{stem}`"));
    }
    if !matches!(extension, "rs" | "wit" | "toml" | "md") {
        return;
    }
    let Ok(text) = fs::read_to_string(&absolute) else { return };
    let lines = text.lines().count();
    if extension == "rs" && lines > LONGEST_FILE {
        breaches.push(format!("{path}: {lines} lines, the most is {LONGEST_FILE}"));
    }
    for (number, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) && extension != "md" {
            breaches.push(format!("{path}:{}: trailing space", number + 1));
        }
    }
}

/// Each folder of the contract is half documentation, as a whole: a file of names alone needs less.
fn check_contract(root: &Path, files: &[String], breaches: &mut Vec<String>) {
    let mut versions: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for path in files.iter().filter(|path| Path::new(path).extension().is_some_and(|it| it == "wit")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = fs::read_to_string(root.join(path)).unwrap_or_default();
        let (documented, lines) = versions.entry(folder).or_default();
        *documented += text.lines().filter(|line| line.trim_start().starts_with("///")).count();
        *lines += text.lines().filter(|line| !line.trim().is_empty()).count();
    }
    for (folder, (documented, lines)) in versions {
        if documented * 100 < lines * CONTRACT_DOCUMENTATION {
            breaches.push(format!(
                "{folder}: {documented} of {lines} lines are documentation, the least is {CONTRACT_DOCUMENTATION} %"
            ));
        }
    }
}

fn tracked_files(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
