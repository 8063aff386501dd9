//! A host to call, without a socket.

use std::sync::Arc;

use axum::Router;
use mortise_api::{Api, ApiConfig};
use mortise_egress::{Egress, EgressConfig};
use mortise_integration::{Integration, IntegrationConfig};
use mortise_model::clock::{Clock, ManualClock};
use mortise_model::secret::SecretText;
use mortise_runtime::{Compiler, Runtime, RuntimeConfig};
use mortise_store::{SledOptions, SledStore, Store};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::{Answer, Call};
use crate::contract::Contract;

/// A host with a store of its own and a clock that stands still.
pub(crate) struct Host {
    pub(crate) clock: Arc<ManualClock>,
    /// The operator's key.
    pub(crate) operator: String,
    pub(crate) contract: Contract,
    router: Router,
    api: Api,
    // Last, so that the store is closed before its directory goes.
    directory: TempDir,
}

/// An OAuth client.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::start_with(ApiConfig::default()).await
    }

    pub(crate) async fn start_with(config: ApiConfig) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at("2026-03-01T09:30:00Z".parse().unwrap()));
        let shared: Arc<dyn Clock> = clock.clone();
        let options = SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() };
        let store = SledStore::open(&directory.path().join("store"), &options).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let mut metrics = Registry::default();
        let egress = Egress::new(EgressConfig::default(), Arc::clone(&shared)).unwrap();
        let key = SecretText::new("11".repeat(32));
        let runtime_config =
            RuntimeConfig::new(directory.path().join("images"), key.clone(), Compiler::InProcess);
        let runtime =
            Runtime::new(runtime_config, Arc::clone(&store), egress, Arc::clone(&shared), &mut metrics)
                .unwrap();
        let integration = Integration::new(
            IntegrationConfig::new(key),
            Arc::clone(&store),
            Arc::clone(&shared),
            runtime,
            &mut metrics,
        )
        .unwrap();
        let api = Api::new(config, integration, store, shared, metrics);
        let operator = Api::generate_key();
        api.register_operator_key(&operator).await.unwrap();
        let router = api.router();
        let contract = Contract::of(&router).await;
        Self { clock, operator: operator.reveal().to_owned(), contract, router, api, directory }
    }

    /// The interface itself, to be served.
    pub(crate) fn into_api(self) -> (Api, TempDir) {
        (self.api, self.directory)
    }

    /// Makes a key the operator's.
    pub(crate) async fn register(&self, key: &SecretText) {
        self.api.register_operator_key(key).await.unwrap();
    }

    /// Sends a call, and compares the answer with the `OpenAPI` document.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let (method, path) = (call.method(), call.path());
        let answer = call.send(&self.router).await;
        self.contract.check(&method, &path, &answer);
        answer
    }

    /// A call of the platform API as `key`.
    #[expect(clippy::unused_self, reason = "reads as what it is: a call of this host")]
    pub(crate) fn platform(&self, key: &str, method: &str, path: &str) -> Call {
        Call::new(method, path).header("x-api-version", "3.0").header("x-api-key", key)
    }

    /// A call of the management API as `key`.
    #[expect(clippy::unused_self, reason = "reads as what it is: a call of this host")]
    pub(crate) fn manage(&self, key: &str, method: &str, path: &str) -> Call {
        Call::new(method, path).header("x-api-key", key)
    }

    /// A call of the management API as the operator.
    pub(crate) fn operate(&self, method: &str, path: &str) -> Call {
        self.manage(&self.operator, method, path)
    }

    /// Makes a tenant, and an API key in it with everything that a tenant may do.
    pub(crate) async fn tenant(&self, id: &str) -> String {
        let answer =
            self.send(self.operate("POST", "/manage/tenants").json(&json!({"id": id, "name": id}))).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.key(id, &json!({"name": "all"})).await
    }

    /// Makes an API key in a tenant.
    pub(crate) async fn key(&self, tenant: &str, body: &Value) -> String {
        let path = format!("/manage/tenants/{tenant}/keys");
        let answer = self.send(self.operate("POST", &path).json(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.text_at("/key")
    }

    /// Makes an OAuth client in a tenant.
    pub(crate) async fn client(&self, tenant: &str, body: &Value) -> Client {
        let path = format!("/manage/tenants/{tenant}/clients");
        let answer = self.send(self.operate("POST", &path).json(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Client { id: answer.text_at("/clientId"), secret: answer.text_at("/clientSecret") }
    }

    /// Creates an account and answers it.
    pub(crate) async fn account(&self, key: &str, body: &Value) -> Answer {
        let answer = self.send(self.platform(key, "POST", "/api/accounts").json(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }
}

/// An invoice of an account.
pub(crate) fn invoice(account: u64, code: &str) -> Value {
    json!({
        "code": code, "account": {"id": account}, "status": "issued", "invoiceDate": "2026-02-01",
        "dueDate": "2026-03-01", "currency": "EUR", "subTotal": "100.00", "taxAmount": "24.00", "total": "124.00",
        "paidAmount": "24.00",
    })
}
