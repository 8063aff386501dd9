use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use simulated_erp::Config;

use crate::caller::{Caller, small};

#[tokio::test]
async fn a_token_opens_the_interface_and_tells_whose_it_is() {
    let caller = Caller::of(small()).await;

    let (status, body) = caller.get("/api/v2/ping").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["account"], "Brindle & Daughters Joinery");
}

#[tokio::test]
async fn a_token_answer_says_how_long_the_token_lives() {
    let caller = Caller::of(small()).await;

    let (_, body) = caller.send(caller.ask_for_token()).await;

    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3_600);
}

#[tokio::test]
async fn nothing_below_api_answers_without_a_token() {
    let caller = Caller::of(small()).await;

    for path in ["/api/v2/ping", "/api/v2/customers", "/api/v2/invoices/INV-000001"] {
        let answer = caller.http.get(caller.url(path)).send().await.unwrap();

        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"brindle-ledger\"");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "token_missing");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_until_another_is_asked_for() {
    let mut caller = Caller::of(small()).await;
    caller.erp.expire_tokens();

    let answer = caller.request(Method::GET, "/api/v2/ping").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");

    caller.renew_token().await;
    assert_eq!(caller.get("/api/v2/ping").await.0, StatusCode::OK);
    assert_eq!(caller.erp.counters().tokens_issued, 2);
}

#[tokio::test]
async fn a_token_without_lifetime_is_expired_when_it_arrives() {
    let config = Config { token_lifetime: Duration::ZERO, ..small() };
    let caller = Caller::of(config).await;

    assert_eq!(caller.get("/api/v2/ping").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_of_three_uses_expires_at_the_fourth_request() {
    let config = Config { token_uses: Some(3), ..small() };
    let caller = Caller::of(config).await;

    for expected in [200, 200, 200, 401, 401] {
        assert_eq!(caller.get("/api/v2/ping").await.0, expected);
    }
}

#[tokio::test]
async fn wrong_client_credentials_and_grants_are_refused_as_oauth_says() {
    let caller = Caller::of(small()).await;
    let url = caller.url("/oauth/token");
    let form = [("grant_type", "client_credentials")];
    let wrong_secret = caller.http.post(&url).basic_auth("brindle-demo", Some("guess")).form(&form);
    let no_client = caller.http.post(&url).form(&form);
    let wrong_grant = caller.ask_for_token().form(&[("grant_type", "password")]);
    let no_grant = caller.ask_for_token().form(&[("scope", "all")]);

    for (request, status, error) in [
        (wrong_secret, StatusCode::UNAUTHORIZED, "invalid_client"),
        (no_client, StatusCode::UNAUTHORIZED, "invalid_client"),
        (wrong_grant, StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        (no_grant, StatusCode::BAD_REQUEST, "invalid_request"),
    ] {
        let (answered, body) = caller.send(request).await;
        assert_eq!((answered, &body["error"]), (status, &Value::from(error)));
    }
    assert_eq!(caller.erp.counters().tokens_issued, 1);
}
