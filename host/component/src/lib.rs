//! From a plugin's crate to a component.
//!
//! For the `mortise plugin` commands of an author and for the repository's own guests. [`Guest::read`] says what a
//! crate is, [`ensure_compiler`] finds or installs what compiles it, [`Compilation`] runs cargo, and
//! [`Guest::componentise`] makes the component.

#![forbid(unsafe_code)]

mod compilation;
mod compiler;
mod encode;
mod error;
mod guest;
mod target;

pub use self::compilation::{Compilation, LockFile};
pub use self::compiler::ensure as ensure_compiler;
pub use self::error::BuildError;
pub use self::guest::Guest;
pub use self::target::WasmTarget;
