//! The servers, secrets and scopes that the tests share.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::routing::any;
use mortise_egress::{
    BoundCredential, Egress, EgressBudget, EgressConfig, EgressScope, Method, PlainHttp, Request,
    SecretError, SecretSource,
};
use mortise_model::clock::{ManualClock, SystemClock};
use mortise_model::id::InstanceId;
use mortise_model::manifest::CredentialScheme;
use mortise_model::plugin::Permissions;
use mortise_model::secret::SecretText;
use tokio_util::sync::CancellationToken;

/// Serves a router on a free port of this machine.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Serves the head of every request as text: request line, then headers.
pub(crate) async fn serve_echo() -> SocketAddr {
    serve(Router::new().fallback(any(|request: AxumRequest| async move {
        let mut text = format!("{} {}\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            writeln!(text, "{name}: {}", value.to_str().unwrap_or("?")).unwrap();
        }
        text
    })))
    .await
}

/// What the operator of a test allows: this machine, and plain HTTP.
pub(crate) fn config() -> EgressConfig {
    EgressConfig {
        allowed_networks: vec!["127.0.0.1/32".parse().unwrap()],
        plain_http: PlainHttp::Allowed,
        ..EgressConfig::default()
    }
}

pub(crate) fn egress() -> Egress {
    Egress::new(config(), Arc::new(SystemClock)).unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-03-01T09:30:00Z".parse().unwrap()))
}

/// A scope of the tenant `acme` that covers one server.
pub(crate) fn scope(granted: &str) -> EgressScope {
    EgressScope {
        tenant: "acme".parse().unwrap(),
        instance: InstanceId::new(),
        plugin: "acme/erp".parse().unwrap(),
        permissions: Arc::new(Permissions {
            hosts: BTreeSet::from([granted.parse().unwrap()]),
            ..Permissions::default()
        }),
        credentials: Arc::new([]),
        secrets: Secrets::new(&[]),
        budget: EgressBudget { requests: 1_000, bytes: 64 << 20 },
        cancelled: CancellationToken::new(),
    }
}

pub(crate) fn scope_with(
    granted: SocketAddr,
    scheme: CredentialScheme,
    secrets: Arc<Secrets>,
) -> EgressScope {
    let hosts = vec![granted.to_string().parse().unwrap()];
    let credential = BoundCredential { name: "erp".to_owned(), scheme, hosts };
    EgressScope { credentials: Arc::new([credential]), secrets, ..scope(&granted.to_string()) }
}

pub(crate) fn get(url: impl Into<String>) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: Vec::new(),
        body: None,
        credential: None,
        timeout: None,
        max_body_bytes: None,
    }
}

/// A request that names the credential `erp`.
pub(crate) fn get_as_erp(url: impl Into<String>) -> Request {
    Request { credential: Some("erp".to_owned()), ..get(url) }
}

/// Secrets in memory, and a log of what was stored.
pub(crate) struct Secrets {
    values: Mutex<HashMap<String, SecretText>>,
    pub(crate) log: Log,
}

/// What happened, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

impl Secrets {
    pub(crate) fn new(values: &[(&str, &str)]) -> Arc<Self> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(*value)));
        Arc::new(Self { values: Mutex::new(values.collect()), log: Log::default() })
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        self.values.lock().unwrap().insert(name.to_owned(), SecretText::new(value));
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        Ok(self.values.lock().unwrap().get(name).cloned())
    }

    async fn replace(&self, name: &str, value: SecretText) -> Result<(), SecretError> {
        self.log.lock().unwrap().push(format!("stored {}", value.reveal()));
        self.values.lock().unwrap().insert(name.to_owned(), value);
        Ok(())
    }
}
