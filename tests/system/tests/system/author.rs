//! What an author has: a crate made by `mortise plugin new`, and the commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::fixture::{mortise, root};

/// The crate of a plugin.
pub(crate) struct Author {
    directory: TempDir,
}

impl Author {
    /// Has a crate made.
    pub(crate) fn new(plugin: &str) -> Self {
        let author = Self { directory: tempfile::tempdir().unwrap() };
        let mut command = author.mortise(&["plugin", "new", plugin, "--dir"]);
        command.arg(author.path()).arg("--sdk").arg(root().join("sdk/rust"));
        succeeded(&command.output().unwrap());
        author
    }

    /// Where the crate is.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("crate")
    }

    /// Changes a file of the crate.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`:\n{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Builds the component and answers where it is.
    pub(crate) fn build(&self) -> PathBuf {
        let output = self.mortise(&["plugin", "build"]).arg(self.path()).output().unwrap();
        PathBuf::from(succeeded(&output).trim())
    }

    /// A command of the author's.
    pub(crate) fn mortise(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(mortise());
        command.args(arguments).current_dir(self.directory.path());
        command.env("MORTISE_TOOLCHAIN_DIR", toolchain());
        command
    }
}

/// Where the repository keeps a compiler for guests.
pub(crate) fn toolchain() -> PathBuf {
    root().join("target/wasm-toolchain")
}

/// What a program that succeeded wrote to standard output.
pub(crate) fn succeeded(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}{}", output.status, text(stdout), text(stderr));
    text(stdout)
}

/// The name of a file, for messages.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
