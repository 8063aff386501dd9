//! Why a command of an author did not succeed.

use std::io;
use std::path::{Path, PathBuf};

use mortise_component::BuildError;
use mortise_egress::EgressSetupError;
use mortise_model::error::FieldError;
use mortise_runtime::{Refused, RuntimeError};
use mortise_store::StoreError;

use crate::keys::KeyError;

/// Why a command of an author did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginError {
    /// The name cannot be that of a plugin.
    #[error("{0}. For example: mortise plugin new acme/ledger")]
    Name(String),
    /// There is something already.
    #[error("{} exists and is not empty: choose another directory with --dir", .0.display())]
    Exists(PathBuf),
    /// Nothing can be uploaded from there.
    #[error("{} is neither a component nor the directory of a crate", .0.display())]
    NoPlugin(PathBuf),
    /// A file cannot be read or written.
    #[error("{} cannot be {verb}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The component is larger than any host takes.
    #[error("{} has {size} bytes, the most is {most}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The most.
        most: u64,
    },
    /// The crate did not become a component.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A run went another way than its recording.
    #[error("the replay differs from the recording")]
    Differs,
    /// The component was refused.
    #[error("{}: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Refused,
    },
    /// The system refused something every program needs.
    #[error("{what}: {source}")]
    System {
        /// What cannot be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime that checks does not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The store that checks does not start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way out that checks does not start.
    #[error(transparent)]
    Egress(#[from] EgressSetupError),
    /// No key for the store that checks.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The host cannot be reached.
    #[error(
        "{address} cannot be reached: {reason}. Is the host running, and is --host (MORTISE_URL) its address?"
    )]
    Unreachable {
        /// The host's address.
        address: String,
        /// Why.
        reason: String,
    },
    /// The host said no.
    #[error("the host refused: {message} (status {status}{})", request_id(.request.as_deref()))]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What the host said.
        message: String,
        /// The id of the request, to look for in the host's log.
        request: Option<String>,
    },
    /// What the host answered is not understood.
    #[error("the answer of {address} is not that of a host of this version: {reason}")]
    Foreign {
        /// The host's address.
        address: String,
        /// What was expected.
        reason: String,
    },
    /// A host pattern is not one.
    #[error("--host-pattern {text}: {reason}")]
    Pattern {
        /// What was given.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// Which hosts to grant is not said.
    #[error(
        "the manifest asks for the host of the setting in `{0}`: say which with --host-pattern {0}=api.example.com"
    )]
    Template(String),
}

impl PluginError {
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, verb, source }
    }

    /// What the host's problem document says, with every field that is wrong.
    pub(crate) fn answered(status: u16, request: Option<String>, title: &str, fields: &[FieldError]) -> Self {
        let mut message = title.to_owned();
        for field in fields {
            message.push_str("\n  ");
            message.push_str(&field.to_string());
        }
        Self::Answer { status, message, request }
    }
}

fn request_id(request: Option<&str>) -> String {
    request.map(|id| format!(", request {id}")).unwrap_or_default()
}
