//! Licences of everything that is linked in, and versions that are linked in twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Licences that may be linked in.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Most crates that may be linked in with more than one version. Lower it when one goes.
const MOST_DUPLICATES: usize = 40;

/// Checks the dependencies of the host's workspace for this platform.
///
/// # Errors
/// The breaches, one a line.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let packages = linked_packages(root)?;
    let mut breaches = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        versions.entry(name).or_default().insert(package["version"].as_str().unwrap_or_default());
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence) {
            breaches
                .push(format!("{name}: the licence `{licence}` is not among those that may be linked in"));
        }
    }
    let duplicates: Vec<_> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
    if duplicates.len() > MOST_DUPLICATES {
        let names: Vec<_> =
            duplicates.iter().map(|(name, versions)| format!("{name} {}", join(versions))).collect();
        breaches.push(format!(
            "{} crates are linked in with more than one version, the most is {MOST_DUPLICATES}: {}",
            duplicates.len(),
            names.join("; ")
        ));
    }
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

/// Packages that a build for this platform resolves to, the workspace's own included.
fn linked_packages(root: &Path) -> Result<Vec<Value>, String> {
    let host = env!("XTASK_HOST");
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata answered something else than JSON: {error}"))?;
    let resolved: BTreeSet<String> = metadata["resolve"]["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| node["id"].as_str().map(str::to_owned))
        .collect();
    let Value::Array(packages) = metadata["packages"].take() else { return Ok(Vec::new()) };
    Ok(packages
        .into_iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| resolved.contains(id)))
        .collect())
}

fn is_allowed(licence: &str) -> bool {
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else { return false };
    expression.evaluate(|requirement| LICENCES.contains(&requirement.to_string().as_str()))
}

fn join(versions: &BTreeSet<&str>) -> String {
    versions.iter().copied().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_alternative_is_enough_and_every_part_of_a_sum_is_needed() {
        for (licence, allowed) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("", false),
        ] {
            assert_eq!(is_allowed(licence), allowed, "{licence}");
        }
    }
}
