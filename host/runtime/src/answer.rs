//! What plugins return, checked against the contract before anybody trusts it.

use std::collections::HashMap;

use mortise_model::connector::{
    Check, EntityOffer, MAX_CURSOR, MAX_EXTERNAL_ID, PullEnd, PulledRecord, PushResult,
};

use crate::bindings::connector;
use crate::bindings::contract::sink;
use crate::bounds::{CHECKS, ENTITIES, MESSAGE, NAME, RECORD, cut};
use crate::trap::broken;
use crate::{CallError, translate};

pub(crate) fn entities(entities: Vec<connector::Entity>) -> Result<Vec<EntityOffer>, CallError> {
    if entities.len() > ENTITIES {
        return Err(broken(format!("`entities` returned {} entities, more than {ENTITIES}", entities.len())));
    }
    let offer = |entity: connector::Entity| EntityOffer {
        name: cut(entity.name, NAME),
        pull: entity.pull,
        push: entity.push,
    };
    Ok(entities.into_iter().map(offer).collect())
}

pub(crate) fn checks(checks: Vec<connector::Check>) -> Result<Vec<Check>, CallError> {
    if checks.len() > CHECKS {
        return Err(broken(format!("`test` returned {} checks, more than {CHECKS}", checks.len())));
    }
    let check = |check: connector::Check| Check {
        name: cut(check.name, NAME),
        passed: check.passed,
        message: cut(check.message, MESSAGE),
    };
    Ok(checks.into_iter().map(check).collect())
}

pub(crate) fn pull_end(end: connector::PullEnd) -> Result<PullEnd, CallError> {
    match &end.bookmark {
        Some(bookmark) if bookmark.len() > MAX_CURSOR => Err(broken(format!(
            "`pull` returned a bookmark of {} bytes, more than {MAX_CURSOR}",
            bookmark.len()
        ))),
        _ => Ok(PullEnd { bookmark: end.bookmark }),
    }
}

pub(crate) fn pulled_one(record: Option<sink::PulledRecord>) -> Result<Option<PulledRecord>, CallError> {
    let Some(record) = record else { return Ok(None) };
    if !(1..=MAX_EXTERNAL_ID).contains(&record.external_id.len()) {
        return Err(broken(format!(
            "`pull-one` returned an external id of {} bytes, not 1 to {MAX_EXTERNAL_ID}",
            record.external_id.len()
        )));
    }
    if record.data.len() > RECORD {
        return Err(broken(format!(
            "`pull-one` returned a record of {} bytes, more than {RECORD}",
            record.data.len()
        )));
    }
    Ok(Some(translate::record(record)))
}

/// One result for each of `ids`, in their order.
pub(crate) fn push_results(
    ids: &[u64],
    results: Vec<connector::PushResult>,
) -> Result<Vec<PushResult>, CallError> {
    let mut outcomes: HashMap<u64, Option<connector::Outcome>> = ids.iter().map(|id| (*id, None)).collect();
    for result in results {
        let slot = result.id.parse().ok().and_then(|id: u64| outcomes.get_mut(&id));
        let slot = slot.ok_or_else(|| {
            broken(format!(
                "`push` returned a result for `{}`, which was not pushed",
                cut(result.id.clone(), NAME)
            ))
        })?;
        if slot.replace(result.outcome).is_some() {
            return Err(broken(format!("`push` returned two results for {}", cut(result.id, NAME))));
        }
    }
    let mut ordered = Vec::with_capacity(ids.len());
    for id in ids {
        let outcome = outcomes.get_mut(id).and_then(Option::take);
        let outcome = outcome.ok_or_else(|| broken(format!("`push` returned no result for {id}")))?;
        ordered.push(PushResult { id: *id, outcome: translate::outcome(outcome) });
    }
    Ok(ordered)
}
