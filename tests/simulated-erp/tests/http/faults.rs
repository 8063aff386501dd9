use std::time::Duration;

use reqwest::{Method, StatusCode, redirect};
use serde_json::{Value, json};
use simulated_erp::{Damage, Fault, FaultRule, RetryAfter};

use crate::caller::{Caller, client_builder, new_customer, small};

const CUSTOMERS: &str = "/api/v2/customers?page=2&pageSize=10";

/// A caller whose next list of customers meets that fault.
async fn facing(fault: Fault) -> Caller {
    let caller = Caller::of(small()).await;
    caller.erp.inject(FaultRule::once_for("GET", "/api/v2/customers", fault)).unwrap();
    caller
}

/// What a list of customers would be without faults.
async fn right(caller: &Caller) -> Value {
    let (status, list) = caller.get(CUSTOMERS).await;
    assert_eq!(status, StatusCode::OK, "the fault is over");
    list
}

#[tokio::test]
async fn a_status_is_answered_so_many_times_and_then_the_truth() {
    let caller = Caller::of(small()).await;
    let rule = json!({
        "method": "GET", "pathPrefix": "/api/v2/customers", "queryContains": "page=2", "skip": 1, "times": 2,
        "fault": { "kind": "status", "status": 503 },
    });
    let (status, _) = caller.control(Method::POST, "/_control/faults", &rule).await;
    assert_eq!(status, StatusCode::CREATED);

    for expected in [200, 503, 503, 200] {
        assert_eq!(caller.get(CUSTOMERS).await.0, expected);
    }
    assert_eq!(caller.erp.counters().faults["status"], 2);
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_back_in_seconds_as_a_date_or_not_at_all() {
    for retry_after in [Some(RetryAfter::Seconds(3)), Some(RetryAfter::DateInSeconds(30)), None] {
        let caller = facing(Fault::TooManyRequests { retry_after }).await;
        let answer = caller.request(Method::GET, CUSTOMERS).send().await.unwrap();

        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        let said = answer.headers().get("retry-after").map(|value| value.to_str().unwrap());
        match retry_after {
            Some(RetryAfter::Seconds(_)) => assert_eq!(said, Some("3")),
            Some(RetryAfter::DateInSeconds(_)) => {
                assert!(said.unwrap().ends_with(" GMT"), "{said:?}");
            }
            None => assert_eq!(said, None),
        }
    }
}

#[tokio::test]
async fn an_injected_401_looks_like_an_expired_token() {
    let caller = facing(Fault::Unauthorized).await;

    let answer = caller.request(Method::GET, CUSTOMERS).send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key("www-authenticate"));
    right(&caller).await;
}

#[tokio::test]
async fn a_redirect_names_another_address() {
    let location = "http://169.254.169.254/latest".to_owned();
    let caller = facing(Fault::Redirect { location: location.clone() }).await;
    let http = client_builder().redirect(redirect::Policy::none()).build().unwrap();
    let request = caller.request(Method::GET, CUSTOMERS).build().unwrap();

    let answer = http.execute(request).await.unwrap();

    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.headers()["location"], location.as_str());
}

#[tokio::test]
async fn a_request_that_hangs_is_not_carried_out_and_one_that_hangs_afterwards_is() {
    for (fault, created) in [(Fault::Hang, 0), (Fault::HangAfterwards, 1)] {
        let caller = Caller::of(small()).await;
        let rule = FaultRule::once_for("POST", "/api/v2/customers", fault);
        caller.erp.inject(rule).unwrap();
        let request = caller.request(Method::POST, "/api/v2/customers");
        let hanging = tokio::spawn(request.json(&new_customer()).send());

        while caller.erp.counters().faults.is_empty() || caller.erp.customers().len() < 30 + created {
            tokio::task::yield_now().await;
        }

        assert!(!hanging.is_finished());
        hanging.abort();
        assert_eq!(caller.erp.customers().len(), 30 + created);
    }
}

#[tokio::test]
async fn a_server_with_a_hanging_request_still_shuts_down() {
    let caller = facing(Fault::Hang).await;
    let request = caller.request(Method::GET, CUSTOMERS);
    let hanging = tokio::spawn(request.send());
    while caller.erp.counters().faults.is_empty() {
        tokio::task::yield_now().await;
    }

    caller.erp.shutdown().await;

    assert_eq!(hanging.await.unwrap().unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_connection_that_drops_in_mid_body_sends_the_head_and_part_of_the_body() {
    let caller = facing(Fault::DropMidBody).await;

    let mut answer = caller.request(Method::GET, CUSTOMERS).send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::OK);
    let promised = usize::try_from(answer.content_length().unwrap()).unwrap();
    let mut arrived = 0;
    let error = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len(),
            Ok(None) => panic!("the body ended well"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(arrived, promised / 2);
    right(&caller).await;
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_was_carried_out() {
    let caller = Caller::of(small()).await;
    caller.erp.inject(FaultRule::once_for("POST", "/api/v2/customers", Fault::DropMidBody)).unwrap();
    let create = || {
        let request = caller.request(Method::POST, "/api/v2/customers");
        request.header("Idempotency-Key", "one").json(&new_customer()).send()
    };

    let lost = create().await.unwrap();
    assert!(lost.bytes().await.is_err());
    let repeated = create().await.unwrap();

    assert_eq!(repeated.headers()["idempotent-replayed"], "true");
    assert_eq!(caller.erp.customers().len(), 31);
}

#[tokio::test]
async fn truncated_json_arrives_whole_by_its_length_and_does_not_parse() {
    let caller = facing(Fault::TruncatedJson).await;

    let body = caller.request(Method::GET, CUSTOMERS).send().await.unwrap().bytes().await.unwrap();

    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert!(body.starts_with(b"{\"items\":[{"));
}

#[tokio::test]
async fn a_page_for_people_and_an_error_come_with_status_200() {
    let caller = facing(Fault::HtmlPage).await;
    let answer = caller.request(Method::GET, CUSTOMERS).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    let caller = facing(Fault::ErrorObject).await;
    let (status, body) = caller.get(CUSTOMERS).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["error"]["code"], "injected");
}

#[tokio::test]
async fn an_empty_page_keeps_its_total() {
    let caller = facing(Fault::EmptyPage).await;

    let (_, list) = caller.get(CUSTOMERS).await;

    assert_eq!(list, json!({ "items": [], "page": 2, "pageSize": 10, "pages": 3, "total": 30 }));
}

#[tokio::test]
async fn a_repeated_page_has_the_records_of_the_one_before() {
    let caller = facing(Fault::RepeatLastPage).await;

    let (_, list) = caller.get(CUSTOMERS).await;

    let (_, before) = caller.get("/api/v2/customers?page=1&pageSize=10").await;
    assert_eq!(list["items"], before["items"]);
    assert_eq!(list["page"], 2);
}

#[tokio::test]
async fn a_wrong_total_is_off_by_what_was_asked() {
    let caller = facing(Fault::WrongTotal { by: -4 }).await;

    let (_, list) = caller.get(CUSTOMERS).await;

    assert_eq!(list["total"], 26);
    assert_eq!(list["items"], right(&caller).await["items"]);
}

#[tokio::test]
async fn only_the_record_asked_for_is_spoiled() {
    for damage in [Damage::WrongTypes, Damage::MissingKey, Damage::NotAnObject] {
        let caller = facing(Fault::MalformedRecord { index: 3, damage }).await;
        let (_, mut list) = caller.get(CUSTOMERS).await;
        let mut right = right(&caller).await;
        let spoiled = list["items"][3].take();
        right["items"][3].take();

        assert_eq!(list, right, "{damage:?}");
        match damage {
            Damage::WrongTypes => {
                assert!(spoiled["customerNo"].is_string());
                assert!(spoiled["currency"].is_number());
            }
            Damage::MissingKey => {
                assert!(spoiled.is_object() && spoiled.get("customerNo").is_none());
            }
            Damage::NotAnObject => assert!(spoiled.is_string()),
        }
    }
}

#[tokio::test]
async fn a_body_that_trickles_arrives_whole() {
    let caller = facing(Fault::Trickle { chunk_bytes: 500, pause_ms: 1 }).await;

    let (_, list) = caller.get(CUSTOMERS).await;

    assert_eq!(list, right(&caller).await);
}

#[tokio::test]
async fn a_slow_answer_takes_at_least_its_time() {
    let caller = facing(Fault::Slow { ms: 120 }).await;
    let asked = std::time::Instant::now();

    assert_eq!(caller.get(CUSTOMERS).await.0, StatusCode::OK);

    assert!(Duration::from_millis(120) <= asked.elapsed());
}

#[tokio::test]
async fn the_token_endpoint_can_fail_too() {
    let caller = Caller::of(small()).await;
    caller.erp.inject(FaultRule::once_for("POST", "/oauth", Fault::Status { status: 500 })).unwrap();

    assert_eq!(caller.ask_for_token().send().await.unwrap().status(), 500);
    assert_eq!(caller.ask_for_token().send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn waiting_faults_are_listed_and_taken_back() {
    let caller = facing(Fault::Hang).await;

    let (_, waiting) = caller.control(Method::GET, "/_control/faults", &Value::Null).await;
    assert_eq!(waiting["items"][0]["fault"], json!({ "kind": "hang" }));

    caller.control(Method::DELETE, "/_control/faults", &Value::Null).await;
    right(&caller).await;
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let caller = Caller::of(small()).await;

    for rule in [
        json!({ "fault": { "kind": "status", "status": 200 } }),
        json!({ "fault": { "kind": "explode" } }),
        json!({ "fault": { "kind": "slow", "ms": 1, "seconds": 3 } }),
        json!({ "fault": { "kind": "slow", "ms": 600_001 } }),
        json!({ "fault": { "kind": "trickle", "chunkBytes": 0, "pauseMs": 1 } }),
        json!({ "times": 0, "fault": { "kind": "hang" } }),
        json!({ "method": "get", "fault": { "kind": "hang" } }),
        json!({ "path": "/api", "fault": { "kind": "hang" } }),
    ] {
        let (status, body) = caller.control(Method::POST, "/_control/faults", &rule).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{rule}");
        assert_eq!(body["error"]["code"], "bad_body");
    }
}
