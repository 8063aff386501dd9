//! The very batches that a run committed, replayed into an empty store by a bare loop.

use mortise_benches::Failure;
use mortise_benches::house::{Cost, measure, open_store};
use mortise_store::{Batch, Expect, Store as _, Write};

/// Commits the batches one after the other. What a worker's lease and the store's own versions have to do with is left
/// out: neither is there in an empty store.
pub(crate) async fn replay(batches: Vec<Batch>) -> Result<Cost, Failure> {
    let directory = tempfile::tempdir()?;
    let store = open_store(directory.path())?;
    let batches: Vec<Batch> = batches.into_iter().map(without_preconditions).collect();
    let measured = measure();
    for batch in batches {
        store.commit(batch).await?;
    }
    Ok(measured())
}

fn without_preconditions(mut batch: Batch) -> Batch {
    batch.writes.retain_mut(|write| match write {
        Write::Put { expect, .. } | Write::Delete { expect, .. } => {
            if *expect != Expect::Absent {
                *expect = Expect::Any;
            }
            true
        }
        _ => false,
    });
    batch
}
