//! `compare-and-swap`: kept at once, whatever becomes of the call.

use mortise_store::{Batch, Conflict, Document, Expect, Origin, StoreError, Version};

use super::{Storage, Swap, Written, check_key, check_value, entry, revision, unavailable, usage};
use crate::bindings::contract::types::{Content, Error};

impl Storage {
    pub(in crate::capability) async fn compare_and_swap(
        &mut self,
        key: &str,
        expected: Option<&str>,
        value: Content,
    ) -> Result<Swap, Error> {
        check_key(key)?;
        check_value(key, &value)?;
        let kept = self.kept(key).await?;
        let expect = match self.written.get(key) {
            // The call wrote over whatever was there, and so may this.
            Some(Written::Value { revision, .. }) if expected == Some(revision) => Expect::Any,
            Some(Written::Deleted) if expected.is_none() => Expect::Any,
            Some(_) => return self.held(key).await,
            None => match (&kept, expected) {
                (None, None) => Expect::Absent,
                (Some(document), Some(expected)) if revision(document.version) == expected => {
                    Expect::At(document.version)
                }
                _ => return held(kept.as_ref()),
            },
        };
        let before = self.size(key).await?;
        let used = self.used;
        self.spend(before, usage::size(key, &value)).await?;
        match self.commit(key, &value, expect).await {
            Ok(version) => {
                self.written.remove(key);
                Ok(Swap::Swapped(revision(version)))
            }
            Err(error) => {
                self.used = used;
                match error {
                    StoreError::Conflict(Conflict::Document { .. }) => held(self.kept(key).await?.as_ref()),
                    error => Err(unavailable(error)),
                }
            }
        }
    }

    /// What the call sees under the key.
    async fn held(&self, key: &str) -> Result<Swap, Error> {
        Ok(self.get(key).await?.map_or(Swap::Missing, Swap::Changed))
    }

    async fn commit(&self, key: &str, value: &Content, expect: Expect) -> Result<Version, StoreError> {
        let origin = Origin::Instance(self.call.instance.clone());
        let mut batch = Batch::new(self.call.tenant.clone(), origin, self.clock.now());
        batch.push(self.put(key, value, expect));
        let sequence = self.store.commit(batch).await?;
        Ok(Version(sequence.0))
    }
}

fn held(document: Option<&Document>) -> Result<Swap, Error> {
    document.map_or(Ok(Swap::Missing), |document| entry(document).map(Swap::Changed))
}
