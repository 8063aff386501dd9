//! Credentials that need a token first.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get as on_get, post};
use axum::{Form, Json, Router};
use mortise_egress::{Delivery, Egress, EgressClient, EgressErrorKind, Request};
use mortise_model::clock::ManualClock;
use mortise_model::manifest::{ClientAuthentication, CredentialScheme};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::far_side::{Log, Secrets, clock, config, get_as_erp, scope_with, serve};

/// A far side with a token endpoint: it takes the newest token only.
struct Issuer {
    log: Log,
    answers: Mutex<Vec<(StatusCode, Value)>>,
    valid: Mutex<String>,
    /// How many refusals wait for each other, so that all meet the same old token.
    refusals: Option<Barrier>,
    /// Token requests wait for this, where it is set.
    hold: Option<Hold>,
}

#[derive(Default)]
struct Hold {
    arrived: Notify,
    go: Notify,
}

impl Issuer {
    /// An issuer that gives these answers in turn.
    fn new(log: &Log, answers: Vec<(StatusCode, Value)>) -> Self {
        let answers = Mutex::new(answers.into_iter().rev().collect());
        Self { log: log.clone(), answers, valid: Mutex::default(), refusals: None, hold: None }
    }

    async fn serve(self) -> (SocketAddr, Arc<Self>) {
        let issuer = Arc::new(self);
        let router = Router::new().route("/token", post(issue)).route("/data", on_get(data));
        let router = router.route("/never", on_get(|| async { StatusCode::UNAUTHORIZED }));
        (serve(router.with_state(issuer.clone())).await, issuer)
    }

    fn token_requests(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.starts_with("token")).count()
    }

    fn write(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }
}

async fn issue(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    issuer.write(format!(
        "token {} {} {} {} {authorization}",
        field("grant_type"),
        field("refresh_token"),
        field("client_id"),
        field("client_secret"),
    ));
    if let Some(hold) = &issuer.hold {
        hold.arrived.notify_one();
        hold.go.notified().await;
    }
    let Some((status, body)) = issuer.answers.lock().unwrap().pop() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no more answers").into_response();
    };
    if let Some(token) = body["access_token"].as_str() {
        token.clone_into(&mut issuer.valid.lock().unwrap());
    }
    (status, Json(body)).into_response()
}

async fn data(State(issuer): State<Arc<Issuer>>, headers: HeaderMap) -> Response {
    let given = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    if given == format!("Bearer {}", issuer.valid.lock().unwrap()) {
        issuer.write(format!("data {given}"));
        return "data".into_response();
    }
    if let Some(refusals) = &issuer.refusals {
        refusals.wait().await;
    }
    StatusCode::UNAUTHORIZED.into_response()
}

fn token(name: &str) -> (StatusCode, Value) {
    (StatusCode::OK, json!({"access_token": name, "token_type": "Bearer", "expires_in": 100}))
}

fn client_credentials(server: SocketAddr, authentication: ClientAuthentication) -> CredentialScheme {
    CredentialScheme::ClientCredentials {
        token_url: format!("http://{server}/token"),
        client_id: "the client".to_owned(),
        client_secret: "secret".to_owned(),
        scope: None,
        authentication,
    }
}

fn refresh_token(server: SocketAddr) -> CredentialScheme {
    CredentialScheme::RefreshToken {
        token_url: format!("http://{server}/token"),
        client_id: "app".to_owned(),
        client_secret: None,
        refresh_token_secret: "refresh".to_owned(),
        authentication: ClientAuthentication::Body,
    }
}

fn egress_at(clock: &Arc<ManualClock>) -> Egress {
    Egress::new(config(), clock.clone()).unwrap()
}

fn client_of(server: SocketAddr, secrets: &Arc<Secrets>) -> EgressClient {
    let scheme = client_credentials(server, ClientAuthentication::Body);
    egress_at(&clock()).client(scope_with(server, scheme, secrets.clone()))
}

fn data_of(server: SocketAddr) -> Request {
    get_as_erp(format!("http://{server}/data"))
}

#[tokio::test]
async fn many_requests_share_one_token_and_one_refresh_after_it_is_taken_back() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let mut issuer = Issuer::new(&secrets.log, vec![token("t1"), token("t2")]);
    issuer.refusals = Some(Barrier::new(20));
    let (server, issuer) = issuer.serve().await;
    let client = client_of(server, &secrets);
    for token_requests in [1, 2] {
        let requests = (0..20).map(|_| client.send(data_of(server)));
        for response in futures::future::join_all(requests).await {
            assert_eq!(response.unwrap().body, "data");
        }
        assert_eq!(issuer.token_requests(), token_requests);
        "taken back".clone_into(&mut issuer.valid.lock().unwrap());
    }
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let (server, issuer) = Issuer::new(&secrets.log, vec![token("t1"), token("t2")]).serve().await;
    let client = client_of(server, &secrets);
    let mut request = data_of(server);
    request.url = format!("http://{server}/never");
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status, 401);
    assert_eq!(issuer.token_requests(), 2);
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_expires() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let (server, issuer) = Issuer::new(&secrets.log, vec![token("t1"), token("t2")]).serve().await;
    let clock = clock();
    let scheme = client_credentials(server, ClientAuthentication::Body);
    let client = egress_at(&clock).client(scope_with(server, scheme, secrets));
    for (advance, token_requests) in [(0, 1), (89, 1), (2, 2), (80, 2)] {
        clock.advance(Duration::from_secs(advance));
        assert_eq!(client.send(data_of(server)).await.unwrap().body, "data");
        assert_eq!(issuer.token_requests(), token_requests);
    }
}

#[tokio::test]
async fn a_client_authenticates_in_the_header_or_in_the_body() {
    for (authentication, expected) in [
        (ClientAuthentication::Body, "token client_credentials  the client p&q "),
        // Base64 of `the+client:p%26q`: both are form-encoded first.
        (ClientAuthentication::Basic, "token client_credentials    Basic dGhlK2NsaWVudDpwJTI2cQ=="),
    ] {
        let secrets = Secrets::new(&[("secret", "p&q")]);
        let (server, issuer) = Issuer::new(&secrets.log, vec![token("t1")]).serve().await;
        let scheme = client_credentials(server, authentication);
        let client = egress_at(&clock()).client(scope_with(server, scheme, secrets));
        client.send(data_of(server)).await.unwrap();
        assert_eq!(issuer.log.lock().unwrap()[0], expected);
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_before_the_access_token_is_used() {
    let secrets = Secrets::new(&[("refresh", "r1")]);
    let answer = |access: &str, refresh: &str| {
        (StatusCode::OK, json!({"access_token": access, "refresh_token": refresh, "expires_in": 100}))
    };
    let (server, issuer) =
        Issuer::new(&secrets.log, vec![answer("a1", "r2"), answer("a2", "r3")]).serve().await;
    let client = egress_at(&clock()).client(scope_with(server, refresh_token(server), secrets));
    client.send(data_of(server)).await.unwrap();
    client.send(data_of(server)).await.unwrap();
    "taken back".clone_into(&mut issuer.valid.lock().unwrap());
    client.send(data_of(server)).await.unwrap();
    assert_eq!(
        *issuer.log.lock().unwrap(),
        [
            "token refresh_token r1 app  ",
            "stored r2",
            "data Bearer a1",
            "data Bearer a1",
            "token refresh_token r2 app  ",
            "stored r3",
            "data Bearer a2",
        ]
    );
}

#[tokio::test]
async fn a_cancelled_request_does_not_lose_a_rotated_refresh_token() {
    let secrets = Secrets::new(&[("refresh", "r1")]);
    let answer = (StatusCode::OK, json!({"access_token": "a1", "refresh_token": "r2"}));
    let mut issuer = Issuer::new(&secrets.log, vec![answer]);
    issuer.hold = Some(Hold::default());
    let (server, issuer) = issuer.serve().await;
    let egress = egress_at(&clock());
    let scope = scope_with(server, refresh_token(server), secrets);
    let doomed = egress.client(scope.clone());
    let hold = issuer.hold.as_ref().unwrap();
    tokio::select! {
        outcome = doomed.send(data_of(server)) => panic!("the token endpoint did not answer yet: {outcome:?}"),
        () = hold.arrived.notified() => {}
    }
    hold.go.notify_one();
    assert_eq!(egress.client(scope).send(data_of(server)).await.unwrap().body, "data");
    assert_eq!(issuer.log.lock().unwrap()[1..], ["stored r2", "data Bearer a1"]);
}

#[tokio::test]
async fn a_refused_credential_is_asked_for_once_and_named_with_its_code() {
    let secrets = Secrets::new(&[("secret", "s3cret")]);
    let refused = (StatusCode::BAD_REQUEST, json!({"error": "invalid_client"}));
    let (server, issuer) = Issuer::new(&secrets.log, vec![refused]).serve().await;
    let client = client_of(server, &secrets);
    let requests = (0..10).map(|_| client.send(data_of(server)));
    for outcome in futures::future::join_all(requests).await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Unauthorized, Delivery::NotSent));
        assert!(error.message.contains("`invalid_client`"), "{}", error.message);
        assert!(!error.message.contains("s3cret"));
    }
    assert_eq!(issuer.token_requests(), 1);
}

#[tokio::test]
async fn a_new_secret_gets_a_new_token() {
    let secrets = Secrets::new(&[("secret", "old")]);
    let (server, issuer) = Issuer::new(&secrets.log, vec![token("t1"), token("t2")]).serve().await;
    let client = client_of(server, &secrets);
    client.send(data_of(server)).await.unwrap();
    secrets.set("secret", "new");
    client.send(data_of(server)).await.unwrap();
    assert_eq!(issuer.token_requests(), 2);
    assert!(issuer.log.lock().unwrap()[2].contains("the client new"));
}

#[tokio::test]
async fn the_token_endpoint_must_be_among_the_credentials_hosts_and_granted() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let (tokens, _issuer) = Issuer::new(&secrets.log, vec![token("t1")]).serve().await;
    let data = crate::far_side::serve_echo().await;
    let scheme = client_credentials(tokens, ClientAuthentication::Body);
    let mut scope = scope_with(data, scheme, secrets.clone());
    let egress = egress_at(&clock());
    let error = egress.client(scope.clone()).send(data_of(data)).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Denied, Delivery::NotSent));
    assert!(error.message.contains(&tokens.to_string()), "{}", error.message);
    assert!(secrets.log.lock().unwrap().is_empty(), "nothing was sent");

    let mut credential = scope.credentials[0].clone();
    credential.hosts.push(tokens.to_string().parse().unwrap());
    scope.credentials = Arc::new([credential]);
    scope.instance = mortise_model::id::InstanceId::new();
    let error = egress.client(scope.clone()).send(data_of(data)).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Denied, Delivery::NotSent));
    assert!(error.message.contains(&format!("grant the host `{tokens}`")), "{}", error.message);
    assert!(secrets.log.lock().unwrap().is_empty(), "nothing was sent");

    // To say which methods the plugin may use says nothing of the host's own token request.
    let hosts = [data, tokens].map(|server| server.to_string().parse().unwrap()).into();
    let methods = ["GET".to_owned()].into();
    scope.permissions = Arc::new(mortise_model::plugin::Permissions { hosts, methods, ..Default::default() });
    scope.instance = mortise_model::id::InstanceId::new();
    let response = egress.client(scope).send(data_of(data)).await.unwrap();
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(text.contains("authorization: Bearer t1"), "{text}");
}

#[tokio::test]
async fn a_token_endpoint_inside_is_denied() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let data = crate::far_side::serve_echo().await;
    let inside: SocketAddr = "10.0.0.1:80".parse().unwrap();
    let scheme = client_credentials(inside, ClientAuthentication::Body);
    let mut scope = scope_with(data, scheme, secrets);
    let mut credential = scope.credentials[0].clone();
    credential.hosts.push("10.0.0.1".parse().unwrap());
    scope.credentials = Arc::new([credential]);
    let hosts = [data.to_string(), "10.0.0.1".to_owned()].map(|host| host.parse().unwrap()).into();
    scope.permissions = Arc::new(mortise_model::plugin::Permissions { hosts, ..Default::default() });
    let error = egress_at(&clock()).client(scope).send(data_of(data)).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::ForbiddenAddress, Delivery::NotSent));
    assert!(error.message.contains("private address"), "{}", error.message);
}

#[tokio::test]
async fn token_requests_cost_the_plugin_nothing() {
    let secrets = Secrets::new(&[("secret", "s")]);
    let (server, _issuer) = Issuer::new(&secrets.log, vec![token("t1")]).serve().await;
    let scheme = client_credentials(server, ClientAuthentication::Body);
    let mut scope = scope_with(server, scheme, secrets);
    scope.budget = mortise_egress::EgressBudget { requests: 1, bytes: 4 };
    let client = egress_at(&clock()).client(scope);
    assert_eq!(client.send(data_of(server)).await.unwrap().body, "data");
}
