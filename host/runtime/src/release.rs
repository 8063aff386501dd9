//! Components that are ready to run: compiled, linked, and the latest of them kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mortise_model::id::{Digest, TenantId};
use mortise_store::Store;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::{connector, manifest};
use crate::compiler::{Compilation, CompilerConfig, Inspected};
use crate::engine::engine_failed;
use crate::exports::Exports;
use crate::image::{Draft, Images};
use crate::metrics::Metrics;
use crate::state::CallState;
use crate::turns::{Turn, Turns};
use crate::{Refused, RuntimeError};

/// Components kept in memory. A mapped image costs little, and compiled code is shared by all calls.
const KEPT: usize = 256;
/// How long a compilation waits for others.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A component that is ready to run.
pub(crate) struct Prepared {
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) exports: Exports,
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
    compilation: Compilation,
    turns: Turns,
}

/// A component that was read, in the turn of its tenant.
pub(crate) struct Taken<'a> {
    pub(crate) inspected: Inspected,
    turn: Turn<'a>,
}

/// A component that was compiled. Its image is not kept yet.
pub(crate) struct Fresh {
    pub(crate) component: Component,
    draft: Draft,
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
        compiler: CompilerConfig,
        store: Arc<dyn Store>,
        metrics: Metrics,
    ) -> Self {
        let turns = Turns::new("components compiled", compiler.at_once, LONGEST_WAIT);
        Self {
            compilation: Compilation::new(engine.clone(), compiler),
            turns,
            engine,
            linker,
            images: Arc::new(images),
            store,
            metrics,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether components can be compiled.
    pub(crate) async fn check_compiler(&self) -> Result<(), RuntimeError> {
        self.compilation.check().await
    }

    /// The component of a release. Compiled in the tenant's turn when there is no image of it; calls that come
    /// meanwhile wait for it.
    pub(crate) async fn get(
        &self,
        tenant: &TenantId,
        digest: &Digest,
    ) -> Result<Arc<Prepared>, RuntimeError> {
        let cell = self.cell(digest);
        if let Some(prepared) = cell.get() {
            return Ok(Arc::clone(prepared));
        }
        // Its future is large, and nearly every call finds what it needs in memory.
        let prepared = Box::pin(cell.get_or_try_init(|| async {
            if let Some(component) = self.image(digest).await? {
                return self.link(&component).map_err(|error| engine_failed(&error));
            }
            let bytes = self.store.get_blob(digest).await?.ok_or(RuntimeError::NoComponent(*digest))?;
            let fresh = self.compiled_again(tenant, digest, bytes).await.map_err(no_longer_taken)?;
            let prepared = self.link(&fresh.component).map_err(|error| engine_failed(&error))?;
            self.keep(fresh).await?;
            Ok(prepared)
        }));
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

    /// Reads a component, when the tenant's turn comes.
    pub(crate) async fn inspect(&self, tenant: &TenantId, bytes: Bytes) -> Result<Taken<'_>, Refused> {
        let turn = self.turns.take(tenant).await?;
        let inspected = self.compilation.inspect(bytes).await?;
        Ok(Taken { inspected, turn })
    }

    /// Compiles what was read. The turn ends with it.
    pub(crate) async fn compile(&self, digest: &Digest, taken: Taken<'_>) -> Result<Fresh, Refused> {
        let Taken { inspected, turn } = taken;
        let started = Instant::now();
        let draft = self.images.draft(digest)?;
        self.compilation.compile(inspected, draft.path()).await?;
        drop(turn);
        self.metrics.compiled(started.elapsed());
        let engine = self.engine.clone();
        blocking(move || {
            let component = draft.component(&engine).map_err(|error| Refused::too_big(&error))?;
            Ok(Fresh { component, draft })
        })
        .await?
    }

    /// Keeps the image of a component.
    pub(crate) async fn keep(&self, fresh: Fresh) -> Result<(), RuntimeError> {
        blocking(move || fresh.draft.keep()).await?
    }

    async fn compiled_again(
        &self,
        tenant: &TenantId,
        digest: &Digest,
        bytes: Bytes,
    ) -> Result<Fresh, Refused> {
        let taken = self.inspect(tenant, bytes).await?;
        self.compile(digest, taken).await
    }

    /// Links, and finds the exports.
    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<Arc<Prepared>> {
        let pre = self.linker.instantiate_pre(component)?;
        manifest::GuestIndices::new(&pre)?;
        let connector = connector::GuestIndices::new(&pre)?;
        Ok(Arc::new(Prepared { pre, exports: Exports::of(component), connector }))
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

/// What was admitted once is refused when it is compiled again: by a newer engine, or on a slower machine.
fn no_longer_taken(refused: Refused) -> RuntimeError {
    match refused {
        Refused::Host(error) => error,
        refused => RuntimeError::Engine(format!("it does not take the component any more: {refused}")),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RuntimeError> {
    spawn_blocking(work)
        .await
        .map_err(|error| RuntimeError::Engine(format!("its thread ended without a result: {error}")))
}
