//! `cargo xtask tidy`: the invariants of the house that no compiler checks.

mod contract;
mod files;
mod proofs;
mod rooms;
mod sources;
mod tree;

use std::path::Path;

use tree::Tree;

/// Checks everything and lists every breach.
///
/// # Errors
/// The breaches, one a line; or what could not be read.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root)?;
    let checks = [rooms::check, files::check, sources::check, contract::check, proofs::check];
    let breaches: Vec<String> = checks.iter().flat_map(|check| check(&tree)).collect();
    if breaches.is_empty() { Ok(()) } else { Err(format!("\n{}", breaches.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_house_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands below the root");
        assert_eq!(super::run(root), Ok(()));
    }
}
