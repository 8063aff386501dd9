//! Records that are as simple as can be, and pushes that end as they are told to.

use std::time::Duration;

use mortise_sdk::prelude::*;
use mortise_sdk::{sink, storage};
use serde::Deserialize;
use serde_json::json;

/// Commits numbered records, a page after the other. The cursor is the number of the last one committed.
///
/// The storage keeps how many pages were committed, as `pages/{entity}`. The last page of invoices holds one deletion
/// and one failure beside its records.
pub(crate) fn pull(request: &PullRequest, records: u32, sink: &Sink) -> Result<PullEnd> {
    let mut done: u32 = request.read_cursor()?.unwrap_or(0);
    let pages_key = format!("pages/{}", request.entity);
    while done < records {
        let last = records.min(done.saturating_add(request.page_size.max(1)));
        let mut page = Page::before(&last)?.reported_total(records);
        for number in done + 1..=last {
            page.record(format!("E-{number}"), &json!({ "name": format!("Record {number}") }));
        }
        if last == records && request.entity == "invoice" {
            page.deleted("E-0");
            let error = Error::rejected("/name", "required", "the far side has no name for it");
            page.failure(Some("E-bad".to_owned()), error, Some(json!({ "no": "E-bad" }).to_string()));
        }
        let pages: u32 = storage::get(&pages_key)?.unwrap_or(0);
        storage::set(&pages_key, &(pages + 1))?;
        let receipt = sink.commit(page)?;
        info!("committed up to {last}", created = receipt.created, unchanged = receipt.unchanged);
        done = last;
    }
    PullEnd::at(&done)
}

/// Knows every id but `missing`.
pub(crate) fn pull_one(external_id: &str) -> Result<Option<PulledRecord>> {
    match external_id {
        "missing" => Ok(None),
        "gone" => Ok(Some(sink::deleted(external_id))),
        _ => sink::pulled(external_id, &json!({ "name": format!("Record {external_id}") })).map(Some),
    }
}

/// Ends as the record's `name` says: one of the contract's errors, `skipped`, or stored.
pub(crate) fn push_one(item: &PushItem) -> Result<Outcome> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        name: String,
    }
    let told = item.idempotency_key.clone();
    match item.read::<Named>()?.name.as_str() {
        "skipped" => Ok(Outcome::skipped("as told")),
        "retryable" => Err(Error::retryable_after(Duration::from_millis(1_500), "as told")),
        "rejected" => Err(Error::rejected("/name", "as-told", "as told")),
        "unauthorized" => Err(Error::Unauthorized("as told".to_owned())),
        "not-found" => Err(Error::NotFound("as told".to_owned())),
        "conflict" => Err(Error::Conflict("as told".to_owned())),
        "denied" => Err(Error::Denied("as told".to_owned())),
        "quota" => Err(Error::Quota("as told".to_owned())),
        "unsupported" => Err(Error::unsupported("as told")),
        "failed" => Err(Error::failed_with_answer("as-told", "as told", "418\nteapot")),
        "other" => Err(Error::Other("as told".to_owned())),
        _ => Ok(match (&item.operation, &item.external_id) {
            (Operation::Create, _) => Outcome::stored_with_note(format!("X-{}", item.id), told),
            (Operation::Update | Operation::Delete, Some(external_id)) => {
                Outcome::stored_with_note(external_id, told)
            }
            (Operation::Update | Operation::Delete, None) => {
                return Err(Error::failed("no-external-id", "a known record has no external id"));
            }
        }),
    }
}
