//! Why there is no component.

use std::io;
use std::path::{Path, PathBuf};

use crate::WasmTarget;

/// Why a crate did not become a component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The crate's manifest cannot be used.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// No compiler on this machine can build for the target.
    #[error("no compiler for {0}: see above, or run `rustup target add {0}`")]
    NoCompiler(WasmTarget),
    /// A program that is needed does not start.
    #[error("{program} cannot be run: {source}")]
    Program {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The compiler refused the crate. What it said went to standard error.
    #[error("{crates} cannot be compiled for {target}: see above")]
    Compile {
        /// The crates.
        crates: String,
        /// For what.
        target: WasmTarget,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be {verb}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `written` or `created`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// What the compiler made is not a component of the contract.
    #[error("{} cannot be made a component: {reason}", path.display())]
    Component {
        /// What the compiler made.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

impl BuildError {
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), verb, source }
    }
}
