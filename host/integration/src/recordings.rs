//! Recordings of pulls: kept sealed while an instance is told to, and had again with everything unplugged.
//!
//! A recording is a blob under the tenant's key. It goes with its run, and no interface answers it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::clock::Timestamp;
use mortise_model::connector::{Page, PullEnd, PullRequest, Receipt};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::id::{Digest, InstanceId, PluginName, RunId, TenantId};
use mortise_model::log::{LogLevel, LogLine};
use mortise_model::plugin::{Permissions, Release};
use mortise_model::secret::SecretText;
use mortise_runtime::{Call, CallError, CallMode, Player, Recording, Returned, Sink, Tape};
use mortise_store::collections::RECORDINGS;
use mortise_store::{
    Batch, Collection, DocumentId, Entity, Expect, Origin, Store, StoreError, StoreExt as _, Write,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::integration::Inner;
use crate::runs::Runs;
use crate::sync::Masks;
use crate::sync::log::RunLog;
use crate::{IntegrationError, binding, listing};

/// Longest recording of one pull, in bytes. The rest of a longer one is left out.
pub(crate) const MOST_RECORDED: usize = 16 << 20;
/// Most lines of a replay's log.
const REPLAY_LINES: u32 = 200;

/// Where a recording is, and whose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    run: RunId,
    /// Pulls of the run, from 1.
    number: u32,
    instance: InstanceId,
    plugin: PluginName,
    release: Digest,
    attempt: u32,
    blob: Digest,
    taken_at: Timestamp,
}

/// What was asked of the plugin, and how it ended. Sealed together with the recording, in front of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pulled {
    entity: EntityKind,
    bookmark: Option<String>,
    cursor: Option<String>,
    page_size: u32,
    /// In words.
    ended: String,
}

impl Pulled {
    /// Its length in four bytes, itself as JSON, and the recording.
    fn with(&self, recording: &Recording) -> Result<Vec<u8>, StoreError> {
        let json = serde_json::to_vec(self)
            .map_err(|error| StoreError::Corrupt(format!("a recording does not serialise: {error}")))?;
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&json);
        bytes.extend_from_slice(recording.bytes());
        Ok(bytes)
    }

    fn read(bytes: &Bytes) -> Option<(Self, Bytes)> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (json, _) = rest.split_at_checked(length)?;
        Some((serde_json::from_slice(json).ok()?, bytes.slice(4 + length..)))
    }
}

impl Entity for Kept {
    const COLLECTION: &'static Collection = &RECORDINGS;

    fn document_id(&self) -> DocumentId {
        format!("{}/{:06}", self.run, self.number).into()
    }
}

/// What became of a run that was had again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Its pulls, in their order.
    pub pulls: Vec<ReplayedPull>,
    /// What the plugin logged meanwhile, at any level. At most 200 lines.
    pub log: Vec<LogLine>,
}

/// What became of one pull.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedPull {
    /// The entity that was pulled.
    pub entity: EntityKind,
    /// The release that was asked now.
    pub release: Digest,
    /// How it ended in the recording, in words.
    pub recorded: String,
    /// What became of it now.
    pub outcome: ReplayOutcome,
}

/// How a replay compares with its recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// The plugin asked the host the same, and ended the same.
    Same,
    /// It did not. The sentence says where and how.
    Differs(String),
}

impl Inner {
    /// Pulls, and keeps the recording where the call makes one.
    pub(crate) async fn pull_recorded(
        &self,
        call: Call,
        request: PullRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<Returned<PullEnd>, CallError> {
        let Tape::Record(recorder) = &call.tape else {
            return self.runtime.pull(call, request, sink).await;
        };
        let recorder = recorder.clone();
        let (of_call, asked) = (call.clone(), request.clone());
        let pulled = self.runtime.pull(call, request, sink).await;
        let asked = Pulled {
            entity: asked.entity,
            bookmark: asked.bookmark,
            cursor: asked.cursor,
            page_size: asked.page_size,
            ended: ended(&pulled),
        };
        if let Err(error) = self.keep(&of_call, &asked, &recorder.recording()).await {
            // The records are what the run is for.
            tracing::error!(%error, run = %of_call.run, "a recording was not kept");
        }
        pulled
    }

    async fn keep(&self, call: &Call, pulled: &Pulled, recording: &Recording) -> Result<(), StoreError> {
        let store = self.store.as_ref();
        let prefix = format!("{}/", call.run);
        let before = listing::with_prefix(store, &call.tenant, &RECORDINGS, &prefix).await?;
        let number = u32::try_from(before.len()).unwrap_or(u32::MAX).saturating_add(1);
        let sealed = self
            .vault
            .seal_bytes(&call.tenant, &associated(&call.tenant, &call.run, number), &pulled.with(recording)?)
            .ok_or_else(|| StoreError::Invalid("the recording cannot be sealed".to_owned()))?;
        let blob = store.put_blob(sealed.into()).await?;
        let now = self.clock.now();
        let kept = Kept {
            run: call.run.clone(),
            number,
            instance: call.instance.clone(),
            plugin: call.plugin.clone(),
            release: call.release,
            attempt: call.attempt,
            blob,
            taken_at: now,
        };
        let mut batch = Batch::new(call.tenant.clone(), Origin::Instance(call.instance.clone()), now);
        batch.put(&kept, Expect::Absent)?;
        store.commit(batch).await?;
        Ok(())
    }
}

/// The writes that remove a run's recordings. Their blobs are gone at once.
pub(crate) async fn forget(
    store: &dyn Store,
    tenant: &TenantId,
    prefix: &str,
) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::new();
    for rest in listing::with_prefix(store, tenant, &RECORDINGS, prefix).await? {
        let id = format!("{prefix}{rest}");
        if let Some((kept, _)) = store.load::<Kept>(tenant, id.as_str()).await? {
            store.delete_blob(&kept.blob).await?;
        }
        writes.push(Write::Delete { collection: &RECORDINGS, id: id.into(), expect: Expect::Any });
    }
    Ok(writes)
}

impl Runs<'_> {
    /// Has the recorded pulls of a run again, by the release that ran or by another one of the tenant's. Nothing is
    /// sent, stored or read meanwhile: the plugin gets the recorded answers, as long as it asks the same.
    ///
    /// # Errors
    /// [`IntegrationError::NotFound`] when there is no such run or release; [`IntegrationError::Conflict`] when the run
    /// has no recording, or one that this host cannot read.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        id: &RunId,
        release: Option<Digest>,
    ) -> Result<Replay, IntegrationError> {
        let run = self.get(tenant, id).await?;
        let store = self.inner.store.as_ref();
        if let Some(release) = release {
            let found = store.load::<Release>(tenant, release.to_string()).await?;
            found.ok_or_else(|| IntegrationError::NotFound { what: "release", id: release.to_string() })?;
        }
        let prefix = format!("{id}/");
        let kept = listing::with_prefix(store, tenant, &RECORDINGS, &prefix).await?;
        if kept.is_empty() {
            return Err(IntegrationError::Conflict(format!(
                "the run `{id}` pulled nothing while it was recorded: set `recording` of the instance `{}` to `on`, and \
                 run it again",
                run.instance
            )));
        }
        let log = self.replay_log(tenant, &run.instance, id).await?;
        let mut pulls = Vec::with_capacity(kept.len());
        for rest in kept {
            let Some((kept, _)) = store.load::<Kept>(tenant, format!("{prefix}{rest}")).await? else {
                continue;
            };
            pulls.push(self.replay_pull(tenant, kept, release, &log).await?);
        }
        log.end();
        let lines = log.waiting().chunks.into_iter().flat_map(|chunk| chunk.lines).collect();
        Ok(Replay { pulls, log: lines })
    }

    /// A log that masks the secrets that the instance has now.
    async fn replay_log(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        run: &RunId,
    ) -> Result<Arc<RunLog>, IntegrationError> {
        let names = self.inner.vault.names(tenant, instance).await?;
        let source = self.inner.vault.of_instance(tenant, instance);
        let masks = Masks::load(source.as_ref(), &names)
            .await
            .map_err(|error| IntegrationError::Conflict(error.to_string()))?;
        let clock = Arc::clone(&self.inner.clock);
        Ok(Arc::new(RunLog::new(run.clone(), clock, LogLevel::Trace, REPLAY_LINES, masks)))
    }

    async fn replay_pull(
        &self,
        tenant: &TenantId,
        kept: Kept,
        release: Option<Digest>,
        log: &Arc<RunLog>,
    ) -> Result<ReplayedPull, IntegrationError> {
        let (before, recording) = self.open(tenant, &kept).await?;
        let release = release.unwrap_or(kept.release);
        let call = Call {
            tenant: tenant.clone(),
            plugin: kept.plugin,
            release,
            instance: kept.instance,
            run: kept.run,
            attempt: kept.attempt,
            idempotency_key: String::new(),
            mode: CallMode::DryRun,
            permissions: Arc::new(Permissions::default()),
            limits: binding::limits_of(self.inner.store.as_ref(), tenant).await?,
            settings: Arc::default(),
            credentials: Arc::from([]),
            secrets: Arc::new(Unplugged),
            log: Arc::clone(log) as Arc<_>,
            cancelled: CancellationToken::new(),
            tape: Tape::Replay(Player::new(&recording)),
        };
        let request = PullRequest {
            entity: before.entity,
            bookmark: before.bookmark,
            cursor: before.cursor,
            page_size: before.page_size,
        };
        let pulled = self.inner.runtime.pull(call, request, Arc::new(Unplugged)).await;
        let outcome = match &pulled {
            Err(CallError::Host(_)) => return Err(pulled.err().map_or_else(unplugged, Into::into)),
            Err(CallError::Diverged { message }) => {
                ReplayOutcome::Differs(log.masks().apply_owned(message.clone()))
            }
            ended_now => match ended(ended_now) {
                now if now == before.ended => ReplayOutcome::Same,
                now => {
                    ReplayOutcome::Differs(format!("it ended otherwise: {}", log.masks().apply_owned(now)))
                }
            },
        };
        let recorded = log.masks().apply_owned(before.ended);
        Ok(ReplayedPull { entity: before.entity, release, recorded, outcome })
    }

    async fn open(&self, tenant: &TenantId, kept: &Kept) -> Result<(Pulled, Recording), IntegrationError> {
        let sealed = self.inner.store.get_blob(&kept.blob).await?.ok_or_else(|| {
            IntegrationError::Conflict(format!(
                "the recording of the run `{}` is not there any more",
                kept.run
            ))
        })?;
        let opened = self
            .inner
            .vault
            .open_bytes(tenant, &associated(tenant, &kept.run, kept.number), &sealed)
            .ok_or_else(|| {
                IntegrationError::Conflict(format!(
                    "the recording of the run `{}` cannot be opened with this master key",
                    kept.run
                ))
            })?;
        let (pulled, recording) = Pulled::read(&Bytes::from(opened)).ok_or_else(|| {
            IntegrationError::Conflict(format!("the recording of the run `{}` does not read back", kept.run))
        })?;
        let recording =
            Recording::read(recording).map_err(|error| IntegrationError::Conflict(error.to_string()))?;
        Ok((pulled, recording))
    }
}

fn unplugged() -> IntegrationError {
    IntegrationError::Conflict("the replay did not end".to_owned())
}

/// What keeps a sealed recording from standing in for another one.
fn associated(tenant: &TenantId, run: &RunId, number: u32) -> String {
    format!("mortise recording\0{tenant}\0{run}\0{number}")
}

/// How a pull ended, in words.
fn ended(pulled: &Result<Returned<PullEnd>, CallError>) -> String {
    match pulled {
        Ok(Returned { value: PullEnd { bookmark: Some(bookmark) }, .. }) => {
            format!("it returned, with the bookmark {bookmark}")
        }
        Ok(_) => "it returned, without a bookmark".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// There is nothing behind a replay: whatever it needs is in the recording.
struct Unplugged;

#[async_trait]
impl SecretSource for Unplugged {
    async fn secret(&self, _: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(None)
    }

    async fn replace(&self, name: &str, _: SecretText) -> Result<(), SecretError> {
        Err(SecretError { name: name.to_owned(), reason: "this is a replay".to_owned() })
    }
}

#[async_trait]
impl Sink for Unplugged {
    async fn commit(&self, _: Page, _: Vec<Write>) -> Result<Receipt, PluginError> {
        Err(PluginError::Denied { message: "this is a replay: nothing is committed".to_owned() })
    }
}
