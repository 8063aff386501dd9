//! Requests that are sent twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::call::Call;
use crate::host::Host;

fn create(host: &Host, key: &str, idempotency: &str, body: &Value) -> Call {
    host.platform(key, "POST", "/api/accounts").header("idempotency-key", idempotency).json(body)
}

async fn count(host: &Host, key: &str) -> usize {
    host.send(host.platform(key, "GET", "/api/accounts")).await.json().as_array().unwrap().len()
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_the_same_and_done_once() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let body = json!({"name": "A", "code": "A-1"});
    let first = host.send(create(&host, &acme, "k-1", &body)).await;
    let again = host.send(create(&host, &acme, "k-1", &body)).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.json(), first.json());
    for header in ["location", "etag"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(count(&host, &acme).await, 1);
}

#[tokio::test]
async fn requests_under_one_key_at_the_same_time_are_done_once() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let body = json!({"name": "A"});
    let calls = (0..8).map(|_| host.send(create(&host, &acme, "k-1", &body)));
    let answers = futures::future::join_all(calls).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.at("/id")), (201, answers[0].at("/id")), "{answer:?}");
    }
    assert_eq!(count(&host, &acme).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let second = host.key("acme", &json!({"name": "second"})).await;
    assert_eq!(host.send(create(&host, &acme, "k-1", &json!({"name": "A"}))).await.status, 201);
    let other = host.send(create(&host, &acme, "k-1", &json!({"name": "B"}))).await;
    assert_eq!(other.problem(), (422, "idempotency-key-reused".to_owned()));
    assert_eq!(host.send(create(&host, &second, "k-1", &json!({"name": "C"}))).await.status, 201);
    assert_eq!(count(&host, &acme).await, 2);
}

#[tokio::test]
async fn a_key_may_be_used_again_after_a_day_or_when_nothing_was_done() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    assert_eq!(host.send(create(&host, &acme, "k-1", &json!({"name": ""}))).await.status, 422);
    assert_eq!(host.send(create(&host, &acme, "k-1", &json!({"name": "A"}))).await.status, 201);
    host.clock.advance(Duration::from_hours(24));
    assert_eq!(host.send(create(&host, &acme, "k-1", &json!({"name": "B"}))).await.status, 201);
    assert_eq!(count(&host, &acme).await, 2);
    for key in ["", "two words", &"x".repeat(256)] {
        let answer = host.send(create(&host, &acme, key, &json!({"name": "C"}))).await;
        assert_eq!(answer.problem(), (400, "header.invalid".to_owned()), "{key}");
    }
}
