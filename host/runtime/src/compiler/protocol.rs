//! What the host and the program that compiles say to each other: lines of JSON, with bytes behind them.
//!
//! The program begins with a [`Greeting`]. The host sends an [`Order`] and the component. The program answers with
//! [`Read`], then with [`Compiled`], then with the image. The host keeps its side open until it has what it wants: the
//! program ends when the host closes it or dies.

use std::hash::{Hash as _, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use super::Names;
use crate::engine::features;

/// The version of these lines. Raised when one of them changes.
const VERSION: u8 = 1;
/// Longest line, in bytes.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// Who answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Greeting {
    /// What [`build`] says on the program's side.
    pub(super) build: String,
}

/// What is to be compiled, and what that may use.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Bytes of the component, which follow.
    pub(super) component_bytes: u64,
    /// CPU time, in seconds.
    pub(super) cpu_seconds: u64,
    /// Memory, in bytes.
    pub(super) memory_bytes: u64,
}

/// What the component is made of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Read {
    /// It is valid.
    Names(Names),
    /// It is not, and why.
    Invalid(String),
}

/// What came of compiling it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Compiled {
    /// An image of so many bytes, which follow.
    Image(u64),
    /// The compiler does not take it, and why.
    Refused(String),
    /// There was not enough memory.
    OutOfMemory,
}

/// What must be the same on both sides, as text: the lines, the features that are accepted, and everything that an
/// image depends on.
pub(super) fn build(engine: &Engine) -> String {
    let mut hash = Sha256::new_with_prefix([VERSION]);
    hash.update(format!("{:?}", features()));
    hash.update(engine_hash(engine));
    hex::encode(hash.finalize())
}

/// A hash of what an image depends on, the same in every process.
pub(crate) fn engine_hash(engine: &Engine) -> [u8; 32] {
    let mut hasher = EngineHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

/// Hashes what the engine was made of, with a hash that is the same in every process.
struct EngineHasher(Sha256);

impl Hasher for EngineHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    // Never asked for: the whole digest is taken instead.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use mortise_model::secret::SecretText;

    use super::*;
    use crate::{Compiler, RuntimeConfig, engine};

    #[test]
    fn an_engine_that_only_compiles_is_of_the_same_build_as_one_that_runs() {
        let config = RuntimeConfig::new("unused".into(), SecretText::new("key"), Compiler::InProcess);
        let (running, compiling) = (engine::start(&config).unwrap(), engine::compiling().unwrap());
        assert_eq!(build(&running), build(&compiling));
    }
}
