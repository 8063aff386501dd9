//! Floors, and crates that only some rooms may name.

use std::collections::BTreeMap;

use super::tree::Tree;

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

/// Crates that only some rooms may name, and which. A name stands for its family too: `wasmtime` for `wasmtime-wasi`.
const ONLY: [(&str, &[&str]); 4] = [
    ("wasmtime", &["mortise-runtime"]),
    ("axum", &["mortise-api"]),
    ("sled", &["mortise-store"]),
    // The command line is a client of the host's own HTTP interface, at an address its user types.
    ("reqwest", &["mortise-egress", "mortise"]),
];

/// Every breach of the floors.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (path, text) in tree.texts("host/", "toml").filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        match text.parse() {
            Ok(manifest) => check_room(path, &manifest, &mut breaches),
            Err(error) => breaches.push(format!("{path}: {error}")),
        }
    }
    breaches
}

fn check_room(path: &str, manifest: &toml::Table, breaches: &mut Vec<String>) {
    let floors = BTreeMap::from(FLOORS);
    let package = manifest.get("package").and_then(|package| package.get("name"));
    let name = package.and_then(toml::Value::as_str).unwrap_or_default();
    let Some(floor) = floors.get(name) else {
        breaches.push(format!("{path}: `{name}` has no floor: add it to xtask/src/tidy/rooms.rs"));
        return;
    };
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
        if let Some(other) = floors.get(dependency.as_str())
            && other >= floor
        {
            breaches.push(format!(
                "{path}: {name} (floor {floor}) uses {dependency} (floor {other}): imports point down"
            ));
        }
        if let Some((_, allowed)) = ONLY.iter().find(|(family, _)| is_of(dependency, family))
            && !allowed.contains(&name)
        {
            breaches.push(format!("{path}: names {dependency}, which only {} may", allowed.join(" and ")));
        }
    }
}

fn is_of(dependency: &str, family: &str) -> bool {
    dependency.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::check_room;

    #[track_caller]
    fn check(manifest: &str, breaches: &[&str]) {
        let mut found = Vec::new();
        check_room("Cargo.toml", &manifest.parse().expect("a manifest"), &mut found);
        assert_eq!(found, breaches);
    }

    #[test]
    fn a_room_may_use_only_rooms_below() {
        check("[package]\nname = 'mortise-store'\n[dependencies]\nmortise-query.workspace = true", &[]);
        check(
            "[package]\nname = 'mortise-store'\n[dependencies]\nmortise-egress.workspace = true",
            &["Cargo.toml: mortise-store (floor 1) uses mortise-egress (floor 1): imports point down"],
        );
    }

    #[test]
    fn a_family_of_crates_has_one_room() {
        check(
            "[package]\nname = 'mortise-records'\n[dependencies]\nwasmtime-wasi.workspace = true",
            &["Cargo.toml: names wasmtime-wasi, which only mortise-runtime may"],
        );
    }

    #[test]
    fn a_room_without_a_floor_is_a_breach() {
        check(
            "[package]\nname = 'mortise-attic'",
            &["Cargo.toml: `mortise-attic` has no floor: add it to xtask/src/tidy/rooms.rs"],
        );
    }
}
