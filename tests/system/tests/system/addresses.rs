//! The host's own network in every spelling of an address, as a tenant's setting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mortise_system_tests::NewLink;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fixture::{House, component};

/// A host whose operator allows plain HTTP and no network of its own.
const CONFIG: &str = "[egress]\nplain_http = true\ntimeout_seconds = 5\n[workers]\npoll_milliseconds = 50\n";

/// Counts the connections to a port of this machine, of both families where the machine has both.
async fn counted() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let sixth = TcpListener::bind(("::1", port)).await.ok();
    for listener in [Some(listener), sixth].into_iter().flatten() {
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                connections.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    (port, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_own_network_is_reached_by_no_spelling_of_an_address() {
    let house = House::configured(CONFIG).await;
    let tenant = house.tenant("brindle").await;
    let (port, connections) = counted().await;
    let uploaded = tenant.upload(&component("erp")).await.unwrap();
    let granted = [
        "127.0.0.1",
        "127.0.0.2",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "localhost",
        "localhost.localdomain",
    ];
    let granted: Vec<String> = granted.iter().map(|host| format!("{host}:{port}")).collect();
    tenant.grant(&uploaded, &granted.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    let spellings = [
        // Loopback: as usual, short, decimal, octal, hexadecimal, mixed, escaped, full width, with a dot at the end.
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "0x7f000001",
        "0x7f.1",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "127.0.0.1.",
        "127.0.0.2",
        "0.0.0.0",
        "0",
        // IPv6: plain, mapped, translated.
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        // Private, link-local and metadata.
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        // Names that lead inside.
        "localhost",
        "LOCALHOST",
        "localhost.",
    ];
    for (position, spelling) in spellings.into_iter().enumerate() {
        let link = NewLink {
            name: format!("spelling {position}"),
            plugin: uploaded.plugin.clone(),
            settings: json!({ "base-url": format!("http://{spelling}:{port}"), "client-id": "brindle" }),
            secrets: json!({ "client-secret": "quiet" }),
            actions: Value::Null,
        };
        let answer = tenant.try_link(&link).await.unwrap();
        if answer.status >= 400 {
            // Not even an address: refused with its place.
            assert!(answer.text.contains("/settings/base-url"), "{spelling}: {}", answer.text);
            continue;
        }
        let instance = answer.body["id"].as_str().unwrap().to_owned();
        let report = tenant.test(&instance).await.unwrap();
        assert_eq!(report["passed"], false, "{spelling}: {report}");
        let said = report.to_string();
        assert!(said.contains("egress.allow"), "{spelling}: {said}");
        let path = format!("/manage/instances/{instance}");
        tenant.caller.delete(&path).await.unwrap().succeeded().unwrap();
    }
    // A user, a backslash or a fragment does not turn one host into another.
    for trick in ["example.com@127.0.0.1", "127.0.0.1\\@example.com", "example.com#@127.0.0.1"] {
        let link = NewLink {
            name: format!("trick {trick}"),
            plugin: uploaded.plugin.clone(),
            settings: json!({ "base-url": format!("http://{trick}:{port}"), "client-id": "brindle" }),
            secrets: json!({ "client-secret": "quiet" }),
            actions: Value::Null,
        };
        let answer = tenant.try_link(&link).await.unwrap();
        if answer.status < 400 {
            let report = tenant.test(answer.body["id"].as_str().unwrap()).await.unwrap();
            assert_eq!(report["passed"], false, "{trick}: {report}");
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0, "something was connected to");
}
