//! Webhooks between the model and the contract. What comes from a plugin is checked on the way.

use mortise_model::connector::MAX_EXTERNAL_ID;
use mortise_model::webhook::{
    InboundAnswer, InboundRequest, MAX_WEBHOOK_ANSWER, MAX_WEBHOOK_CHANGES, NamedChange, WebhookResult,
};

use crate::CallError;
use crate::bindings::connector;
use crate::bindings::contract::types::{self, Content, NameValue};
use crate::bounds::{NAME, RECORD, cut};
use crate::trap::broken;

/// Headers of an answer.
const HEADERS: usize = 50;
/// Names and values of an answer's headers together, in bytes.
const HEADER_BYTES: usize = 16 << 10;
/// The far side's id of an event, in bytes.
const EVENT_ID: usize = 1_024;

/// What a plugin is handed.
pub(crate) fn request(request: InboundRequest) -> types::InboundRequest {
    types::InboundRequest {
        method: request.method,
        path: request.path,
        query: pairs(request.query),
        headers: pairs(request.headers),
        body: match String::from_utf8(request.body) {
            Ok(text) => Content::Text(text),
            Err(error) => Content::Bytes(error.into_bytes()),
        },
        received_at: request.received_at.to_string(),
    }
}

fn pairs(pairs: Vec<(String, String)>) -> Vec<NameValue> {
    pairs.into_iter().map(|(name, value)| NameValue { name, value }).collect()
}

/// What a plugin made of it.
pub(crate) fn result(result: connector::WebhookResult) -> Result<WebhookResult, CallError> {
    let answer = answer(result.answer)?;
    let found = result.changes.len();
    if found > MAX_WEBHOOK_CHANGES {
        return Err(broken(format!(
            "`handle-webhook` returned {found} changes, more than {MAX_WEBHOOK_CHANGES}"
        )));
    }
    if let Some(found) =
        result.event_id.as_ref().map(String::len).filter(|found| !(1..=EVENT_ID).contains(found))
    {
        return Err(broken(format!(
            "`handle-webhook` returned an event id of {found} bytes, not 1 to {EVENT_ID}"
        )));
    }
    let changes = result.changes.into_iter().map(change).collect::<Result<_, _>>()?;
    Ok(WebhookResult { answer, changes, event_id: result.event_id })
}

fn change(change: connector::Change) -> Result<NamedChange, CallError> {
    let found = change.external_id.len();
    if !(1..=MAX_EXTERNAL_ID).contains(&found) {
        return Err(broken(format!(
            "`handle-webhook` returned an external id of {found} bytes, not 1 to {MAX_EXTERNAL_ID}"
        )));
    }
    if let Some(found) = change.data.as_ref().map(String::len).filter(|found| *found > RECORD) {
        return Err(broken(format!(
            "`handle-webhook` returned a record of {found} bytes, more than {RECORD}"
        )));
    }
    Ok(NamedChange { entity: cut(change.entity, NAME), external_id: change.external_id, data: change.data })
}

fn answer(answer: types::InboundAnswer) -> Result<InboundAnswer, CallError> {
    let status = answer.status;
    if !(200..=599).contains(&status) {
        return Err(broken(format!("`handle-webhook` answered with the status {status}, not 200 to 599")));
    }
    let bytes: usize = answer.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if answer.headers.len() > HEADERS || bytes > HEADER_BYTES {
        return Err(broken(format!(
            "`handle-webhook` answered with {} headers of {bytes} bytes, more than {HEADERS} or {HEADER_BYTES} bytes",
            answer.headers.len()
        )));
    }
    let body = match answer.body {
        Content::Text(text) => text.into_bytes(),
        Content::Bytes(bytes) => bytes,
    };
    if body.len() > MAX_WEBHOOK_ANSWER {
        return Err(broken(format!(
            "`handle-webhook` answered with {} bytes, more than {MAX_WEBHOOK_ANSWER}",
            body.len()
        )));
    }
    let headers = answer.headers.into_iter().map(|header| (header.name, header.value)).collect();
    Ok(InboundAnswer { status, headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(change: impl FnOnce(&mut connector::WebhookResult)) -> Result<WebhookResult, CallError> {
        let answer =
            types::InboundAnswer { status: 200, headers: Vec::new(), body: Content::Text(String::new()) };
        let mut given = connector::WebhookResult { answer, changes: Vec::new(), event_id: None };
        change(&mut given);
        result(given)
    }

    fn named(external_id: &str) -> connector::Change {
        connector::Change { entity: "account".to_owned(), external_id: external_id.to_owned(), data: None }
    }

    #[test]
    fn what_a_plugin_makes_of_a_webhook_is_held_to_the_contract() {
        type Spoil = fn(&mut connector::WebhookResult);
        assert!(of(|_| ()).is_ok());
        let cases: [(Spoil, &str); 6] = [
            (|result| result.answer.status = 101, "the status 101, not 200 to 599"),
            (|result| result.answer.body = Content::Bytes(vec![0; MAX_WEBHOOK_ANSWER + 1]), "65537 bytes"),
            (|result| result.changes = vec![named("x"); MAX_WEBHOOK_CHANGES + 1], "1001 changes"),
            (|result| result.changes = vec![named("")], "an external id of 0 bytes"),
            (|result| result.event_id = Some(String::new()), "an event id of 0 bytes"),
            (
                |result| {
                    let header = NameValue { name: "x".to_owned(), value: "y".repeat(HEADER_BYTES) };
                    result.answer.headers = vec![header];
                },
                "1 headers of 16385 bytes",
            ),
        ];
        for (spoil, expected) in cases {
            let message = of(spoil).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_body_is_text_where_it_is_utf_8_and_bytes_where_not() {
        let with = |body: &[u8]| InboundRequest {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: body.to_vec(),
            received_at: mortise_model::clock::Timestamp::from_millis(0),
        };
        assert!(matches!(request(with("grün".as_bytes())).body, Content::Text(text) if text == "grün"));
        assert!(matches!(request(with(b"\xff")).body, Content::Bytes(bytes) if bytes == [0xff]));
    }
}
