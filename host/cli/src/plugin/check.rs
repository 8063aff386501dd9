//! `mortise plugin check`: what a host would say about a component.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use mortise_egress::{Egress, EgressConfig};
use mortise_model::clock::{Clock, SystemClock};
use mortise_model::id::TenantId;
use mortise_runtime::{Compiler, Runtime, RuntimeConfig};
use mortise_store::{SledOptions, SledStore, Store};
use prometheus_client::registry::Registry;

use crate::keys;
use crate::plugin::{PluginError, show};

/// Largest file that is read, in bytes: the most that a host can be configured to take.
const MAX_COMPONENT: u64 = 256 << 20;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    component: PathBuf,
}

pub(crate) async fn run(options: Options) -> Result<(), PluginError> {
    let component = read(&options.component)?;
    let directory = tempfile::tempdir()
        .map_err(|source| PluginError::System { what: "a directory for the check cannot be made", source })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let path = directory.path().join(keys::STORE);
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&path, &SledOptions::default())?);
    let egress = Egress::new(EgressConfig::default(), Arc::clone(&clock))?;
    // The component is the author's own: it needs no guard against it.
    let images = directory.path().join(keys::IMAGES);
    let config = RuntimeConfig::new(images, keys::passing_key()?, Compiler::InProcess);
    let runtime = Runtime::new(config, store, egress, clock, &mut Registry::default())?;
    let admitted = runtime
        .admit(&TenantId::system(), component.into())
        .await
        .map_err(|reason| PluginError::Refused { path: options.component.clone(), reason })?;
    print!("{}", show::manifest(&admitted.manifest));
    println!("  contract {}, {} bytes, {}", admitted.contract, admitted.size, admitted.digest);
    Ok(())
}

/// Reads a component.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    let size = fs::metadata(path).map_err(PluginError::file("read", path))?.len();
    if size > MAX_COMPONENT {
        return Err(PluginError::TooLarge { path: path.to_owned(), size, most: MAX_COMPONENT });
    }
    fs::read(path).map_err(PluginError::file("read", path))
}
