//! What guests are compiled for.

use std::fmt;

/// What guests are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WasmTarget {
    /// No operating system: the component imports what the contract offers and nothing else.
    Unknown,
    /// WASI 0.2 beside the contract, for guests whose libraries want a clock, randomness or standard output.
    WasiP2,
}

impl WasmTarget {
    /// The target as `rustc` calls it.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::WasiP2 => "wasm32-wasip2",
        }
    }

    /// The target of this name.
    pub fn from_triple(triple: &str) -> Option<Self> {
        [Self::Unknown, Self::WasiP2].into_iter().find(|target| target.triple() == triple)
    }
}

impl fmt::Display for WasmTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple())
    }
}
