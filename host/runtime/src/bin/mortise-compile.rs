//! Compiles one component for the host that started it, within limits of its own.
//!
//! `mortise` starts it for each component that is uploaded. It is installed beside `mortise`, of the same build.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    mortise_runtime::compile_program()
}
