//! Why a call did not succeed.

use std::time::Duration;

use mortise_model::error::PluginError;
use mortise_model::id::Digest;
use mortise_store::StoreError;

use crate::bounds::{TRAP, cut};
use crate::recording::Diverged;

/// Why a call into a plugin did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The plugin said so: data, not a bug.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A budget of the call was used up. The plugin was stopped.
    #[error("{limit}")]
    Limit {
        /// Which, and how much it was.
        limit: Limit,
    },
    /// A bug of the plugin: it trapped, panicked or broke the contract.
    #[error("the plugin has a bug: {message}")]
    Trap {
        /// What happened, with the guest's frames where they have names. At most 4 KiB.
        message: String,
    },
    /// The call was replayed, and the plugin did something else than in the recording.
    #[error("the replay differs from the recording: {message}")]
    Diverged {
        /// At which call of the host, and what differed. At most 4 KiB.
        message: String,
    },
    /// The run was cancelled, or the host stops. The plugin was stopped.
    #[error("the call was stopped")]
    Stopped,
    /// The host's own failure.
    #[error(transparent)]
    Host(#[from] RuntimeError),
}

impl From<Diverged> for CallError {
    fn from(Diverged(sentence): Diverged) -> Self {
        Self::Diverged { message: cut(sentence, TRAP) }
    }
}

/// A budget of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Thread CPU time.
    #[error("the call used its {} ms of CPU time: the tenant's limit `callCpuMs` can be raised", .0.as_millis())]
    Cpu(Duration),
    /// Wall time, queueing included.
    #[error("the call used its {} ms of time: the tenant's limit `callWallMs` can be raised", .0.as_millis())]
    Wall(Duration),
    /// Linear memory and tables.
    #[error("the call used its {0} bytes of memory: the tenant's limit `callMemoryBytes` can be raised")]
    Memory(u64),
    /// Data that one call of a host function hands over.
    #[error("the plugin handed the host more than {0} bytes in one call: hand over less at a time")]
    HostCall(u64),
    /// Calls of host functions.
    #[error("the plugin called the host more than {0} times in one call: do more with each")]
    HostCalls(u32),
    /// The guest's stack.
    #[error("the plugin used up its stack: it calls itself too deeply")]
    Stack,
}

/// The host's own failure. The plugin is not to blame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// There is no component of this digest in the store.
    #[error("there is no component {0}: upload the release again")]
    NoComponent(Digest),
    /// The engine refused its own configuration, or a compiled image.
    #[error("the WebAssembly engine failed: {0}")]
    Engine(String),
    /// The program that compiles cannot be used.
    #[error(
        "the compiler {program} cannot be used: {reason}. It is installed beside `mortise`, of the same build; \
         `compiler.program` (MORTISE_COMPILER_PROGRAM) says where else it is"
    )]
    Compiler {
        /// Its path.
        program: String,
        /// Why.
        reason: String,
    },
    /// The directory of images cannot be used.
    #[error("compiled images cannot be kept in {path}: {reason}")]
    Images {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The host has no memory or slot left for the call within its time.
    #[error("the host is busy: {0}")]
    Busy(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
