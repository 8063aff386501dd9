//! `mortise plugin build`: a crate becomes a component.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use mortise_component::{Compilation, Guest, LockFile, ensure_compiler};

use crate::plugin::PluginError;

/// Where a compiler for WebAssembly is kept when this machine's own has none.
const TOOLCHAIN: &str = "mortise/wasm-toolchain";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The directory of the crate.
    #[arg(default_value = ".")]
    directory: PathBuf,
    #[command(flatten)]
    toolchain: Toolchain,
}

/// Where a compiler for WebAssembly is looked for.
#[derive(Debug, Args)]
pub(crate) struct Toolchain {
    /// Where a compiler for WebAssembly is kept when the installed one lacks the target and rustup cannot add it.
    #[arg(long, env = "MORTISE_TOOLCHAIN_DIR", value_name = "DIR")]
    toolchain_dir: Option<PathBuf>,
}

impl Toolchain {
    fn directory(&self) -> PathBuf {
        if let Some(directory) = &self.toolchain_dir {
            return directory.clone();
        }
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache")));
        cache.unwrap_or_else(env::temp_dir).join(TOOLCHAIN)
    }
}

pub(crate) fn run(options: &Options) -> Result<(), PluginError> {
    let component = build(&options.directory, &options.toolchain)?;
    println!("{}", component.display());
    Ok(())
}

/// Builds the crate in `directory` and answers where its component is.
pub(crate) fn build(directory: &Path, toolchain: &Toolchain) -> Result<PathBuf, PluginError> {
    let guest = Guest::read(directory)?;
    let compiler = ensure_compiler(&toolchain.directory(), guest.target)?;
    let directory = directory.canonicalize().map_err(PluginError::file("read", directory))?;
    let target_directory = directory.join("target");
    let component = target_directory.join(format!("{}.wasm", guest.package));
    let compilation =
        Compilation { directory, target_directory: target_directory.clone(), lock_file: LockFile::MayChange };
    compilation.run(&compiler, guest.target, std::slice::from_ref(&guest))?;
    guest.componentise(&target_directory, &component)?;
    Ok(component)
}
