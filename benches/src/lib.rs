//! What every benchmark shares: the machine it ran on, medians, and the line that ends it.
//!
//! A benchmark is a program in `src/bin`, run by `cargo xtask bench NAME`. It measures Mortise side by side with the
//! least that the same work can cost, in one run, and ends with one line per comparison, so that anyone can check it:
//!
//! ```text
//! invoke ratio=1.12 target<=1.25
//! ```

#![forbid(unsafe_code)]

pub mod house;
mod machine;
pub mod source;
mod verdict;

pub use machine::machine;
pub use verdict::{Bound, Verdict, median};

/// Why a benchmark cannot go on.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
