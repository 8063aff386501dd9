//! Hosts that want to be left alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::any;
use mortise_egress::{Delivery, Egress, EgressErrorKind, EgressScope};
use mortise_model::clock::SystemClock;

use crate::far_side::{clock, config, get, scope, serve};

/// Serves one 429 with `Retry-After`, then 200.
async fn serve_busy(retry_after: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = hits.clone();
    let handler = move || async move {
        if counter.fetch_add(1, Ordering::SeqCst) == 0 {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", retry_after)]).into_response()
        } else {
            "welcome".into_response()
        }
    };
    (serve(Router::new().fallback(any(handler))).await, hits)
}

#[tokio::test]
async fn retry_after_holds_back_every_later_request_to_that_host() {
    let (server, hits) = serve_busy("120").await;
    let other = serve(Router::new().fallback(any(|| async { "other" }))).await;
    let clock = clock();
    let egress = Egress::new(config(), clock.clone()).unwrap();
    let mut own = scope(&server.to_string());
    let mut permissions = (*own.permissions).clone();
    permissions.hosts.insert(other.to_string().parse().unwrap());
    own.permissions = Arc::new(permissions);
    let url = format!("http://{server}/");
    let first = egress.client(own.clone());
    assert_eq!(first.send(get(&url)).await.unwrap().status, 429, "the answer itself reaches the plugin");

    for client in [first.clone(), egress.client(own.clone())] {
        let error = client.send(get(&url)).await.unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::RetryLater, Delivery::NotSent));
        assert_eq!(error.retry_after, Some(Duration::from_mins(2)));
    }
    assert_eq!(hits.load(Ordering::SeqCst), 1);

    assert_eq!(first.send(get(format!("http://{other}/"))).await.unwrap().status, 200);
    let stranger = EgressScope { tenant: "globex".parse().unwrap(), ..own };
    assert_eq!(egress.client(stranger).send(get(&url)).await.unwrap().status, 200);

    clock.advance(Duration::from_secs(100));
    let mut hasty = get(&url);
    hasty.timeout = Some(Duration::from_secs(5));
    assert_eq!(first.send(hasty).await.unwrap_err().retry_after, Some(Duration::from_secs(20)));
    clock.advance(Duration::from_secs(20));
    assert_eq!(first.send(get(&url)).await.unwrap().body, "welcome");
}

#[tokio::test]
async fn a_request_that_has_the_time_waits_and_is_sent() {
    let (server, hits) = serve_busy("1").await;
    let egress = Egress::new(config(), Arc::new(SystemClock)).unwrap();
    let client = egress.client(scope(&server.to_string()));
    let url = format!("http://{server}/");
    assert_eq!(client.send(get(&url)).await.unwrap().status, 429);
    let mut hasty = get(&url);
    hasty.timeout = Some(Duration::from_millis(100));
    assert_eq!(client.send(hasty).await.unwrap_err().kind, EgressErrorKind::RetryLater);
    assert_eq!(client.send(get(&url)).await.unwrap().body, "welcome");
    assert_eq!(hits.load(Ordering::SeqCst), 2);
}
