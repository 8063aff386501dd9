//! A caller of the ledger, with a token.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use simulated_erp::{Config, SimulatedErp};

/// A small ledger whose tokens outlive every test.
pub(crate) fn small() -> Config {
    Config { customers: 30, invoices: 70, token_lifetime: Duration::from_hours(1), ..Config::default() }
}

/// Later than the last change of every record that a ledger starts with.
pub(crate) const END_OF_HISTORY: &str = "2025-06-20T08:00:00Z";

/// An HTTP client.
pub(crate) fn client() -> Client {
    client_builder().build().unwrap()
}

/// An HTTP client that is still to be configured.
pub(crate) fn client_builder() -> ClientBuilder {
    // Only the first of many tests in a process can install it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// A server and a caller that holds a token of it.
pub(crate) struct Caller {
    pub(crate) erp: SimulatedErp,
    pub(crate) http: Client,
    token: String,
}

impl Caller {
    pub(crate) async fn of(config: Config) -> Self {
        let erp = SimulatedErp::start(config).await.unwrap();
        let mut caller = Self { erp, http: client(), token: String::new() };
        caller.renew_token().await;
        caller
    }

    pub(crate) async fn renew_token(&mut self) {
        let answer = self.ask_for_token().send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut answer: Value = answer.json().await.unwrap();
        self.token = serde_json::from_value(answer["access_token"].take()).unwrap();
    }

    pub(crate) fn ask_for_token(&self) -> RequestBuilder {
        let config = self.erp.config();
        self.http
            .post(self.url("/oauth/token"))
            .basic_auth(&config.client_id, Some(&config.client_secret))
            .form(&[("grant_type", "client_credentials")])
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.erp.base_url())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    /// The status and the JSON of an answer; null if it has no body.
    pub(crate) async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        if body.is_empty() {
            return (status, Value::Null);
        }
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(self.http.request(method, self.url(path)).json(body)).await
    }
}

/// A customer that the ledger accepts.
pub(crate) fn new_customer() -> Value {
    json!({
        "displayName": "Nieuwe Meubelen B.V.",
        "currency": "EUR",
        "externalRef": "acc-1",
        "taxNumber": "NL123456789B01",
        "creditLimit": "2500.00",
        "billTo": { "line1": "Kade 1", "town": "Delft", "countryIso": "NL" },
    })
}

/// An invoice that the ledger accepts.
pub(crate) fn new_invoice() -> Value {
    json!({
        "customerNo": "C-000001",
        "issuedOn": "2025-10-01",
        "dueOn": "2025-10-31",
        "currency": "EUR",
        "lines": [{
            "lineNo": 1, "item": "BR-1", "text": "Oak board", "qty": "1.5",
            "unitPrice": "9.99", "net": "14.99", "taxPercent": "19", "tax": "2.85",
        }],
        "netTotal": "14.99",
        "taxTotal": "2.85",
        "grossTotal": "17.84",
    })
}
