//! `wasi:keyvalue`: the instance's own storage as one bucket, in both drafts that toolchains use.
//!
//! It is the storage of the contract's `storage` interface: the same keys, the same quota, the same moments at which
//! writes are kept. What `set`, `delete` and their batches write is seen by the call at once and kept with the call's
//! next commit or its outcome; what `increment` and `swap` write is kept at once, whatever becomes of the call.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wasmtime::component::{Linker, Resource};

use super::storage::Storage;
use crate::bindings::contract::storage::Swap;
use crate::bindings::contract::types::{Content, Error};
use crate::bounds::{HANDLES, HOST_CALL_BYTES, KEYVALUE_BATCH, KEYVALUE_KEYS, STORAGE_KEY, cut};
use crate::gate::{Function, Passage, Refusal};
use crate::recording::Arguments;
use crate::state::CallState;

/// What both drafts have: the same functions over types of their own.
macro_rules! same_in_both {
    ($draft:ident) => {
        use crate::bindings::drafts::wasi::$draft::{atomics, batch, store};

        type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

        pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
            store::add_to_linker::<_, Host>(linker, |state| state)?;
            atomics::add_to_linker::<_, Host>(linker, |state| state)?;
            batch::add_to_linker::<_, Host>(linker, |state| state)
        }

        impl From<Failure> for store::Error {
            fn from(failure: Failure) -> Self {
                match failure {
                    Failure::NoSuchStore => Self::NoSuchStore,
                    Failure::AccessDenied(_) => Self::AccessDenied,
                    Failure::Other(message) => Self::Other(message),
                }
            }
        }

        impl store::Host for CallState {
            async fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
                Ok(self.open_bucket(&identifier)?.map_err(Into::into))
            }
        }

        impl store::HostBucket for CallState {
            async fn get(&mut self, _: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
                let value = gated!(
                    self,
                    KeyvalueGet,
                    |asked| tell(asked, &key),
                    self.storage.value(&key).await,
                    Failure::AccessDenied
                );
                told(value)
            }

            async fn set(&mut self, _: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
                let tell = |asked: &mut Arguments| {
                    tell(asked, &key);
                    asked.part("value", &value);
                };
                let work = gated!(
                    self,
                    KeyvalueSet,
                    tell,
                    self.storage.write(key, value).await,
                    Failure::AccessDenied
                );
                told(work)
            }

            async fn delete(&mut self, _: Resource<Bucket>, key: String) -> Answer<()> {
                let work = gated!(
                    self,
                    KeyvalueDelete,
                    |asked| tell(asked, &key),
                    self.storage.remove(key).await,
                    Failure::AccessDenied
                );
                told(work)
            }

            async fn exists(&mut self, _: Resource<Bucket>, key: String) -> Answer<bool> {
                let exists = gated!(
                    self,
                    KeyvalueExists,
                    |asked| tell(asked, &key),
                    self.storage.value(&key).await.map(|value| value.is_some()),
                    Failure::AccessDenied
                );
                told(exists)
            }

            async fn list_keys(
                &mut self,
                bucket: Resource<Bucket>,
                cursor: Option<Cursor>,
            ) -> Answer<store::KeyResponse> {
                let tell = |asked: &mut Arguments| {
                    asked.part("cursor", &cursor);
                };
                let keys: wasmtime::Result<_> = match self.gate.enter(Function::KeyvalueListKeys, tell)? {
                    Passage::Replayed(keys) => Ok(keys),
                    Passage::Granted => {
                        let keys = list(self, &bucket, cursor).await?;
                        Ok(self.gate.leave(Function::KeyvalueListKeys, keys))
                    }
                    Passage::Denied(sentence) => {
                        let denied = Err(Failure::AccessDenied(sentence));
                        Ok(self.gate.leave(Function::KeyvalueListKeys, denied))
                    }
                };
                let response = |(keys, cursor)| store::KeyResponse { keys, cursor };
                Ok(keys?.map(response).map_err(Into::into))
            }

            async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
                self.table.delete(bucket)?;
                Ok(())
            }
        }

        impl batch::Host for CallState {
            async fn get_many(&mut self, _: Resource<Bucket>, keys: Vec<String>) -> Answer<Vec<Pair>> {
                let values = gated!(
                    self,
                    KeyvalueGetMany,
                    |asked| tell_keys(asked, &keys),
                    self.storage.values(&keys).await,
                    Failure::AccessDenied
                );
                let pairs = told(values)?;
                Ok(pairs.map(|values| keys.into_iter().zip(values).map(pair).collect()))
            }

            async fn set_many(&mut self, _: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
                let tell = |asked: &mut Arguments| {
                    asked.about(format!("{} keys", pairs.len())).part("key-values", &pairs);
                };
                let work = gated!(
                    self,
                    KeyvalueSetMany,
                    tell,
                    self.storage.write_all(pairs).await,
                    Failure::AccessDenied
                );
                told(work)
            }

            async fn delete_many(&mut self, _: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
                let work = gated!(
                    self,
                    KeyvalueDeleteMany,
                    |asked| tell_keys(asked, &keys),
                    self.storage.remove_all(keys).await,
                    Failure::AccessDenied
                );
                told(work)
            }
        }

        fn told<T>(answer: wasmtime::Result<Result<T, Failure>>) -> Answer<T> {
            Ok(answer?.map_err(Into::into))
        }
    };
}

mod draft;
mod draft2;

/// The interfaces, with their versions.
pub(crate) const INTERFACES: &[&str] = &[
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/store@0.2.0-draft2",
];

/// What the one bucket is called. Without a name it is meant, too.
const BUCKET: &str = "default";
/// How often an increment begins anew when somebody else writes between its reading and its writing.
const TRIES: u32 = 100;

/// A handle to the instance's storage.
#[derive(Default)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Bucket {
    /// Where listings by number go on.
    cursors: Vec<String>,
}

/// A key as it was found.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Cas {
    key: String,
    value: Option<Vec<u8>>,
    revision: Option<String>,
}

/// Why there is no answer. Both drafts have the same three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Failure {
    NoSuchStore,
    AccessDenied(String),
    Other(String),
}

type Answer<T> = Result<T, Failure>;

impl Refusal for Failure {
    fn denial(&self) -> Option<&str> {
        match self {
            Self::AccessDenied(sentence) => Some(sentence),
            Self::NoSuchStore | Self::Other(_) => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(sentence) => Self::AccessDenied(sentence),
            Error::Quota(message) | Error::Other(message) => Self::Other(message),
            Error::Failed(fault) => Self::Other(fault.message),
            Error::Retryable(retry) => Self::Other(retry.message),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    draft::link(linker)?;
    draft2::link(linker)
}

/// The next number is not a number any more.
fn overflow(key: &str) -> Failure {
    Failure::Other(format!("`{}` is at the end of its numbers", cut(key.to_owned(), STORAGE_KEY)))
}

fn full() -> Failure {
    Failure::Other(format!("a call holds at most {HANDLES} handles at a time: close some of them"))
}

fn tell(asked: &mut Arguments, key: &str) {
    asked.about(key).part("key", key);
}

fn tell_keys(asked: &mut Arguments, keys: &[String]) {
    asked.about(format!("{} keys", keys.len())).part("keys", keys);
}

fn check_batch(count: usize) -> Answer<()> {
    if count <= KEYVALUE_BATCH {
        return Ok(());
    }
    Err(Failure::Other(format!("a batch has at most {KEYVALUE_BATCH} keys, not {count}: make several of it")))
}

fn bytes(value: Content) -> Vec<u8> {
    match value {
        Content::Text(text) => text.into_bytes(),
        Content::Bytes(bytes) => bytes,
    }
}

/// One page of keys, and the last of them where there are more.
type Keys = (Vec<String>, Option<String>);

impl CallState {
    fn open_bucket(&mut self, identifier: &str) -> wasmtime::Result<Answer<Resource<Bucket>>> {
        let tell = |asked: &mut Arguments| {
            asked.about(identifier).part("identifier", identifier);
        };
        let opened = match self.gate.enter(Function::KeyvalueOpen, tell)? {
            Passage::Granted if matches!(identifier, "" | BUCKET) => Ok(()),
            Passage::Granted => Err(Failure::NoSuchStore),
            Passage::Denied(sentence) => Err(Failure::AccessDenied(sentence)),
            Passage::Replayed(opened) => {
                return match opened {
                    Ok(()) => Ok(Ok(self.table.push(Bucket::default())?)),
                    Err(failure) => Ok(Err(failure)),
                };
            }
        };
        let handle = opened.and_then(|()| self.table.push(Bucket::default()).map_err(|_| full()));
        Ok(self.gate.leave_opened(Function::KeyvalueOpen, handle))
    }
}

impl Storage {
    async fn value(&self, key: &str) -> Answer<Option<Vec<u8>>> {
        Ok(self.get(key).await?.map(|entry| bytes(entry.value)))
    }

    async fn write(&mut self, key: String, value: Vec<u8>) -> Answer<()> {
        self.set(key, Content::Bytes(value)).await?;
        Ok(())
    }

    async fn remove(&mut self, key: String) -> Answer<()> {
        Ok(self.delete(key).await?)
    }

    async fn keys(&self, after: Option<&str>) -> Answer<Keys> {
        let page = self.list_keys("", after, KEYVALUE_KEYS).await?;
        Ok((page.keys, page.cursor))
    }

    async fn values(&self, keys: &[String]) -> Answer<Vec<Option<Vec<u8>>>> {
        check_batch(keys.len())?;
        let mut values = Vec::with_capacity(keys.len());
        let mut size = 0_usize;
        for key in keys {
            let value = self.value(key).await?;
            size = size.saturating_add(value.as_ref().map_or(0, Vec::len));
            if size > HOST_CALL_BYTES {
                return Err(Failure::Other(format!(
                    "the values have more than {HOST_CALL_BYTES} bytes together: ask for fewer keys at a time"
                )));
            }
            values.push(value);
        }
        Ok(values)
    }

    async fn write_all(&mut self, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
        check_batch(pairs.len())?;
        for (key, value) in pairs {
            self.write(key, value).await?;
        }
        Ok(())
    }

    async fn remove_all(&mut self, keys: Vec<String>) -> Answer<()> {
        check_batch(keys.len())?;
        for key in keys {
            self.remove(key).await?;
        }
        Ok(())
    }

    async fn find(&self, key: String) -> Answer<Cas> {
        let entry = self.get(&key).await?;
        let (value, revision) = entry.map(|entry| (bytes(entry.value), entry.revision)).unzip();
        Ok(Cas { key, value, revision })
    }

    /// Keeps a value if its key is still as it was found. Answers how it is now where it is not.
    async fn swap(&mut self, found: Cas, value: Vec<u8>) -> Answer<Result<(), Cas>> {
        let expected = found.revision.as_deref();
        match self.compare_and_swap(&found.key, expected, Content::Bytes(value)).await? {
            Swap::Swapped(_) => Ok(Ok(())),
            Swap::Changed(entry) => Ok(Err(Cas {
                key: found.key,
                value: Some(bytes(entry.value)),
                revision: Some(entry.revision),
            })),
            Swap::Missing => Ok(Err(Cas { key: found.key, value: None, revision: None })),
        }
    }

    /// Adds to a number, kept as decimal digits. A key that is not there counts as 0.
    async fn increment<N: FromStr + Display + Default + Copy>(
        &mut self,
        key: String,
        add: impl Fn(N) -> Option<N>,
    ) -> Answer<N> {
        let mut found = self.find(key).await?;
        for _ in 0..TRIES {
            let now = match &found.value {
                None => N::default(),
                Some(value) => {
                    let digits = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    digits.ok_or_else(|| {
                        let key = cut(found.key.clone(), STORAGE_KEY);
                        Failure::Other(format!(
                            "the value of `{key}` is not a whole number in decimal digits"
                        ))
                    })?
                }
            };
            let next = add(now).ok_or_else(|| overflow(&found.key))?;
            match self.swap(found, next.to_string().into_bytes()).await? {
                Ok(()) => return Ok(next),
                Err(changed) => found = changed,
            }
        }
        let key = cut(found.key, STORAGE_KEY);
        Err(Failure::Other(format!("`{key}` changed {TRIES} times while it was counted up: try again later")))
    }
}
