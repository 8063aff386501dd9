//! Who shares connections with whom.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get as on_get;
use mortise_egress::{Egress, EgressScope};
use mortise_model::plugin::Permissions;

use crate::far_side::{egress, get, scope, serve};

/// The connection that a request of this scope arrives on.
async fn connection(egress: &Egress, scope: EgressScope, server: SocketAddr) -> String {
    let response = egress.client(scope).send(get(format!("http://{server}/"))).await.unwrap();
    String::from_utf8(response.body.to_vec()).unwrap()
}

async fn serve_peers() -> SocketAddr {
    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    serve(Router::new().route("/", on_get(peer))).await
}

#[tokio::test]
async fn connections_are_kept_from_call_to_call_of_one_plugin() {
    let (egress, server) = (egress(), serve_peers().await);
    let mut seen = Vec::new();
    // A connection is back in the pool a moment after its answer, so the very next request may miss it.
    for _ in 0..50 {
        let connection = connection(&egress, scope(&server.to_string()), server).await;
        if seen.contains(&connection) {
            return;
        }
        seen.push(connection);
    }
    panic!("no connection was used twice: {seen:?}");
}

#[tokio::test]
async fn connections_are_not_shared_between_tenants_plugins_or_grants() {
    let (egress, server) = (egress(), serve_peers().await);
    let own = || scope(&server.to_string());
    let mut wider = Permissions::clone(&own().permissions);
    wider.hosts.insert("other.example.com".parse().unwrap());
    let scopes = [
        own(),
        EgressScope { tenant: "globex".parse().unwrap(), ..own() },
        EgressScope { plugin: "acme/other".parse().unwrap(), ..own() },
        EgressScope { permissions: Arc::new(wider), ..own() },
    ];
    let mut seen = Vec::new();
    for scope in scopes {
        let connection = connection(&egress, scope, server).await;
        assert!(!seen.contains(&connection), "{connection} was used before");
        seen.push(connection);
    }
}
