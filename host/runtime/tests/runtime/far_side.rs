//! A server on this machine that tells what it was asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::any;
use tokio::net::TcpListener;

/// Starts it and answers its address, as `http://127.0.0.1:port`. It ends with the test's runtime.
pub(crate) async fn start() -> String {
    let router = Router::new()
        .route(
            "/latin",
            any(async || ([(header::CONTENT_TYPE, "text/plain; charset=iso-8859-1")], b"gr\xfcn".to_vec())),
        )
        .route("/redirect", any(async || (StatusCode::FOUND, [(header::LOCATION, "/one")], "elsewhere")))
        .route("/slow", any(async || tokio::time::sleep(Duration::from_mins(10)).await))
        .route("/large", any(async || vec![b'x'; 17 << 20]))
        .fallback(echo);
    let router = router.layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let authorization =
        headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default().to_owned());
    let body = String::from_utf8_lossy(&body);
    format!("{method} {uri} {} {body}", authorization.unwrap_or_default())
}
