//! Components that are ready to run: compiled, linked, and the latest of them kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mortise_model::id::Digest;
use mortise_store::Store;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::RuntimeError;
use crate::bindings::{connector, manifest};
use crate::engine::engine_failed;
use crate::image::Images;
use crate::metrics::Metrics;
use crate::state::CallState;

/// Components kept in memory. A mapped image costs little, and compiled code is shared by all calls.
const KEPT: usize = 256;
/// Compilations at the same time. Each uses all cores.
const COMPILATIONS: usize = 1;
/// How long a compilation waits for others.
const QUEUE: Duration = Duration::from_mins(2);

/// A component that is ready to run.
pub(crate) struct Prepared {
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) manifest: manifest::GuestIndices,
    pub(crate) connector: connector::GuestIndices,
}

/// Compiles components, or finds them compiled.
pub(crate) struct Releases {
    engine: Engine,
    linker: Linker<CallState>,
    images: Arc<Images>,
    store: Arc<dyn Store>,
    metrics: Metrics,
    kept: Mutex<Kept>,
    compiling: Semaphore,
}

type Cell = Arc<OnceCell<Arc<Prepared>>>;

#[derive(Default)]
struct Kept {
    cells: HashMap<Digest, (Cell, u64)>,
    uses: u64,
}

impl Releases {
    pub(crate) fn new(
        engine: Engine,
        linker: Linker<CallState>,
        images: Images,
        store: Arc<dyn Store>,
        metrics: Metrics,
    ) -> Self {
        Self {
            engine,
            linker,
            images: Arc::new(images),
            store,
            metrics,
            kept: Mutex::default(),
            compiling: Semaphore::new(COMPILATIONS),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The component of a release. Compiled when there is no image of it; calls that come meanwhile wait for it.
    pub(crate) async fn get(&self, digest: &Digest) -> Result<Arc<Prepared>, RuntimeError> {
        let cell = self.cell(digest);
        if let Some(prepared) = cell.get() {
            return Ok(Arc::clone(prepared));
        }
        let prepared = cell.get_or_try_init(|| async {
            if let Some(component) = self.image(digest).await? {
                return self.link(&component).map_err(|error| engine_failed(&error));
            }
            let bytes = self.store.get_blob(digest).await?.ok_or(RuntimeError::NoComponent(*digest))?;
            let component = self.compile(bytes).await?.map_err(|error| engine_failed(&error))?;
            self.keep_image(digest, &component).await?;
            self.link(&component).map_err(|error| engine_failed(&error))
        });
        prepared.await.cloned()
    }

    /// Makes an admitted component the one that calls find.
    pub(crate) fn put(&self, digest: &Digest, prepared: Arc<Prepared>) {
        // Somebody was faster: theirs is as good.
        let _ = self.cell(digest).set(prepared);
    }

    /// The image of a component, if there is one.
    pub(crate) async fn image(&self, digest: &Digest) -> Result<Option<Component>, RuntimeError> {
        let (images, engine, digest) = (Arc::clone(&self.images), self.engine.clone(), *digest);
        blocking(move || images.load(&engine, &digest)).await
    }

    /// Keeps the image of a component.
    pub(crate) async fn keep_image(
        &self,
        digest: &Digest,
        component: &Component,
    ) -> Result<(), RuntimeError> {
        let (images, component, digest) = (Arc::clone(&self.images), component.clone(), *digest);
        blocking(move || images.save(&digest, &component)).await?
    }

    /// Compiles. The inner error is the component's fault.
    pub(crate) async fn compile(&self, bytes: Bytes) -> Result<wasmtime::Result<Component>, RuntimeError> {
        let busy = || RuntimeError::Busy("other components are being compiled".to_owned());
        let permit = tokio::time::timeout(QUEUE, self.compiling.acquire()).await;
        let _permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let started = Instant::now();
        let engine = self.engine.clone();
        let compiled = blocking(move || Component::from_binary(&engine, &bytes)).await?;
        self.metrics.compiled(started.elapsed());
        Ok(compiled)
    }

    /// Links, and finds the exports.
    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<Arc<Prepared>> {
        let pre = self.linker.instantiate_pre(component)?;
        let manifest = manifest::GuestIndices::new(&pre)?;
        let connector = connector::GuestIndices::new(&pre)?;
        Ok(Arc::new(Prepared { pre, manifest, connector }))
    }

    fn cell(&self, digest: &Digest) -> Cell {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let (cell, used) = kept.cells.entry(*digest).or_default();
        *used = now;
        let cell = Arc::clone(cell);
        if kept.cells.len() > KEPT {
            let oldest = kept.cells.iter().min_by_key(|(_, (_, used))| *used).map(|(digest, _)| *digest);
            oldest.and_then(|oldest| kept.cells.remove(&oldest));
        }
        cell
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RuntimeError> {
    spawn_blocking(work)
        .await
        .map_err(|error| RuntimeError::Engine(format!("its thread ended without a result: {error}")))
}
