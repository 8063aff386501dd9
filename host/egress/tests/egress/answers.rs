//! Bodies, limits, time and failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{any, get as on_get, post};
use base64::Engine as _;
use bytes::Bytes;
use futures::StreamExt as _;
use mortise_egress::{
    Delivery, Egress, EgressBudget, EgressConfig, EgressErrorKind, EgressScope, Method, Request, Resolve,
};
use mortise_model::clock::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Barrier;

use crate::far_side::{config, egress, get, scope, serve, serve_echo};

/// 256 KiB of zeros, compressed to 290 bytes.
const BOMB: &str = "H4sIAAAAAAACA+3BMQEAAADCoPVP7W0HoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3gAi6g7iAAAEAA==";

#[tokio::test]
async fn a_request_is_sent_as_asked_with_the_hosts_user_agent() {
    let server = serve_echo().await;
    let client = egress().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/a%20b?x=1&y=%2F"));
    request.method = Method::Put;
    request.headers =
        vec![("X-One".to_owned(), "1".to_owned()), ("Authorization".to_owned(), "Own k".to_owned())];
    request.body = Some(Bytes::from_static(b"body"));
    let response = client.send(request).await.unwrap();
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(text.starts_with("PUT /a%20b?x=1&y=%2F\n"), "{text}");
    for header in ["x-one: 1", "authorization: Own k", "content-length: 4", "user-agent: mortise/"] {
        assert!(text.contains(header), "{header} in {text}");
    }
    assert!(!text.contains("cookie") && !text.contains("referer"), "{text}");
    let mut own_agent = get(format!("http://{server}/"));
    own_agent.headers.push(("User-Agent".to_owned(), "plugin/2".to_owned()));
    let response = client.send(own_agent).await.unwrap();
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(text.contains("user-agent: plugin/2") && !text.contains("mortise/"), "{text}");
    assert!(!text.contains("content-length"), "{text}");
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let fail = || async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") };
    let server = serve(Router::new().route("/", on_get(fail))).await;
    let client = egress().client(scope(&server.to_string()));
    let response = client.send(get(format!("http://{server}/"))).await.unwrap();
    assert_eq!((response.status, response.body), (500, Bytes::from_static(b"broken")));
}

#[tokio::test]
async fn a_refused_header_is_named() {
    let server = serve_echo().await;
    let client = egress().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/"));
    request.headers.push(("Host".to_owned(), "inner.example".to_owned()));
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Invalid, Delivery::NotSent));
    assert!(error.message.contains("`Host`"), "{}", error.message);
}

async fn serve_bomb() -> std::net::SocketAddr {
    let bomb = Bytes::from(base64::engine::general_purpose::STANDARD.decode(BOMB).unwrap());
    let handler = move || async move { ([("content-encoding", "gzip")], bomb) };
    serve(Router::new().route("/", on_get(handler))).await
}

#[tokio::test]
async fn a_compressed_body_is_delivered_decompressed() {
    let server = serve_bomb().await;
    let client = egress().client(scope(&server.to_string()));
    let response = client.send(get(format!("http://{server}/"))).await.unwrap();
    assert_eq!(response.body.len(), 256 << 10);
    assert!(response.headers.iter().all(|(name, _)| name != "content-encoding" && name != "content-length"));
}

#[tokio::test]
async fn the_body_limit_counts_what_a_compressed_body_unfolds_to() {
    let server = serve_bomb().await;
    let client = egress().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/"));
    request.max_body_bytes = Some(100_000);
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::TooLarge, Delivery::Unknown));
    assert!(error.message.contains("100000 bytes"), "{}", error.message);
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let announce = || async {
        let endless = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        ([("content-length", "1001")], Body::from_stream(endless))
    };
    let server = serve(Router::new().route("/", on_get(announce))).await;
    let small = EgressConfig { max_body_bytes: 1000, ..config() };
    let client = Egress::new(small, Arc::new(SystemClock)).unwrap().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/"));
    request.max_body_bytes = Some(1 << 20);
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::TooLarge, Delivery::Unknown));
}

#[tokio::test]
async fn a_broken_compressed_body_is_a_protocol_error() {
    let handler = || async { ([("content-encoding", "gzip")], "this is not gzip") };
    let server = serve(Router::new().route("/", on_get(handler))).await;
    let client = egress().client(scope(&server.to_string()));
    let error = client.send(get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Protocol, Delivery::Unknown), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout_of_unknown_delivery() {
    let server = serve(Router::new().route("/", on_get(std::future::pending::<()>))).await;
    let client = egress().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/"));
    request.timeout = Some(Duration::from_millis(300));
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Timeout, Delivery::Unknown));
    assert!(error.message.contains("300 ms"), "{}", error.message);
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_a_timeout_of_unknown_delivery() {
    let half = || async {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"half"))]);
        Body::from_stream(first.chain(futures::stream::pending()))
    };
    let server = serve(Router::new().route("/", on_get(half))).await;
    let client = egress().client(scope(&server.to_string()));
    let mut request = get(format!("http://{server}/"));
    request.timeout = Some(Duration::from_millis(300));
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Timeout, Delivery::Unknown));
}

struct Silent;

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_is_a_timeout_and_nothing_was_sent() {
    let quick = EgressConfig { connect_timeout: Duration::from_millis(200), ..config() };
    let egress = Egress::with_resolver(quick, Arc::new(SystemClock), Arc::new(Silent)).unwrap();
    let error =
        egress.client(scope("api.example.com")).send(get("https://api.example.com/")).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Timeout, Delivery::NotSent), "{error}");
}

#[tokio::test]
async fn a_refused_connection_says_that_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = egress().client(scope(&address.to_string()));
    let error = client.send(get(format!("http://{address}/?key=k3y"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Connection, Delivery::NotSent), "{error}");
    assert!(!error.message.contains("k3y"));
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_tls_error() {
    let server = serve_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let client = egress().client(scope(&server.to_string()));
    let error = client.send(get(format!("https://{server}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Tls, Delivery::NotSent), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_protocol_error() {
    let server = serve_raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    let client = egress().client(scope(&server.to_string()));
    let error = client.send(get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Protocol, Delivery::Unknown), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_delivery_unknown() {
    let server = serve_raw(b"").await;
    let client = egress().client(scope(&server.to_string()));
    let error = client.send(get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Connection, Delivery::Unknown), "{error}");
}

/// Reads something from every connection, answers these bytes and closes.
async fn serve_raw(answer: &'static [u8]) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

fn post_to(url: String, body: &'static [u8]) -> Request {
    Request { method: Method::Post, body: Some(Bytes::from_static(body)), ..get(url) }
}

#[tokio::test]
async fn clones_share_the_budget_of_requests() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = hits.clone();
    let count = move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let server = serve(Router::new().fallback(any(count))).await;
    let budget = EgressBudget { requests: 3, bytes: 1_000 };
    let client = egress().client(EgressScope { budget, ..scope(&server.to_string()) });
    let clone = client.clone();
    let url = format!("http://{server}/");
    client.send(get(&url)).await.unwrap();
    clone.send(get(&url)).await.unwrap();
    client.send(get(&url)).await.unwrap();
    let error = clone.send(get(&url)).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Quota, Delivery::NotSent));
    assert!(error.message.contains("3 requests"), "{}", error.message);
    assert_eq!(hits.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn bytes_of_both_ways_count_against_the_budget() {
    let server = serve(Router::new().route("/", post(|| async { "0123456789" }))).await;
    let budget = EgressBudget { requests: 100, bytes: 25 };
    let client = egress().client(EgressScope { budget, ..scope(&server.to_string()) });
    let url = format!("http://{server}/");
    client.send(post_to(url.clone(), b"01234")).await.unwrap();
    let error = client.send(post_to(url.clone(), b"01234")).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Quota, Delivery::Unknown));
    assert!(error.message.contains("25 bytes"), "{}", error.message);
    let error = client.send(post_to(url, b"0123456789")).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Quota, Delivery::NotSent));
}

#[tokio::test]
async fn a_call_has_at_most_32_requests_on_the_wire() {
    let inside = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let together = Arc::new(Barrier::new(32));
    let most_seen = most.clone();
    let handler = move || async move {
        most_seen.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        together.wait().await;
        inside.fetch_sub(1, Ordering::SeqCst);
    };
    let server = serve(Router::new().fallback(any(handler))).await;
    let client = egress().client(scope(&server.to_string()));
    let requests = (0..64).map(|_| client.send(get(format!("http://{server}/"))));
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.unwrap().status, 200);
    }
    assert_eq!(most.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn cancelling_the_call_ends_requests_in_flight_and_later_ones() {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let notify = arrived.clone();
    let handler = move || async move {
        notify.notify_one();
        std::future::pending::<()>().await;
    };
    let server = serve(Router::new().fallback(any(handler))).await;
    let scope = scope(&server.to_string());
    let cancelled = scope.cancelled.clone();
    let client = egress().client(scope);
    let request = client.send(get(format!("http://{server}/")));
    let cancel = async {
        arrived.notified().await;
        cancelled.cancel();
    };
    let (outcome, ()) = tokio::join!(request, cancel);
    let error = outcome.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Cancelled, Delivery::Unknown));
    let error = client.send(get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Cancelled, Delivery::NotSent));
}
