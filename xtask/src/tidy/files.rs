//! The shape of files: length, names, line ends, and the lints that every crate takes part in.

use std::path::Path;

use super::tree::{Tree, extension};

/// Longest source file, in lines.
const LONGEST_FILE: usize = 1_000;
/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 4] = ["util", "utils", "common", "helpers"];

/// Every breach of the shape of files.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for path in tree.paths() {
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if extension(path) == "rs" && EMPTY_NAMES.contains(&stem) {
            breaches.push(format!("{path}: a module is named for what it holds, not `{stem}`"));
        }
        if let Some(text) = tree.text(path) {
            check_text(path, text, &mut breaches);
        }
    }
    for (path, text) in tree.texts("", "toml").filter(|(path, _)| path.ends_with("Cargo.toml")) {
        check_lints(path, text, &mut breaches);
    }
    breaches
}

fn check_text(path: &str, text: &str, breaches: &mut Vec<String>) {
    let lines = text.lines().count();
    if extension(path) == "rs" && lines > LONGEST_FILE {
        breaches.push(format!("{path}: {lines} lines, the most is {LONGEST_FILE}"));
    }
    if !matches!(extension(path), "rs" | "wit" | "toml") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            breaches.push(format!("{path}:{}: trailing space", number + 1));
        }
    }
}

/// `missing_docs` and the rest hold only where a crate takes them from the workspace.
fn check_lints(path: &str, text: &str, breaches: &mut Vec<String>) {
    let Ok(manifest) = text.parse::<toml::Table>() else { return };
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    if manifest.contains_key("package") && lints != Some(true) {
        breaches.push(format!("{path}: needs `[lints] workspace = true`"));
    }
}
