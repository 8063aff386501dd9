//! The files that the checks read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Kinds of files that are read.
const READ: [&str; 6] = ["rs", "wit", "toml", "md", "json", "sh"];

/// Every file of the repository by its path from the root: what git tracks and what it would if it were added.
pub(super) struct Tree {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the repository that stands in `root`.
    ///
    /// # Errors
    /// Git that cannot be run.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let output = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("git cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let listing = String::from_utf8_lossy(&output.stdout);
        // A file that was removed and not yet committed is still listed.
        let paths: Vec<String> =
            listing.lines().filter(|path| root.join(path).is_file()).map(str::to_owned).collect();
        let texts = paths
            .iter()
            .filter(|path| READ.contains(&extension(path)))
            .filter_map(|path| Some((path.clone(), fs::read_to_string(root.join(path)).ok()?)))
            .collect();
        Ok(Self { paths, texts })
    }

    /// Every path.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The text of the file at `path`.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Path and text of every file whose path begins with `folder` and ends with `.extension`.
    pub(super) fn texts<'a>(
        &'a self,
        folder: &'a str,
        wanted: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts
            .iter()
            .filter(move |(path, _)| path.starts_with(folder) && extension(path) == wanted)
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// What follows the last dot of a path.
pub(super) fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}
