//! Admits, compiles, limits and calls components. The one room that knows the WebAssembly engine.
//!
//! A component comes in through [`Runtime::admit`], which checks it, compiles it and asks it what it is. A
//! [`Call`] says for whom and under which grant it runs; each call is a fresh instance with budgets of its own.
//! What a plugin asks of the host passes one gate: grant, count, trace, record or replay.

#![deny(unsafe_code)]

mod admission;
mod answer;
mod bindings;
mod bounds;
mod call;
mod capability;
mod compiler;
mod config;
mod cpu;
mod engine;
mod error;
mod exports;
mod gate;
mod image;
mod invoke;
mod log;
mod memory;
mod metrics;
mod recording;
mod release;
mod runtime;
mod settings_schema;
mod share;
mod sink;
mod state;
mod translate;
mod trap;
mod turns;
mod webhook;

pub use self::admission::{Admitted, Refused};
pub use self::call::{Call, CallMode, Returned};
pub use self::compiler::{Compiler, CompilerConfig, NotCompiled, compile_program};
pub use self::config::RuntimeConfig;
pub use self::error::{CallError, Limit, RuntimeError};
pub use self::log::LogWriter;
pub use self::recording::{Player, Recorder, Recording, RecordingError, Tape};
pub use self::runtime::Runtime;
pub use self::settings_schema::SettingsSchema;
pub use self::sink::Sink;
