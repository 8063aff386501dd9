//! From uploaded bytes to a release.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::id::{Digest, InstanceId, PluginName, RunId, TenantId};
use mortise_model::log::LogLine;
use mortise_model::manifest::Manifest;
use mortise_model::secret::SecretText;
use wasmtime::component::Component;

use crate::bindings::manifest::PluginManifest;
use crate::bounds::{TRAP, cut};
use crate::engine::{MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::exports::Export;
use crate::invoke::Invocation;
use crate::release::Prepared;
use crate::runtime::Inner;
use crate::state::{Budget, Purpose};
use crate::{Call, CallError, CallMode, LogWriter, NotCompiled, Tape};

mod declared;
mod interfaces;

/// What asking for the manifest may use.
const GATE_RUN: Budget =
    Budget { cpu: Duration::from_secs(1), wall: Duration::from_secs(30), memory: 64 << 20 };

/// A component that was checked, compiled, kept, and asked what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The SHA-256 of its bytes. They are in the store's blobs.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The interfaces it imports, with versions.
    pub imports: Vec<String>,
    /// The version of the contract it was built for: `0.1.0`.
    pub contract: String,
}

/// Why a component was not admitted. Each message says what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// More bytes than allowed.
    #[error("the component has more than {most} bytes, the most this host takes")]
    TooLarge {
        /// The most.
        most: u64,
    },
    /// Not WebAssembly at all.
    #[error(
        "this is not WebAssembly: it does not begin with \\0asm. Upload the .wasm file itself, not an archive of it"
    )]
    NotWasm,
    /// A core module.
    #[error(
        "this is a core module, not a component: build it with `mortise plugin push` or make a component of it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Not valid, or with a feature that is not accepted.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It exports no world of the contract.
    #[error("the component exports none of the contract's worlds: {0}")]
    World(String),
    /// It was built for another version of the contract.
    #[error("the component needs version {needs} of mortise:plugin; this host offers {offers}")]
    Contract {
        /// What it was built for.
        needs: String,
        /// What there is.
        offers: &'static str,
    },
    /// It imports what this host does not offer.
    #[error("the component imports {}, which this host does not offer", .0.join(", "))]
    Imports(Vec<String>),
    /// It needs more memory, tables or instances than a call has.
    #[error("the component does not fit: {0}")]
    TooBig(String),
    /// It takes more than the compiler may use, or breaks it.
    #[error("the component was not compiled: {0}")]
    NotCompiled(#[from] NotCompiled),
    /// Its manifest breaks rules, or asking for it failed.
    #[error("the plugin's manifest was refused: {}", .0.join("; "))]
    Manifest(Vec<String>),
    /// The host failed.
    #[error(transparent)]
    Host(#[from] crate::RuntimeError),
}

impl Inner {
    pub(crate) async fn admit(&self, tenant: &TenantId, bytes: Bytes) -> Result<Admitted, Refused> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let most = self.config.max_component_bytes;
        if size > most {
            return Err(Refused::TooLarge { most });
        }
        let digest = Digest::of(&bytes);
        interfaces::check_header(&bytes)?;
        let releases = &self.invoker.releases;
        let taken = releases.inspect(tenant, bytes.clone()).await?;
        let interfaces = interfaces::check(&taken.inspected.names)?;
        let (component, fresh) = if let Some(component) = releases.image(&digest).await? {
            drop(taken);
            (component, None)
        } else {
            let fresh = releases.compile(&digest, taken).await?;
            (fresh.component.clone(), Some(fresh))
        };
        self.check_resources(&component)?;
        let prepared = releases.link(&component).map_err(|error| Refused::World(told(&error)))?;
        let described = self.describe(Arc::clone(&prepared)).await?;
        let manifest = declared::manifest(described).map_err(Refused::Manifest)?;
        // The blob comes last: a component in the store is one that was admitted.
        if let Some(fresh) = fresh {
            releases.keep(fresh).await?;
        }
        self.invoker.world.store.put_blob(bytes).await.map_err(crate::RuntimeError::from)?;
        releases.put(&digest, prepared);
        Ok(Admitted { digest, size, manifest, imports: interfaces.imports, contract: interfaces.contract })
    }

    fn check_resources(&self, component: &Component) -> Result<(), Refused> {
        let too_big = |what: String| Err(Refused::TooBig(what));
        let Some(needs) = component.resources_required() else {
            return too_big("it imports modules, so what it needs cannot be told".to_owned());
        };
        if needs.num_memories > MAX_MEMORIES {
            return too_big(format!("it has {} memories, more than {MAX_MEMORIES}", needs.num_memories));
        }
        if needs.num_tables > MAX_TABLES {
            return too_big(format!("it has {} tables, more than {MAX_TABLES}", needs.num_tables));
        }
        let pages = needs.max_initial_memory_size.unwrap_or(0);
        let most = u64::from(self.config.max_call_memory_bytes) >> 16;
        if pages > most {
            return too_big(format!("it begins with {pages} pages of memory, more than {most}"));
        }
        let elements = needs.max_initial_table_size.unwrap_or(0);
        if usize::try_from(elements).map_or(true, |elements| elements > MAX_TABLE_ELEMENTS) {
            return too_big(format!(
                "it begins with a table of {elements} elements, more than {MAX_TABLE_ELEMENTS}"
            ));
        }
        Ok(())
    }

    /// Asks a component what it is, with nothing granted.
    async fn describe(&self, prepared: Arc<Prepared>) -> Result<PluginManifest, Refused> {
        let refused = |message: String| Err(Refused::Manifest(vec![message]));
        let question = Invocation {
            call: Arc::new(nobodys_call()?),
            purpose: Purpose::Manifest,
            budget: GATE_RUN,
            sink: None,
            export: Export::Describe,
            parameters: (None::<&str>,),
        };
        let described = self.invoker.bounded(async { Ok(prepared) }, question).await;
        match described {
            Ok(returned) => Ok(returned.value),
            Err(CallError::Host(error)) => Err(error.into()),
            Err(CallError::Plugin(error)) => refused(format!("`describe` answered an error: {error}")),
            Err(CallError::Limit { limit }) => refused(format!(
                "`describe` may use {} s of CPU time and {} MiB of memory: {limit}",
                GATE_RUN.cpu.as_secs(),
                GATE_RUN.memory >> 20
            )),
            Err(CallError::Trap { message }) => refused(format!("`describe` failed: {message}")),
            Err(CallError::Stopped | CallError::Diverged { .. }) => {
                refused("`describe` was stopped".to_owned())
            }
        }
    }
}

fn told(error: &wasmtime::Error) -> String {
    cut(format!("{error:#}"), TRAP)
}

impl Refused {
    /// What was compiled and cannot be loaded does not fit into the pool.
    pub(crate) fn too_big(error: &wasmtime::Error) -> Self {
        Self::TooBig(told(error))
    }
}

/// A call that may do nothing, for nobody.
fn nobodys_call() -> Result<Call, Refused> {
    let plugin: PluginName = "mortise/unnamed"
        .parse()
        .map_err(|error| crate::RuntimeError::Engine(format!("a name of its own: {error}")))?;
    Ok(Call {
        tenant: TenantId::system(),
        plugin,
        release: Digest::of(&[]),
        instance: InstanceId::new(),
        run: RunId::new(),
        attempt: 1,
        idempotency_key: String::new(),
        mode: CallMode::DryRun,
        permissions: Arc::default(),
        limits: mortise_model::tenant::TenantLimits::default(),
        settings: Arc::default(),
        credentials: Arc::from([]),
        secrets: Arc::new(Nothing),
        log: Arc::new(Nothing),
        cancelled: tokio_util::sync::CancellationToken::new(),
        tape: Tape::Off,
    })
}

/// No secrets, and nobody who reads the log.
struct Nothing;

#[async_trait]
impl SecretSource for Nothing {
    async fn secret(&self, _name: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(None)
    }

    async fn replace(&self, name: &str, _value: SecretText) -> Result<(), SecretError> {
        Err(SecretError { name: name.to_owned(), reason: "there are no secrets here".to_owned() })
    }
}

impl LogWriter for Nothing {
    fn write(&self, _line: LogLine) {}
}
