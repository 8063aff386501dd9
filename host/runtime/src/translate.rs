//! Between the contract's types and the model's. What comes from a plugin is cut to size on the way.

use mortise_model::connector as model;
use mortise_model::error::{FieldError, PluginError};

use crate::bindings::connector;
use crate::bindings::contract::{sink, types};
use crate::bounds::{ANSWER, CODE, FAILURE_DATA, FIELD_ERRORS, MESSAGE, POINTER, cut};

/// The contract's `failed`.
pub(crate) fn fault(code: &str, message: String) -> types::Error {
    types::Error::Failed(types::Fault { code: code.to_owned(), message, answer: None })
}

/// A plugin's error.
pub(crate) fn error_in(error: types::Error) -> PluginError {
    let message = |text| cut(text, MESSAGE);
    match error {
        types::Error::Retryable(retry) => {
            PluginError::Retryable { after_ms: retry.after_ms, message: message(retry.message) }
        }
        types::Error::Rejected(errors) => {
            PluginError::Rejected { errors: errors.into_iter().take(FIELD_ERRORS).map(field_in).collect() }
        }
        types::Error::Unauthorized(text) => PluginError::Unauthorized { message: message(text) },
        types::Error::NotFound(text) => PluginError::NotFound { message: message(text) },
        types::Error::Conflict(text) => PluginError::Conflict { message: message(text) },
        types::Error::Denied(text) => PluginError::Denied { message: message(text) },
        types::Error::Quota(text) => PluginError::Quota { message: message(text) },
        types::Error::Unsupported(text) => PluginError::Unsupported { message: message(text) },
        types::Error::Failed(fault) => PluginError::Failed {
            code: cut(fault.code, CODE),
            message: message(fault.message),
            answer: fault.answer.map(|answer| cut(answer, ANSWER)),
        },
        types::Error::Other(text) => PluginError::Other { message: message(text) },
    }
}

/// The host's error, for a plugin.
pub(crate) fn error_out(error: PluginError) -> types::Error {
    match error {
        PluginError::Retryable { after_ms, message } => {
            types::Error::Retryable(types::Retry { after_ms, message })
        }
        PluginError::Rejected { errors } => {
            types::Error::Rejected(errors.into_iter().map(field_out).collect())
        }
        PluginError::Unauthorized { message } => types::Error::Unauthorized(message),
        PluginError::NotFound { message } => types::Error::NotFound(message),
        PluginError::Conflict { message } => types::Error::Conflict(message),
        PluginError::Denied { message } => types::Error::Denied(message),
        PluginError::Quota { message } => types::Error::Quota(message),
        PluginError::Unsupported { message } => types::Error::Unsupported(message),
        PluginError::Failed { code, message, answer } => {
            types::Error::Failed(types::Fault { code, message, answer })
        }
        PluginError::Other { message } => types::Error::Other(message),
    }
}

fn field_in(error: types::FieldError) -> FieldError {
    FieldError::new(cut(error.pointer, POINTER), cut(error.code, CODE), cut(error.message, POINTER))
}

fn field_out(error: FieldError) -> types::FieldError {
    types::FieldError { pointer: error.pointer, code: error.code, message: error.message }
}

/// A record of the far side.
pub(crate) fn record(record: sink::PulledRecord) -> model::PulledRecord {
    let data = (!record.deleted).then_some(record.data);
    model::PulledRecord { external_id: record.external_id, data }
}

/// A page whose sizes were checked.
pub(crate) fn page(page: sink::Page) -> model::Page {
    let failure = |failure: sink::RecordFailure| model::RecordFailure {
        external_id: failure.external_id.map(|id| cut(id, model::MAX_EXTERNAL_ID)),
        error: error_in(failure.error),
        data: failure.data.map(|data| cut(data, FAILURE_DATA)),
    };
    model::Page {
        records: page.records.into_iter().map(record).collect(),
        failures: page.failures.into_iter().map(failure).collect(),
        next_cursor: page.next_cursor,
        reported_total: page.reported_total,
    }
}

/// What became of a page.
pub(crate) fn receipt(receipt: model::Receipt) -> sink::Receipt {
    let refusal = |refusal: model::Refusal| sink::Refusal {
        external_id: refusal.external_id,
        errors: refusal.errors.into_iter().map(field_out).collect(),
    };
    sink::Receipt {
        created: receipt.created,
        updated: receipt.updated,
        unchanged: receipt.unchanged,
        deleted: receipt.deleted,
        refused: receipt.refused.into_iter().map(refusal).collect(),
    }
}

/// What to pull.
pub(crate) fn pull_request(request: model::PullRequest) -> connector::PullRequest {
    connector::PullRequest {
        entity: request.entity.name().to_owned(),
        bookmark: request.bookmark,
        cursor: request.cursor,
        page_size: request.page_size,
    }
}

/// A record to push.
pub(crate) fn push_item(item: model::PushItem) -> connector::PushItem {
    connector::PushItem {
        idempotency_key: item.idempotency_key,
        attempt: item.attempt,
        operation: match item.operation {
            model::Operation::Create => connector::Operation::Create,
            model::Operation::Update => connector::Operation::Update,
            model::Operation::Delete => connector::Operation::Delete,
        },
        id: item.id.to_string(),
        external_id: item.external_id,
        data: item.data,
    }
}

/// What became of a pushed record.
pub(crate) fn outcome(outcome: connector::Outcome) -> model::Outcome {
    match outcome {
        connector::Outcome::Stored(stored)
            if (1..=model::MAX_EXTERNAL_ID).contains(&stored.external_id.len()) =>
        {
            model::Outcome::Stored { external_id: stored.external_id, note: cut(stored.note, MESSAGE) }
        }
        // The others of the batch are not to blame.
        connector::Outcome::Stored(stored) => model::Outcome::Failed(PluginError::failed(
            "external-id-length",
            format!(
                "the plugin stored the record under an id of {} bytes, not 1 to {}",
                stored.external_id.len(),
                model::MAX_EXTERNAL_ID
            ),
        )),
        connector::Outcome::Skipped(reason) => model::Outcome::Skipped(cut(reason, MESSAGE)),
        connector::Outcome::Failed(error) => model::Outcome::Failed(error_in(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_an_error_comes_back_as_it_was() {
        let text = || "text".to_owned();
        let field = FieldError::new("/name", "required", "is missing");
        for error in [
            PluginError::Retryable { after_ms: Some(5), message: text() },
            PluginError::Rejected { errors: vec![field] },
            PluginError::Unauthorized { message: text() },
            PluginError::NotFound { message: text() },
            PluginError::Conflict { message: text() },
            PluginError::Denied { message: text() },
            PluginError::Quota { message: text() },
            PluginError::Unsupported { message: text() },
            PluginError::Failed { code: text(), message: text(), answer: Some(text()) },
            PluginError::Other { message: text() },
        ] {
            assert_eq!(error_in(error_out(error.clone())), error);
        }
    }

    #[test]
    fn what_a_plugin_says_is_cut_to_size() {
        let long = || "x".repeat(1 << 20);
        let PluginError::Failed { code, message, answer: Some(answer) } =
            error_in(types::Error::Failed(types::Fault {
                code: long(),
                message: long(),
                answer: Some(long()),
            }))
        else {
            panic!("another case")
        };
        assert_eq!((code.len(), message.len(), answer.len()), (CODE, MESSAGE, ANSWER));
        let field =
            || types::FieldError { pointer: String::new(), code: String::new(), message: String::new() };
        let errors = (0..1_000).map(|_| field()).collect();
        let PluginError::Rejected { errors } = error_in(types::Error::Rejected(errors)) else {
            panic!("another case")
        };
        assert_eq!(errors.len(), FIELD_ERRORS);
    }
}
