//! Where requests may go.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use mortise_egress::{Delivery, Egress, EgressConfig, EgressErrorKind, PlainHttp, Resolve};
use mortise_model::clock::SystemClock;

use crate::far_side::{config, egress, get, scope, serve};

/// Answers what it is told, in turn; the last answer again and again.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parse).collect()), ..Self::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.front().cloned().unwrap_or_default();
        if answers.len() > 1 {
            answers.pop_front();
        }
        Ok(answer)
    }
}

fn egress_with(config: EgressConfig, resolver: &Arc<Scripted>) -> Egress {
    Egress::with_resolver(config, Arc::new(SystemClock), resolver.clone()).unwrap()
}

fn public_only() -> EgressConfig {
    EgressConfig { plain_http: PlainHttp::Allowed, ..EgressConfig::default() }
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_before_its_name_is_resolved() {
    let resolver = Scripted::new(&[&["127.0.0.1"]]);
    let client = egress_with(config(), &resolver).client(scope("api.example.com"));
    let error = client.send(get("https://other.example.com/")).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Denied, Delivery::NotSent));
    assert!(error.message.contains("grant the host `other.example.com`"), "{}", error.message);
    assert_eq!(resolver.asked(), 0);
}

#[tokio::test]
async fn a_granted_name_that_leads_inside_is_denied_without_telling_the_address() {
    for inside in ["127.0.0.1", "10.7.8.9", "169.254.169.254", "::1", "::ffff:192.168.7.9", "fd00::9"] {
        let resolver = Scripted::new(&[&[inside]]);
        let client = egress_with(public_only(), &resolver).client(scope("api.example.com"));
        let error = client.send(get("https://api.example.com/?key=k3y")).await.unwrap_err();
        assert_eq!(
            (error.kind, error.delivery),
            (EgressErrorKind::ForbiddenAddress, Delivery::NotSent),
            "{inside}"
        );
        assert!(!error.message.contains(inside) && !error.message.contains("k3y"), "{}", error.message);
        assert!(error.message.contains("`egress.allow`"), "{}", error.message);
    }
}

#[tokio::test]
async fn a_granted_address_is_still_checked() {
    let resolver = Scripted::new(&[]);
    let egress = egress_with(public_only(), &resolver);
    for (host, url) in [
        ("127.0.0.1:9", "http://127.0.0.1:9/"),
        ("127.0.0.1:9", "http://0x7f000001:9/"),
        ("127.0.0.1:9", "http://2130706433:9/"),
        ("[::1]:9", "http://[::1]:9/"),
        ("[::ffff:127.0.0.1]:9", "http://[::ffff:127.0.0.1]:9/"),
    ] {
        let error = egress.client(scope(host)).send(get(url)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.delivery),
            (EgressErrorKind::ForbiddenAddress, Delivery::NotSent),
            "{url}"
        );
    }
    assert_eq!(resolver.asked(), 0);
}

#[tokio::test]
async fn a_name_that_turns_inside_after_the_first_request_is_denied_at_the_next_connection() {
    let close = || async { ([("connection", "close")], "hello") };
    let server = serve(Router::new().route("/", on_get(close))).await;
    let resolver = Scripted::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let host = format!("api.example.com:{}", server.port());
    let client = egress_with(config(), &resolver).client(scope(&host));
    assert_eq!(client.send(get(format!("http://{host}/"))).await.unwrap().body, "hello");
    assert_eq!(resolver.asked(), 1, "a name is resolved once per connection");
    let error = client.send(get(format!("http://{host}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::ForbiddenAddress, Delivery::NotSent));
    assert_eq!(resolver.asked(), 2);
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_connected_to() {
    let server = serve(Router::new().route("/", on_get(|| async { "hello" }))).await;
    let host = format!("api.example.com:{}", server.port());
    // 127.0.0.2 is not allowed here, although the server's machine would answer.
    let resolver = Scripted::new(&[&["127.0.0.2", "10.0.0.1", "127.0.0.1"]]);
    let client = egress_with(config(), &resolver).client(scope(&host));
    assert_eq!(client.send(get(format!("http://{host}/"))).await.unwrap().body, "hello");
}

#[tokio::test]
async fn a_name_without_addresses_is_a_dns_error() {
    let client = egress_with(config(), &Scripted::new(&[&[]])).client(scope("api.example.com"));
    let error = client.send(get("https://api.example.com/")).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Dns, Delivery::NotSent));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let counter = followed.clone();
    let target = move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let redirect = || async { (StatusCode::FOUND, [("location", "/target")]) };
    let server = serve(Router::new().route("/", on_get(redirect)).route("/target", on_get(target))).await;
    let client = egress().client(scope(&server.to_string()));
    let response = client.send(get(format!("http://{server}/"))).await.unwrap();
    assert_eq!(response.status, 302);
    assert!(response.headers.contains(&("location".to_owned(), "/target".to_owned())));
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    const CHILD: &str = "MORTISE_TEST_BEHIND_A_PROXY";
    if std::env::var_os(CHILD).is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["policy::proxies_of_the_environment_are_ignored", "--exact"]).env(CHILD, "1");
        // Port 9 of a documentation address: a request that went there would not come back.
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            child.env(name, "http://192.0.2.1:9");
        }
        let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let server = serve(Router::new().route("/", on_get(|| async { "direct" }))).await;
    let client = egress().client(scope(&server.to_string()));
    assert_eq!(client.send(get(format!("http://{server}/"))).await.unwrap().body, "direct");
}
