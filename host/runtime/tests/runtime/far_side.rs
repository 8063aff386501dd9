//! A server on this machine that tells what it was asked.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
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
        .fallback(echo);
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
