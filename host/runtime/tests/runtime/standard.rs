//! The standard interfaces, by a guest that was built with bindings of the standards alone.

use std::sync::Arc;

use mortise_model::connector::Check;
use mortise_model::log::{LogLevel, LogSource};
use mortise_model::manifest::Capability;
use mortise_runtime::{Call, CallMode, Returned};
use serde_json::{Value, json};

use crate::far_side;
use crate::host::{Host, Lines, found, grant, reach, set};

/// A call of the guest that may do everything and reach the far side.
async fn call(host: &Host) -> (Call, Arc<Lines>) {
    let base_url = far_side::start().await;
    let (mut call, lines) = host.call("standard").await;
    reach(&mut call, &base_url);
    (call, lines)
}

/// Why a check failed.
fn refused(checks: &Returned<Vec<Check>>, name: &str) -> String {
    let check = checks.value.iter().find(|check| check.name == name).unwrap();
    assert!(!check.passed, "{check:?}");
    check.message.clone()
}

#[tokio::test]
async fn a_component_of_the_standards_alone_sends_requests() {
    let host = Host::new();
    let (call, lines) = call(&host).await;
    let checks = host.runtime.test(call).await.unwrap();
    assert_eq!(found(&checks, "http.get"), json!({ "status": 200, "body": "GET /one?q=1  " }));
    assert_eq!(
        found(&checks, "http.post"),
        json!({ "status": 200, "body": "POST /one Bearer the token xxxxx" }),
        "the credential is named by a header, and applied by the host"
    );
    assert_eq!(
        found(&checks, "http redirect"),
        json!({ "status": 302, "body": "elsewhere" }),
        "no redirect is followed"
    );
    assert_eq!(found(&checks, "http many"), json!([["one", 200], ["three", 200], ["two", 200]]));

    assert_eq!(refused(&checks, "http to nobody"), "ErrorCode::HttpRequestDenied");
    let sentence = "denied: the grant does not cover `nobody.invalid`: grant the host `nobody.invalid`";
    assert!(lines.messages().iter().any(|line| line == sentence), "{:?}", lines.messages());
    assert_eq!(refused(&checks, "http too late"), "ErrorCode::HttpResponseTimeout");
    assert_eq!(refused(&checks, "http too large"), "ErrorCode::HttpResponseBodySize(None)");
    assert!(refused(&checks, "http header of the host").contains("Forbidden"));

    let metrics = host.metrics();
    for line in [
        r#"function="exchange",outcome="answered"} 6"#,
        r#"function="exchange",outcome="denied"} 1"#,
        r#"function="exchange",outcome="failed"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn requests_by_the_standard_obey_the_grant_the_addresses_and_the_budget() {
    let host = Host::new();
    let (mut denied, lines) = call(&host).await;
    grant(&mut denied, |permissions| {
        permissions.capabilities.remove(&Capability::Http);
    });
    let checks = host.runtime.test(denied).await.unwrap();
    assert_eq!(refused(&checks, "http.get"), "ErrorCode::HttpRequestDenied");
    let sentence =
        "denied: wasi:http/outgoing-handler.handle is not granted: grant the capability `http` to the plugin";
    assert!(lines.messages().iter().any(|line| line == sentence), "{:?}", lines.messages());

    let (mut method, _) = call(&host).await;
    grant(&mut method, |permissions| permissions.methods = ["GET".to_owned()].into());
    let checks = host.runtime.test(method).await.unwrap();
    assert_eq!(found(&checks, "http.get")["status"], 200);
    assert_eq!(refused(&checks, "http.post"), "ErrorCode::HttpRequestDenied");

    let (mut dry, lines) = call(&host).await;
    dry.mode = CallMode::DryRun;
    let checks = host.runtime.test(dry).await.unwrap();
    assert_eq!(found(&checks, "http.get")["status"], 200);
    assert_eq!(refused(&checks, "http.post"), "ErrorCode::HttpRequestDenied");
    assert!(lines.messages().iter().any(|line| line.starts_with("denied: this is a dry run")));

    let (mut few, _) = call(&host).await;
    few.limits.call_http_requests = 1;
    let checks = host.runtime.test(few).await.unwrap();
    assert_eq!(found(&checks, "http.get")["status"], 200);
    assert_eq!(refused(&checks, "http.post"), "ErrorCode::ConnectionLimitReached");

    let guarded = Host::guarded();
    let (inside, lines) = call(&guarded).await;
    let checks = guarded.runtime.test(inside).await.unwrap();
    assert_eq!(refused(&checks, "http.get"), "ErrorCode::DestinationIpProhibited");
    let lines = lines.messages();
    assert!(lines.iter().any(|line| line.starts_with("denied: `127.0.0.1` is at a loopback")), "{lines:?}");
}

#[tokio::test]
async fn a_body_by_the_standard_is_sent_up_to_a_bound() {
    let host = Host::new();
    let (mut long, _) = call(&host).await;
    set(&mut long, "body", 1 << 20);
    let checks = host.runtime.test(long.clone()).await.unwrap();
    let echoed = "POST /one Bearer the token ".len() + (1 << 20);
    assert_eq!(found(&checks, "http.post")["body"], format!("{echoed} bytes"));
    set(&mut long, "body", (16 << 20) + 1);
    let checks = host.runtime.test(long).await.unwrap();
    let message = refused(&checks, "http.post");
    assert!(message.starts_with("ErrorCode::HttpRequestBodySize(Some(1677"), "{message}");
}

#[tokio::test]
async fn a_bucket_is_the_instances_storage_in_both_drafts() {
    let host = Host::new();
    let (call, _) = host.call("standard").await;
    let checks = host.runtime.test(call.clone()).await.unwrap();
    assert_eq!(
        found(&checks, "keyvalue draft"),
        json!({
            "before": null,
            "written": "value",
            "exists": true,
            "many": [["many/a", "1"], null, ["many/b", "2"]],
            "listed": ["key", "many/a", "many/b"],
            "cursor": null,
            "deleted": true,
            "stale": { "Err": "Error::Other(\"7 is no cursor that this bucket answered\")" },
        })
    );
    let count = found(&checks, "keyvalue draft: counter");
    assert_eq!(count["counted"], 2);
    assert!(count["words"].to_string().contains("is not a whole number"), "{count}");
    assert!(count["full"].to_string().contains("`counter` is at the end of its numbers"), "{count}");
    assert_eq!(
        found(&checks, "keyvalue draft2"),
        json!({ "many": [["second", "value"], ["nothing", null]], "down": -5, "after": ["second", "words"] })
    );
    assert_eq!(
        found(&checks, "keyvalue draft2: swap"),
        json!({ "before": null, "again": "first", "after": "second" })
    );
    assert_eq!(refused(&checks, "keyvalue of another name"), "Error::NoSuchStore");

    // What was set is written with the call's outcome; what was counted and swapped is kept already.
    assert!(!checks.storage.is_empty());
    let checks = host.runtime.test(call.clone()).await.unwrap();
    assert_eq!(found(&checks, "keyvalue draft: counter")["counted"], 4);
    let listed = found(&checks, "keyvalue draft")["listed"].clone();
    assert_eq!(listed, json!(["balance", "counter", "key", "many/a", "many/b", "swapped"]));
    host.keep(&call, checks.storage).await;
    let checks = host.runtime.test(call).await.unwrap();
    let listed = found(&checks, "keyvalue draft")["listed"].clone();
    assert!(listed.as_array().unwrap().contains(&json!("kept")), "{listed}");
}

#[tokio::test]
async fn a_bucket_obeys_the_grant_and_the_quota() {
    let host = Host::new();
    let (call, lines) = host.call("standard").await;
    let mut denied = call.clone();
    grant(&mut denied, |permissions| {
        permissions.capabilities.remove(&Capability::Storage);
    });
    let checks = host.runtime.test(denied).await.unwrap();
    for name in ["keyvalue draft", "keyvalue draft: counter", "keyvalue draft2", "keyvalue draft2: swap"] {
        assert_eq!(refused(&checks, name), "Error::AccessDenied", "{name}");
    }
    let sentence =
        "denied: wasi:keyvalue/store.open is not granted: grant the capability `storage` to the plugin";
    assert!(lines.messages().iter().any(|line| line == sentence), "{:?}", lines.messages());

    let mut small = call;
    grant(&mut small, |permissions| permissions.storage_bytes = 4);
    let checks = host.runtime.test(small).await.unwrap();
    let message = refused(&checks, "keyvalue draft");
    assert!(message.contains("Error::Other") && message.contains("`storageBytes`"), "{message}");
}

#[tokio::test]
async fn settings_are_configuration_and_secrets_are_not() {
    let host = Host::new();
    let (mut call, _) = host.call("standard").await;
    set(&mut call, "lines", 0);
    set(&mut call, "words", "as they are");
    set(&mut call, "list", json!([1, "two"]));
    let checks = host.runtime.test(call).await.unwrap();
    assert_eq!(found(&checks, "config.get"), json!("0"));
    assert_eq!(found(&checks, "config.get of nothing"), Value::Null);
    assert_eq!(
        found(&checks, "config.get-all"),
        json!([["body", "5"], ["lines", "0"], ["list", "[1,\"two\"]"], ["words", "as they are"]])
    );
}

#[tokio::test]
async fn lines_by_the_standard_are_the_runs_and_as_many() {
    let host = Host::new();
    let (mut call, lines) = host.call("standard").await;
    set(&mut call, "lines", 6);
    host.runtime.test(call.clone()).await.unwrap();
    let own: Vec<_> = lines.all().into_iter().filter(|line| line.source == LogSource::Plugin).collect();
    assert_eq!(
        own.iter().map(|line| line.level).collect::<Vec<_>>(),
        [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Error]
    );
    assert_eq!((own[2].message.as_str(), own[2].fields["context"].as_str()), ("line 2", "a-context"));
    assert_eq!(own[5].fields["level"], "critical");

    let (mut flood, lines) = host.call("standard").await;
    set(&mut flood, "lines", 20_010);
    host.runtime.test(flood).await.unwrap();
    let own = lines.all().into_iter().filter(|line| line.source == LogSource::Plugin).count();
    assert_eq!(own, 20_000);
    assert!(lines.messages().iter().any(|line| line.starts_with("one call writes at most 20000 lines")));
}
