//! The runtime: an engine, the admitted components, and calls into them.

use std::sync::Arc;

use bytes::Bytes;
use mortise_egress::Egress;
use mortise_model::clock::Clock;
use mortise_model::connector::{
    Check, EntityOffer, PullEnd, PullRequest, PulledRecord, PushItem, PushResult,
};
use mortise_model::entity::EntityKind;
use mortise_model::id::TenantId;
use mortise_model::webhook::{InboundRequest, WebhookResult};
use mortise_store::Store;
use prometheus_client::registry::Registry;
use wasmtime::component::Linker;

use crate::engine::engine_failed;
use crate::exports::Export;
use crate::image::Images;
use crate::invoke::Invoker;
use crate::memory::HostMemory;
use crate::metrics::Metrics;
use crate::release::Releases;
use crate::share::Shares;
use crate::state::World;
use crate::{
    Admitted, Call, CallError, Refused, Returned, RuntimeConfig, RuntimeError, Sink, answer, capability,
    engine, translate, webhook,
};

/// Admits components and calls them. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: RuntimeConfig,
    pub(crate) invoker: Invoker,
}

impl Runtime {
    /// Starts the engine. Components are read from the store's blobs and compiled when there is no image of them.
    ///
    /// # Errors
    /// [`RuntimeError::Images`] when the directory of images cannot be used.
    pub fn new(
        config: RuntimeConfig,
        store: Arc<dyn Store>,
        egress: Egress,
        clock: Arc<dyn Clock>,
        metrics: &mut Registry,
    ) -> Result<Self, RuntimeError> {
        let metrics = Metrics::register(metrics);
        let engine = engine::start(&config)?;
        let mut linker = Linker::new(&engine);
        capability::link(&mut linker).map_err(|error| engine_failed(&error))?;
        let images = Images::new(config.images.clone(), config.image_key.clone(), &engine)?;
        let releases = Releases::new(
            engine,
            linker,
            images,
            config.compiler.clone(),
            Arc::clone(&store),
            metrics.clone(),
        );
        let memory = Arc::new(HostMemory::new(config.total_memory_bytes, metrics.memory.clone()));
        let counters = Arc::clone(&metrics.gate);
        let invoker = Invoker {
            releases,
            world: World { store, egress, clock, memory, counters },
            shares: Shares::new(config.calls, config.calls_per_tenant, config.memory_per_tenant_bytes),
            metrics,
            max_memory: config.max_call_memory_bytes.into(),
        };
        Ok(Self { inner: Arc::new(Inner { config, invoker }) })
    }

    /// Looks whether components can be compiled.
    ///
    /// # Errors
    /// [`RuntimeError::Compiler`] when the program that compiles is not there, or is of another build.
    pub async fn check_compiler(&self) -> Result<(), RuntimeError> {
        self.inner.invoker.releases.check_compiler().await
    }

    /// Checks and compiles a component in the tenant's turn, keeps its bytes and its image, and asks it what it is with
    /// nothing granted.
    ///
    /// Admitting the same bytes again answers the same and keeps nothing twice. Nothing is kept of what is refused.
    pub async fn admit(&self, tenant: &TenantId, component: Bytes) -> Result<Admitted, Refused> {
        self.inner.admit(tenant, component).await
    }

    /// Lists what the connector can pull and push with the call's settings.
    pub async fn entities(&self, call: Call) -> Result<Returned<Vec<EntityOffer>>, CallError> {
        checked(self.inner.invoker.run(Export::Entities, (), call, None).await?, answer::entities)
    }

    /// Looks whether the instance works.
    pub async fn test(&self, call: Call) -> Result<Returned<Vec<Check>>, CallError> {
        checked(self.inner.invoker.run(Export::Test, (), call, None).await?, answer::checks)
    }

    /// Pulls one entity into `sink`.
    pub async fn pull(
        &self,
        call: Call,
        request: PullRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<Returned<PullEnd>, CallError> {
        let request = translate::pull_request(request);
        let end = self.inner.invoker.run(Export::Pull, (&request,), call, Some(sink)).await?;
        checked(end, answer::pull_end)
    }

    /// Reads one record by the far side's id. None when the far side does not have it.
    pub async fn pull_one(
        &self,
        call: Call,
        entity: EntityKind,
        external_id: &str,
    ) -> Result<Returned<Option<PulledRecord>>, CallError> {
        let parameters = (entity.name(), external_id);
        checked(self.inner.invoker.run(Export::PullOne, parameters, call, None).await?, answer::pulled_one)
    }

    /// Has the plugin verify and read a webhook of the far side.
    ///
    /// # Errors
    /// [`CallError::Trap`] when what the plugin returns breaks a bound of the contract.
    pub async fn handle_webhook(
        &self,
        call: Call,
        request: InboundRequest,
    ) -> Result<Returned<WebhookResult>, CallError> {
        let request = webhook::request(request);
        let parameters = (&request,);
        checked(self.inner.invoker.run(Export::HandleWebhook, parameters, call, None).await?, webhook::result)
    }

    /// Sends a batch. Answers one result per item, in the order of `items`.
    ///
    /// # Errors
    /// [`CallError::Trap`] when the plugin leaves an item out, or answers for one twice or for another.
    pub async fn push(
        &self,
        call: Call,
        entity: EntityKind,
        items: Vec<PushItem>,
    ) -> Result<Returned<Vec<PushResult>>, CallError> {
        let ids: Vec<u64> = items.iter().map(|item| item.id).collect();
        let items: Vec<_> = items.into_iter().map(translate::push_item).collect();
        let parameters = (entity.name(), items.as_slice());
        let results = self.inner.invoker.run(Export::Push, parameters, call, None).await?;
        checked(results, |results| answer::push_results(&ids, results))
    }
}

fn checked<T, U>(
    returned: Returned<T>,
    check: impl FnOnce(T) -> Result<U, CallError>,
) -> Result<Returned<U>, CallError> {
    Ok(Returned { value: check(returned.value)?, storage: returned.storage })
}
