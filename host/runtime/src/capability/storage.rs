//! `storage`: small state of one instance that outlives a call.

use std::collections::BTreeMap;
use std::sync::Arc;

use mortise_model::clock::Clock;
use mortise_store::collections::PLUGIN_STORAGE;
use mortise_store::{Document, DocumentId, Expect, Store, StoreError, Version, Write};
use wasmtime::component::Linker;

use super::Host;
use crate::Call;
use crate::bindings::contract::storage as contract;
use crate::bindings::contract::types::{Content, Error, Retry};
use crate::bounds::{STORAGE_KEY, STORAGE_VALUE, cut};
use crate::gate::gated;
use crate::recording::Arguments;
use crate::state::CallState;
use crate::translate;

mod list;
mod swap;
mod usage;
mod value;

use contract::{Entry, KeyPage, Swap};

/// The storage of one instance, and what one call wrote to it since its last commit.
pub(crate) struct Storage {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    call: Arc<Call>,
    quota: u64,
    /// Bytes in use, once something looked. What the call wrote is part of it.
    used: Option<u64>,
    written: BTreeMap<String, Written>,
    revisions: u64,
}

/// What a call wrote and nobody committed yet.
enum Written {
    Value { value: Content, revision: String },
    Deleted,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

/// The storage of the call's instance, as large as the grant and the tenant's limit allow.
pub(crate) fn bind(call: &Arc<Call>, store: &Arc<dyn Store>, clock: &Arc<dyn Clock>) -> Storage {
    Storage {
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        call: Arc::clone(call),
        quota: call.permissions.storage_bytes.min(call.limits.storage_bytes),
        used: None,
        written: BTreeMap::new(),
        revisions: 0,
    }
}

impl Storage {
    /// What the call wrote since its last commit, as writes of a batch.
    pub(crate) fn writes(&self) -> Vec<Write> {
        let write = |(key, written): (&String, &Written)| match written {
            Written::Value { value, .. } => self.put(key, value, Expect::Any),
            Written::Deleted => {
                Write::Delete { collection: &PLUGIN_STORAGE, id: self.id(key), expect: Expect::Any }
            }
        };
        self.written.iter().map(write).collect()
    }

    /// What the call wrote was committed.
    pub(crate) fn committed(&mut self) {
        self.written.clear();
    }

    fn id(&self, key: &str) -> DocumentId {
        DocumentId::Text(self.path(key))
    }

    /// The id of a key's document: what those of one instance begin with, and the key.
    fn path(&self, key: &str) -> String {
        format!("{}/{key}", self.call.instance)
    }

    fn put(&self, key: &str, value: &Content, expect: Expect) -> Write {
        Write::Put { collection: &PLUGIN_STORAGE, id: self.id(key), expect, body: value::encode(value) }
    }

    /// What is in the store, whatever the call wrote.
    async fn kept(&self, key: &str) -> Result<Option<Document>, Error> {
        self.store.get(&self.call.tenant, &PLUGIN_STORAGE, &self.id(key)).await.map_err(unavailable)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        check_key(key)?;
        match self.written.get(key) {
            Some(Written::Value { value, revision }) => {
                Ok(Some(Entry { value: value.clone(), revision: revision.clone() }))
            }
            Some(Written::Deleted) => Ok(None),
            None => self.kept(key).await?.map(|document| entry(&document)).transpose(),
        }
    }

    pub(super) async fn set(&mut self, key: String, value: Content) -> Result<String, Error> {
        check_key(&key)?;
        check_value(&key, &value)?;
        let before = self.size(&key).await?;
        self.spend(before, usage::size(&key, &value)).await?;
        self.revisions += 1;
        // A mark that no version of a document looks like.
        let revision = format!("call-{}", self.revisions);
        self.written.insert(key, Written::Value { value, revision: revision.clone() });
        Ok(revision)
    }

    pub(super) async fn delete(&mut self, key: String) -> Result<(), Error> {
        check_key(&key)?;
        let before = self.size(&key).await?;
        if before == 0 {
            // Nothing to remove, and so nothing to remember.
            return Ok(());
        }
        if let Some(used) = &mut self.used {
            *used = used.saturating_sub(before);
        }
        self.written.insert(key, Written::Deleted);
        Ok(())
    }
}

fn entry(document: &Document) -> Result<Entry, Error> {
    let value = value::decode(document).map_err(unavailable)?;
    Ok(Entry { value, revision: revision(document.version) })
}

fn revision(version: Version) -> String {
    version.to_string()
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=STORAGE_KEY).contains(&key.len()) {
        return Ok(());
    }
    Err(translate::fault("key-length", format!("a key has 1 to {STORAGE_KEY} bytes, not {}", key.len())))
}

fn check_value(key: &str, value: &Content) -> Result<(), Error> {
    if value::bytes(value).len() <= STORAGE_VALUE {
        return Ok(());
    }
    let key = cut(key.to_owned(), 100);
    Err(Error::Quota(format!(
        "the value of `{key}` has more than {STORAGE_VALUE} bytes, the most of one value"
    )))
}

/// What a plugin is told when the store fails. The operator's log has the rest.
#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn unavailable(error: StoreError) -> Error {
    tracing::error!(%error, "a plugin's storage failed");
    Error::Retryable(Retry {
        after_ms: None,
        message: "the platform cannot reach the storage now".to_owned(),
    })
}

impl contract::Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, Error>> {
        gated!(self, StorageGet, |asked| tell(asked, &key), self.storage.get(&key).await, Error::Denied)
    }

    async fn set(&mut self, key: String, value: Content) -> wasmtime::Result<Result<String, Error>> {
        gated!(
            self,
            StorageSet,
            |asked| {
                tell(asked, &key);
                asked.part("value", &value);
            },
            self.storage.set(key, value).await,
            Error::Denied
        )
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Error>> {
        gated!(self, StorageDelete, |asked| tell(asked, &key), self.storage.delete(key).await, Error::Denied)
    }

    async fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<String>,
        value: Content,
    ) -> wasmtime::Result<Result<Swap, Error>> {
        gated!(
            self,
            StorageSwap,
            |asked| {
                tell(asked, &key);
                asked.part("expected", &expected).part("value", &value);
            },
            self.storage.compare_and_swap(&key, expected.as_deref(), value).await,
            Error::Denied
        )
    }

    async fn list_keys(
        &mut self,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<KeyPage, Error>> {
        gated!(
            self,
            StorageListKeys,
            |asked| {
                asked
                    .about(prefix.as_str())
                    .part("prefix", &prefix)
                    .part("cursor", &cursor)
                    .part("limit", &limit);
            },
            self.storage.list_keys(&prefix, cursor.as_deref(), limit).await,
            Error::Denied
        )
    }
}

fn tell(asked: &mut Arguments, key: &str) {
    asked.about(key).part("key", key);
}
