//! Compilation of components: where it is done, and what it may use.
//!
//! Compilers are large programs that were written for honest input. What a tenant sends is read and compiled by a
//! program of its own, `mortise-compile`, which is started for one component, limits itself, and is killed when it
//! takes too long. The host itself never looks further into a component than its first eight bytes.

mod inspect;
mod process;
mod program;
mod protocol;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use wasmtime::Engine;

pub(crate) use self::inspect::Names;
use self::process::Process;
pub use self::program::compile_program;
pub(crate) use self::protocol::engine_hash;
use crate::bounds::{TRAP, cut};
use crate::{Refused, RuntimeError};

/// The name of the program that compiles.
const PROGRAM: &str = "mortise-compile";
/// Largest compiled image, in bytes.
const MAX_IMAGE: u64 = 512 << 20;

/// What the operator sets of compilation.
#[derive(Debug, Clone)]
pub struct CompilerConfig {
    /// Where components are compiled.
    pub compiler: Compiler,
    /// Components compiled at the same time. One tenant has one of them at most.
    pub at_once: u32,
    /// CPU time of one compilation.
    pub cpu: Duration,
    /// Wall time of one compilation.
    pub wall: Duration,
    /// Memory of one compilation, in bytes.
    pub memory_bytes: u64,
}

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// By a program of its own, started for each component: `mortise-compile`, of the same build as the host.
    Program(PathBuf),
    /// In this very process, without a limit of memory or time: for an author's own components, and for tests that
    /// have no program. Never for what others send.
    InProcess,
}

impl Compiler {
    /// The program beside the one that runs.
    ///
    /// # Errors
    /// [`RuntimeError::Compiler`] when it cannot be told where that is.
    pub fn beside_this_program() -> Result<Self, RuntimeError> {
        let failed = |error: io::Error| RuntimeError::Compiler {
            program: PROGRAM.to_owned(),
            reason: format!("it cannot be told where this program is, beside which it stands: {error}"),
        };
        std::env::current_exe().map(|path| Self::Program(path.with_file_name(PROGRAM))).map_err(failed)
    }
}

impl CompilerConfig {
    /// The defaults, for one place.
    pub fn new(compiler: Compiler) -> Self {
        Self {
            compiler,
            at_once: 2,
            cpu: Duration::from_mins(1),
            wall: Duration::from_mins(2),
            memory_bytes: 2 << 30,
        }
    }
}

/// More than the compiler may use, or more than it can take. The component is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCompiled {
    /// Its CPU time is used up.
    #[error(
        "compiling it takes more than {} s of CPU time, the most this host allows (`compiler.cpu_seconds`): \
         make it smaller, its largest functions first", .0.as_secs()
    )]
    Cpu(Duration),
    /// Its time is used up.
    #[error(
        "compiling it takes more than {} s, the most this host allows (`compiler.wall_seconds`): make it smaller, \
         its largest functions first, or try again when the host is less busy", .0.as_secs()
    )]
    Wall(Duration),
    /// Its memory is used up.
    #[error(
        "compiling it takes more than {} MiB of memory, the most this host allows (`compiler.memory_bytes`): \
         make it smaller, its largest functions first", .0 >> 20
    )]
    Memory(u64),
    /// The machine code is too large.
    #[error("compiled it has {0} bytes, more than {MAX_IMAGE}: make it smaller")]
    Image(u64),
    /// The compiler broke over it.
    #[error(
        "the compiler broke over it: {0}. That is a bug of the compiler, which only a change of the component gets round"
    )]
    Crashed(String),
}

/// Compiles.
pub(crate) struct Compilation {
    engine: Engine,
    config: CompilerConfig,
    build: String,
}

/// A component that was read, and may be compiled.
pub(crate) struct Inspected {
    pub(crate) names: Names,
    rest: Rest,
}

enum Rest {
    Process(Box<Process>),
    Here(Bytes),
}

impl Compilation {
    /// Compiles for one engine.
    pub(crate) fn new(engine: Engine, config: CompilerConfig) -> Self {
        let build = protocol::build(&engine);
        Self { engine, config, build }
    }

    /// Whether the program that compiles is there and fits the host.
    pub(crate) async fn check(&self) -> Result<(), RuntimeError> {
        match &self.config.compiler {
            Compiler::Program(program) => {
                Process::start(&self.config, program, &self.build, Bytes::new()).await?;
            }
            Compiler::InProcess => {}
        }
        Ok(())
    }

    /// Reads and validates a component.
    pub(crate) async fn inspect(&self, component: Bytes) -> Result<Inspected, Refused> {
        match &self.config.compiler {
            Compiler::Program(program) => {
                let mut process = Process::start(&self.config, program, &self.build, component).await?;
                let names = process.names().await?;
                Ok(Inspected { names, rest: Rest::Process(Box::new(process)) })
            }
            Compiler::InProcess => {
                let read = component.clone();
                let names = blocking(move || inspect::names(&read)).await?.map_err(Refused::Invalid)?;
                Ok(Inspected { names, rest: Rest::Here(component) })
            }
        }
    }

    /// Compiles what was read, and writes the image into a file that is there.
    pub(crate) async fn compile(&self, inspected: Inspected, to: &Path) -> Result<(), Refused> {
        match inspected.rest {
            Rest::Process(process) => process.image(to).await,
            Rest::Here(component) => {
                let (engine, to) = (self.engine.clone(), to.to_owned());
                blocking(move || {
                    let image = engine
                        .precompile_component(&component)
                        .map_err(|error| Refused::TooBig(cut(format!("{error:#}"), TRAP)))?;
                    std::fs::write(&to, image).map_err(|error| not_written(&to, &error))
                })
                .await?
            }
        }
    }
}

fn not_written(to: &Path, error: &io::Error) -> Refused {
    RuntimeError::Images { path: to.display().to_string(), reason: error.to_string() }.into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RuntimeError> {
    spawn_blocking(work)
        .await
        .map_err(|error| RuntimeError::Engine(format!("its thread ended without a result: {error}")))
}
