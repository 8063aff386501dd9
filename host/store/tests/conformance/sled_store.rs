//! What the embedded engine does beside the suite: its directory, crashes, formats.

mod crash;
mod faults;
mod indexing;
mod opening;

use std::path::Path;
use std::sync::Arc;

use mortise_store::{SledOptions, SledStore, StoreError};

use crate::fixture::{COLLECTIONS, Fixture};

fn options() -> SledOptions {
    SledOptions { collections: COLLECTIONS, cache_bytes: 16 * 1024 * 1024 }
}

fn open_in(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, &options())
}

/// A new store for the suite.
pub(crate) async fn open() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let store = tokio::task::spawn_blocking(move || open_in(&path)).await.unwrap().unwrap();
    Fixture::new(Arc::new(store), directory)
}
