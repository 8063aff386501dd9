//! A real socket: health, metrics, draining, and clients that do not play along.

use std::time::Duration;

use mortise_api::ApiConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::host::Host;

/// Reads until `end` appears or the connection is closed.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read =
            tokio::time::timeout(Duration::from_secs(30), stream.read(&mut buffer)).await.unwrap().unwrap();
        all.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if read == 0 || text.contains(end) {
            return text;
        }
    }
}

#[tokio::test]
async fn health_and_metrics_need_no_credentials() {
    let host = Host::start().await;
    assert_eq!(host.send(Call::new("GET", "/healthz")).await.at("/status"), "alive");
    assert_eq!(host.send(Call::new("GET", "/readyz")).await.at("/status"), "ready");
    host.send(Call::new("GET", "/nothing")).await;
    let metrics = host.send(Call::new("GET", "/metrics")).await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in [
        r#"mortise_http_requests_total{route="/healthz",method="GET",status="2xx"} 1"#,
        r#"mortise_http_requests_total{route="unmatched",method="GET",status="4xx"} 1"#,
        r#"mortise_http_request_duration_seconds_count{route="/readyz",method="GET",status="2xx"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}

#[tokio::test]
async fn a_request_in_progress_ends_and_readiness_is_taken_back_while_the_host_stops() {
    let (api, _directory) = Host::start().await.into_api();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(api.serve(listener, shutdown.clone()));
    // The head is complete and the body is not: the request is in progress.
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST /oauth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic YTpi\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
        .await
        .unwrap();
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_until(&mut first, "ready").await.starts_with("HTTP/1.1 200"));
    let refused = read_until(&mut slow, "invalid_client").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(30), served).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_when_the_time_to_drain_is_over() {
    let config = ApiConfig { drain: Duration::from_millis(300), ..ApiConfig::default() };
    let host = Host::start_with(config).await;
    let acme = host.tenant("acme").await;
    let (api, _directory) = host.into_api();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(api.serve(listener, shutdown.clone()));
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/accounts HTTP/1.1\r\nhost: x\r\nx-api-version: 3\r\nx-api-key: {acme}\r\n\
         content-type: application/json\r\ncontent-length: 50\r\nexpect: 100-continue\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // The host asks for the body: the request is in progress, and the body never comes.
    assert!(read_until(&mut slow, "100 Continue").await.contains("100 Continue"));
    shutdown.cancel();
    let mut probe = TcpStream::connect(address).await.unwrap();
    probe.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let told = read_until(&mut probe, "draining").await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    tokio::time::timeout(Duration::from_secs(30), served).await.unwrap().unwrap().unwrap();
    assert_eq!(read_until(&mut slow, "never").await, "");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (api, _directory) = Host::start().await.into_api();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(api.serve(listener, shutdown.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(100_000));
    // The host may answer and close before everything is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    shutdown.cancel();
    served.await.unwrap().unwrap();
}
