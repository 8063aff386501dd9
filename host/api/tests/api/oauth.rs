//! Tokens: every row of the table of errors, scopes, expiry, revocation.

use std::time::Duration;

use serde_json::json;

use crate::call::{Answer, Call};
use crate::host::{Client, Host};

const GRANT: &str = "grant_type=client_credentials";

async fn take(host: &Host, client: &Client, form: &str) -> Answer {
    host.send(Call::new("POST", "/oauth/token").basic(&client.id, &client.secret).form(form)).await
}

async fn read_accounts(host: &Host, authorization: &str) -> Answer {
    let call = Call::new("GET", "/api/accounts").header("x-api-version", "3.0");
    host.send(call.header("authorization", authorization)).await
}

#[tokio::test]
async fn a_client_takes_a_token_and_calls_with_it() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp"})).await;
    let answer = take(&host, &client, GRANT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((answer.at("/token_type"), answer.at("/expires_in")), (json!("Bearer"), json!(3600)));
    let token = answer.text_at("/access_token");
    assert_eq!(read_accounts(&host, &format!("bearer {token}")).await.status, 200);
}

#[tokio::test]
async fn every_mistake_at_the_token_endpoint_has_the_answer_of_the_standard() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp", "scopes": ["accounts:read"]})).await;
    for (form, error) in [
        ("", "invalid_request"),
        ("scope=accounts:read", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=nonsense", "invalid_scope"),
        ("grant_type=client_credentials&scope=accounts:write", "invalid_scope"),
    ] {
        let answer = take(&host, &client, form).await;
        assert_eq!((answer.status, answer.text_at("/error").as_str()), (400, error), "{form}");
        assert_eq!(answer.header("cache-control"), "no-store", "{form}");
    }
    let in_body = format!("{GRANT}&client_id={}&client_secret={}", client.id, client.secret);
    let endpoint = || Call::new("POST", "/oauth/token");
    for call in [
        endpoint().form(&in_body),
        endpoint().form(GRANT),
        endpoint().basic(&client.id, "wrong").form(GRANT),
        endpoint().basic("cli_unknown", &client.secret).form(GRANT),
        endpoint().header("authorization", "Basic !").form(GRANT),
        endpoint().header("authorization", &format!("Bearer {}", client.secret)).form(GRANT),
    ] {
        let answer = host.send(call).await;
        assert_eq!((answer.status, answer.text_at("/error").as_str()), (401, "invalid_client"));
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
    let json =
        endpoint().basic(&client.id, &client.secret).json(&json!({"grant_type": "client_credentials"}));
    assert_eq!(host.send(json).await.text_at("/error"), "invalid_request");
}

#[tokio::test]
async fn a_token_may_be_narrower_than_its_client() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp"})).await;
    let answer = take(&host, &client, &format!("{GRANT}&scope=invoices:read")).await;
    assert_eq!(answer.at("/scope"), "invoices:read");
    let refused = read_accounts(&host, &format!("Bearer {}", answer.text_at("/access_token"))).await;
    assert_eq!(refused.problem(), (403, "insufficient-scope".to_owned()));
    assert!(
        refused.header("www-authenticate").contains(r#"error="insufficient_scope", scope="accounts:read""#)
    );
}

#[tokio::test]
async fn a_token_stops_working_when_its_time_is_over() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp"})).await;
    let bearer = format!("Bearer {}", take(&host, &client, GRANT).await.text_at("/access_token"));
    host.clock.advance(Duration::from_secs(3_599));
    assert_eq!(read_accounts(&host, &bearer).await.status, 200);
    host.clock.advance(Duration::from_secs(1));
    let refused = read_accounts(&host, &bearer).await;
    assert_eq!(refused.problem(), (401, "invalid-token".to_owned()));
    assert!(refused.header("www-authenticate").contains(r#"error="invalid_token""#));
}

#[tokio::test]
async fn a_token_stops_working_when_it_is_revoked_or_its_client_is_removed() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp"})).await;
    let other = host.client("acme", &json!({"name": "other"})).await;
    let (first, second) = (take(&host, &client, GRANT).await, take(&host, &client, GRANT).await);
    let (first, second) = (first.text_at("/access_token"), second.text_at("/access_token"));
    let revoke = |client: &Client| {
        Call::new("POST", "/oauth/revoke").basic(&client.id, &client.secret).form(&format!("token={first}"))
    };
    assert_eq!(host.send(revoke(&other)).await.status, 200);
    assert_eq!(read_accounts(&host, &format!("Bearer {first}")).await.status, 200, "it is another client's");
    assert_eq!(host.send(revoke(&client)).await.status, 200);
    assert_eq!(read_accounts(&host, &format!("Bearer {first}")).await.status, 401);
    assert_eq!(read_accounts(&host, &format!("Bearer {second}")).await.status, 200);
    let remove = format!("/manage/tenants/acme/clients/{}", client.id);
    assert_eq!(host.send(host.operate("DELETE", &remove)).await.status, 204);
    assert_eq!(read_accounts(&host, &format!("Bearer {second}")).await.status, 401);
}

#[tokio::test]
async fn guessing_a_secret_is_slowed_down() {
    let host = Host::start().await;
    host.tenant("acme").await;
    let client = host.client("acme", &json!({"name": "erp"})).await;
    let guess = || Call::new("POST", "/oauth/token").basic(&client.id, "guess").form(GRANT);
    for _ in 0..10 {
        assert_eq!(host.send(guess()).await.status, 401);
    }
    let refused = host.send(guess()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
    host.clock.advance(Duration::from_mins(1));
    assert_eq!(take(&host, &client, GRANT).await.status, 200);
}
