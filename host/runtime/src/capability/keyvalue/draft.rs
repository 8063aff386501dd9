//! `wasi:keyvalue@0.2.0-draft`: unsigned counters, listings that go on by number.

use wasmtime::component::{Linker, Resource};

use super::{Bucket, Failure, Keys, tell, tell_keys};
use crate::bounds::KEYVALUE_CURSORS;
use crate::capability::Host;
use crate::gate::{Function, Passage, gated};
use crate::recording::Arguments;
use crate::state::CallState;

type Cursor = u64;
type Pair = Option<(String, Vec<u8>)>;

same_in_both!(keyvalue0_2_0_draft);

fn pair((key, value): (String, Option<Vec<u8>>)) -> Pair {
    value.map(|value| (key, value))
}

/// A page of keys. The bucket remembers where each listing ended, because this draft's cursors are numbers.
async fn list(
    state: &mut CallState,
    bucket: &Resource<Bucket>,
    cursor: Option<Cursor>,
) -> wasmtime::Result<Result<(Vec<String>, Option<Cursor>), Failure>> {
    let mut after = None;
    if let Some(number) = cursor {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let cursors = &state.table.get(bucket)?.cursors;
        after = place.and_then(|place| cursors.get(place)).cloned();
        if after.is_none() {
            return Ok(Err(Failure::Other(format!("{number} is no cursor that this bucket answered"))));
        }
    }
    let (keys, last): Keys = match state.storage.keys(after.as_deref()).await {
        Ok(page) => page,
        Err(failure) => return Ok(Err(failure)),
    };
    let Some(last) = last else { return Ok(Ok((keys, None))) };
    let cursors = &mut state.table.get_mut(bucket)?.cursors;
    if cursors.len() >= KEYVALUE_CURSORS {
        let message = format!("a bucket remembers {KEYVALUE_CURSORS} listings: open another one");
        return Ok(Err(Failure::Other(message)));
    }
    cursors.push(last);
    let number = u64::try_from(cursors.len()).unwrap_or(u64::MAX);
    Ok(Ok((keys, Some(number))))
}

impl atomics::Host for CallState {
    async fn increment(&mut self, _: Resource<Bucket>, key: String, delta: u64) -> Answer<u64> {
        let tell = |asked: &mut Arguments| {
            tell(asked, &key);
            asked.part("delta", &delta);
        };
        let work = gated!(
            self,
            KeyvalueIncrement,
            tell,
            self.storage.increment(key, |now: u64| now.checked_add(delta)).await,
            Failure::AccessDenied
        );
        told(work)
    }
}
