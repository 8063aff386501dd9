//! Storage in memory, with the contract's two phases.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::bindings::mortise::plugin::storage::{Entry, KeyPage, Swap};
use crate::bindings::mortise::plugin::types::{Content, Error};

const MAX_KEY: usize = 512;
const MAX_VALUE: usize = 256 * 1024;
const MAX_KEYS: u32 = 1_000;

/// What is kept, and what is written since the last commit.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    kept: BTreeMap<String, Entry>,
    /// What the call sees: `kept`, and its own writes over it.
    seen: BTreeMap<String, Entry>,
    writes: u64,
}

impl Storage {
    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        check_key(key)?;
        Ok(self.seen.get(key).cloned())
    }

    pub(crate) fn set(&mut self, key: &str, value: &Content) -> Result<String, Error> {
        check_key(key)?;
        if MAX_VALUE < value.as_bytes().len() {
            return Err(Error::Quota(format!("the value of `{key}` is longer than {MAX_VALUE} bytes")));
        }
        self.writes += 1;
        let revision = self.writes.to_string();
        self.seen.insert(key.to_owned(), Entry { value: value.clone(), revision: revision.clone() });
        Ok(revision)
    }

    pub(crate) fn delete(&mut self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        self.seen.remove(key);
        Ok(())
    }

    pub(crate) fn compare_and_swap(
        &mut self,
        key: &str,
        expected: Option<&str>,
        value: &Content,
    ) -> Result<Swap, Error> {
        check_key(key)?;
        match (self.seen.get(key), expected) {
            (Some(entry), expected) if expected != Some(&entry.revision) => Ok(Swap::Changed(entry.clone())),
            (None, Some(_)) => Ok(Swap::Missing),
            _ => {
                let revision = self.set(key, value)?;
                self.kept.insert(key.to_owned(), Entry { value: value.clone(), revision: revision.clone() });
                Ok(Swap::Swapped(revision))
            }
        }
    }

    pub(crate) fn list_keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<KeyPage, Error> {
        if !(1..=MAX_KEYS).contains(&limit) {
            return Err(Error::failed(
                "limit",
                format!("at most {MAX_KEYS} keys are listed at a time, not {limit}"),
            ));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let from = cursor.map_or(Bound::Included(prefix), Bound::Excluded);
        let range = self.seen.range::<str, _>((from, Bound::Unbounded));
        let mut keys: Vec<_> = range
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(limit + 1)
            .cloned()
            .collect();
        let more = limit < keys.len();
        keys.truncate(limit);
        Ok(KeyPage { cursor: keys.last().filter(|_| more).cloned(), keys })
    }

    /// Keeps what the call wrote.
    pub(crate) fn keep(&mut self) {
        self.kept.clone_from(&self.seen);
    }

    /// Forgets what the call wrote since the last [`Storage::keep`].
    pub(crate) fn forget(&mut self) {
        self.seen.clone_from(&self.kept);
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=MAX_KEY).contains(&key.len()) {
        return Ok(());
    }
    Err(Error::failed("key", format!("a key has 1 to {MAX_KEY} bytes, not {}", key.len())))
}
