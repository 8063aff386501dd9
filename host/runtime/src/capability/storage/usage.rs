//! How much of its storage an instance uses: the keys and values, those that the call wrote included.

use mortise_store::Document;

use super::list::Scan;
use super::{Storage, Written, unavailable, value};
use crate::bindings::contract::types::{Content, Error};

/// What a key and its value count.
pub(super) fn size(key: &str, value: &Content) -> u64 {
    u64::try_from(key.len().saturating_add(value::bytes(value).len())).unwrap_or(u64::MAX)
}

impl Storage {
    /// What the key and its value count now. 0 when there is no such key.
    pub(super) async fn size(&self, key: &str) -> Result<u64, Error> {
        match self.written.get(key) {
            Some(Written::Value { value, .. }) => Ok(size(key, value)),
            Some(Written::Deleted) => Ok(0),
            None => match self.kept(key).await? {
                Some(document) => size_of(key, &document),
                None => Ok(0),
            },
        }
    }

    /// Replaces `before` bytes by `after`, unless the quota does not have them.
    pub(super) async fn spend(&mut self, before: u64, after: u64) -> Result<(), Error> {
        let used = match self.used {
            Some(used) => used,
            None => self.measure().await?,
        };
        let used = used.saturating_sub(before).saturating_add(after);
        if after > before && used > self.quota {
            return Err(Error::Quota(format!(
                "the instance may store {} bytes of keys and values: grant more `storageBytes`, or raise the tenant's limit `storageBytes`",
                self.quota
            )));
        }
        self.used = Some(used);
        Ok(())
    }

    /// Reads everything once per call.
    async fn measure(&mut self) -> Result<u64, Error> {
        let mut used = 0_u64;
        let mut scan = Scan::from_the_beginning(self);
        while let Some(documents) = scan.next(self).await? {
            for (key, document) in &documents {
                if !self.written.contains_key(key) {
                    used = used.saturating_add(size_of(key, document)?);
                }
            }
        }
        let written = self.written.iter().map(|(key, written)| match written {
            Written::Value { value, .. } => size(key, value),
            Written::Deleted => 0,
        });
        used = written.fold(used, u64::saturating_add);
        self.used = Some(used);
        Ok(used)
    }
}

fn size_of(key: &str, document: &Document) -> Result<u64, Error> {
    value::decode(document).map(|value| size(key, &value)).map_err(unavailable)
}
