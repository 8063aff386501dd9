//! `wasi:keyvalue@0.2.0-draft2`: signed counters, listings that go on by key, compare-and-swap.

use wasmtime::component::{Linker, Resource};

use super::{Bucket, Cas, Failure, full, tell, tell_keys};
use crate::capability::Host;
use crate::gate::{Function, Passage, gated};
use crate::recording::Arguments;
use crate::state::CallState;

type Cursor = String;
type Pair = (String, Option<Vec<u8>>);

same_in_both!(keyvalue0_2_0_draft2);

fn pair(pair: Pair) -> Pair {
    pair
}

/// A page of keys. A cursor is the last key of the page before.
async fn list(
    state: &mut CallState,
    bucket: &Resource<Bucket>,
    cursor: Option<Cursor>,
) -> wasmtime::Result<Result<(Vec<String>, Option<Cursor>), Failure>> {
    state.table.get(bucket)?;
    Ok(state.storage.keys(cursor.as_deref()).await)
}

impl atomics::Host for CallState {
    async fn increment(&mut self, _: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let tell = |asked: &mut Arguments| {
            tell(asked, &key);
            asked.part("delta", &delta);
        };
        let work = gated!(
            self,
            KeyvalueIncrement,
            tell,
            self.storage.increment(key, |now: i64| now.checked_add(delta)).await,
            Failure::AccessDenied
        );
        told(work)
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let found = self.table.delete(cas)?;
        let key = found.key.clone();
        let tell = |asked: &mut Arguments| {
            tell(asked, &key);
            asked.part("value", &value);
        };
        let swapped: Result<Result<(), Option<Vec<u8>>>, Failure>;
        let mut changed = Cas { key: key.clone(), value: None, revision: None };
        match self.gate.enter(Function::KeyvalueSwap, tell)? {
            Passage::Replayed(answer) => swapped = answer,
            Passage::Granted => {
                let answer = match self.storage.swap(found, value).await {
                    Ok(Ok(())) => Ok(Ok(())),
                    Ok(Err(now)) => {
                        let value = now.value.clone();
                        changed = now;
                        Ok(Err(value))
                    }
                    Err(failure) => Err(failure),
                };
                swapped = self.gate.leave(Function::KeyvalueSwap, answer);
            }
            Passage::Denied(sentence) => {
                let denied = Err(Failure::AccessDenied(sentence));
                swapped = self.gate.leave(Function::KeyvalueSwap, denied);
            }
        }
        match swapped {
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(_)) => match self.table.push(changed) {
                Ok(handle) => Ok(Err(atomics::CasError::CasFailed(handle))),
                Err(_) => Ok(Err(atomics::CasError::StoreError(full().into()))),
            },
            Err(failure) => Ok(Err(atomics::CasError::StoreError(failure.into()))),
        }
    }
}

impl atomics::HostCas for CallState {
    async fn new(&mut self, _: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        let opened = match self.gate.enter(Function::KeyvalueCasNew, |asked| tell(asked, &key))? {
            Passage::Replayed(Ok(())) => Ok(Cas { key, value: None, revision: None }),
            Passage::Replayed(Err(failure)) => return Ok(Err(Failure::into(failure))),
            Passage::Granted => {
                let found = self.storage.find(key).await;
                self.gate.leave_opened(Function::KeyvalueCasNew, found)
            }
            Passage::Denied(sentence) => {
                self.gate.leave_opened(Function::KeyvalueCasNew, Err(Failure::AccessDenied(sentence)))
            }
        };
        let handle = opened.and_then(|found| self.table.push(found).map_err(|_| full()));
        Ok(handle.map_err(Into::into))
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        let tell = |asked: &mut Arguments| {
            if let Ok(cas) = self.table.get(&cas) {
                tell(asked, &cas.key);
            }
        };
        let value = gated!(
            self,
            KeyvalueCasCurrent,
            tell,
            Ok(self.table.get(&cas)?.value.clone()),
            Failure::AccessDenied
        );
        told(value)
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
