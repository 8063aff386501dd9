//! The contract and the interface's document: there, documented, one of each.

use std::collections::BTreeMap;

use super::tree::Tree;

/// Least share of documentation in each version of the contract, in percent of its lines.
const DOCUMENTATION: usize = 40;
/// The document of the HTTP interface. That it is current is checked by the tests of `host/api`.
const INTERFACE: &str = "host/api/tests/api/openapi.json";

/// Every breach of the contract's rules.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut versions: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (path, text) in tree.texts("wit/", "wit") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (documented, lines) = versions.entry(folder).or_default();
        *documented += text.lines().filter(|line| line.trim_start().starts_with("///")).count();
        *lines += text.lines().filter(|line| !line.trim().is_empty()).count();
        check_package(path, folder, text, &mut breaches);
    }
    // A folder as a whole: a file of names alone needs less.
    for (folder, (documented, lines)) in versions {
        if documented * 100 < lines * DOCUMENTATION {
            breaches.push(format!(
                "{folder}: {documented} of {lines} lines are documentation, the least is {DOCUMENTATION} %"
            ));
        }
    }
    if tree.text(INTERFACE).is_none() {
        breaches.push(format!("{INTERFACE}: the document of the HTTP interface is not checked in"));
    }
    breaches
}

/// A file in `wit/v0.1` is of package `mortise:plugin@0.1.x`: a version that moved on has a folder of its own.
fn check_package(path: &str, folder: &str, text: &str, breaches: &mut Vec<String>) {
    let Some(version) = folder.strip_prefix("wit/v") else { return };
    let package = format!("package mortise:plugin@{version}.");
    if !version.contains('/') && !text.lines().any(|line| line.starts_with(&package)) {
        breaches.push(format!("{path}: does not say `{package}…;`, as its folder does"));
    }
}
