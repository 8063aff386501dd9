use mortise_model::connector::{Operation, Outcome, PushItem, PushResult};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::log::{LogLevel, LogSource};
use mortise_runtime::CallMode;
use serde_json::json;

use crate::far_side;
use crate::host::{Host, found, grant, reach, set};

#[tokio::test]
async fn every_capability_answers() {
    let host = Host::new();
    let base_url = far_side::start().await;
    let (mut call, lines) = host.call("exercise").await;
    reach(&mut call, &base_url);
    let checks = host.runtime.test(call.clone()).await.unwrap();

    let context = found(&checks, "context");
    assert_eq!(context["tenant"], "acme");
    assert_eq!(context["instance"], call.instance.as_str());
    assert_eq!(context["run"], call.run.as_str());
    assert_eq!(context["idempotencyKey"], "the-key");
    assert_eq!(context["dryRun"], false);
    assert_eq!(context["cancelled"], false);
    assert!(context["now"].as_str() < context["deadline"].as_str(), "{context}");

    assert_eq!(found(&checks, "settings"), json!({ "base-url": base_url, "records": 25 }));
    let lines = lines.all();
    let own: Vec<_> = lines.iter().filter(|line| line.source == LogSource::Plugin).collect();
    assert_eq!(
        own.iter().map(|line| line.level).collect::<Vec<_>>(),
        [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error]
    );
    assert_eq!(own[0].message, "a line");
    assert_eq!(own[0].fields["text"], "x");

    let secrets = found(&checks, "secrets");
    assert_eq!(secrets["name"], "key");
    assert_eq!(
        // HMAC-SHA256 of "data" under "the key", by another implementation.
        secrets["signatures"][1],
        "8ace70d0ef64d60a50c545eafd8ebecda44b2334b773301608c443280b6d3f2c"
    );
    assert_eq!((&secrets["verified"], &secrets["forged"]), (&json!(true), &json!(false)));
    assert_eq!(found(&checks, "secret-reveal"), json!({ "bytes": 7 }));
    assert!(lines.iter().any(|line| line.source == LogSource::Host
        && line.message == "the secret `key` was given to the plugin in clear"));

    assert_eq!(found(&checks, "sink outside a pull"), "sink.commit answers only during a pull");
    found(&checks, "http to a host of nobody");
    assert_eq!(
        found(&checks, "http.send"),
        json!({ "status": 200, "body": "POST /one?q=a%20b  {\"hello\":\"there\"}" })
    );
    assert_eq!(
        found(&checks, "http.send with a credential")["body"],
        "POST /one?q=a%20b Bearer the token {\"hello\":\"there\"}"
    );
    let order = found(&checks, "http.start");
    assert_eq!(order.as_array().unwrap().len(), 3);
    assert!(order.as_array().unwrap().iter().all(|answer| answer["status"] == 200), "{order}");
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let host = Host::new();
    let base_url = far_side::start().await;
    let (mut call, lines) = host.call("exercise").await;
    reach(&mut call, &base_url);
    call.mode = CallMode::DryRun;
    let checks = host.runtime.test(call).await.unwrap();
    assert_eq!(found(&checks, "context")["dryRun"], true);
    let sent = checks.value.iter().find(|check| check.name == "http.send").unwrap();
    assert!(
        sent.message.contains("this is a dry run: only GET, HEAD and OPTIONS are sent, not POST"),
        "{sent:?}"
    );
    assert_eq!(found(&checks, "http.start").as_array().unwrap().len(), 3);
    assert!(lines.messages().iter().any(|line| line.starts_with("denied: this is a dry run")));
}

#[tokio::test]
async fn a_call_sees_nothing_of_the_one_before() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    for calls in [0, 1] {
        let checks = host.runtime.test(call.clone()).await.unwrap();
        // The storage is the only thing that outlives a call.
        assert_eq!(found(&checks, "storage")["calls"], calls);
        host.keep(&call, checks.storage).await;
    }
}

#[tokio::test]
async fn what_is_pushed_gets_its_outcome_in_order() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let item = |id: u64, name: &str| PushItem {
        idempotency_key: format!("key-{id}"),
        attempt: 1,
        operation: Operation::Create,
        id,
        external_id: None,
        data: json!({ "name": name }).to_string(),
    };
    let items = vec![item(3, "plain"), item(1, "skipped"), item(2, "failed"), item(9, "retryable")];
    let results = host.runtime.push(call, EntityKind::Account, items).await.unwrap().value;
    assert_eq!(results.iter().map(|result| result.id).collect::<Vec<_>>(), [3, 1, 2, 9]);
    let stored = Outcome::Stored { external_id: "X-3".to_owned(), note: "key-3".to_owned() };
    assert_eq!(results[0].outcome, stored);
    assert_eq!(results[1].outcome, Outcome::Skipped("as told".to_owned()));
    let Outcome::Failed(PluginError::Failed { code, answer, .. }) = &results[2].outcome else {
        panic!("{results:?}")
    };
    assert_eq!((code.as_str(), answer.as_deref()), ("as-told", Some("418\nteapot")));
    let retryable = PluginError::Retryable { after_ms: Some(1_500), message: "as told".to_owned() };
    assert_eq!(results[3].outcome, Outcome::Failed(retryable));
}

#[tokio::test]
async fn one_record_is_read_by_its_id() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let read =
        async |id: &str| host.runtime.pull_one(call.clone(), EntityKind::Account, id).await.unwrap().value;
    assert_eq!(read("missing").await, None);
    assert_eq!(read("gone").await.unwrap().data, None);
    assert_eq!(read("E-1").await.unwrap().data.unwrap(), r#"{"name":"Record E-1"}"#);
}

#[tokio::test]
async fn entities_are_listed_and_calls_are_counted() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    set(&mut call, "records", 1);
    grant(&mut call, |permissions| permissions.capabilities.clear());
    let entities = host.runtime.entities(call).await.unwrap().value;
    assert_eq!(entities.len(), 2);
    assert!(entities[0].pull && entities[0].push && !entities[1].push, "{entities:?}");
    let metrics = host.metrics();
    for line in [
        r#"runtime_calls_total{function="entities",outcome="succeeded"} 1"#,
        r#"runtime_call_duration_seconds_count{function="entities"} 1"#,
        "runtime_guest_memory_bytes 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn the_small_job_adds_up_its_invoice_and_logs_once() {
    let host = Host::new();
    let (call, lines) = host.call("small-job").await;
    let item = PushItem {
        idempotency_key: "key".to_owned(),
        attempt: 1,
        operation: Operation::Create,
        id: 7,
        external_id: None,
        data: json!({
            "number": "R-1", "currency": "EUR",
            "items": [{ "quantity": "3", "unitPrice": "12.50" }, { "quantity": "2", "unitPrice": "0.25" }],
        })
        .to_string(),
    };
    let pushed = host.runtime.push(call, EntityKind::Invoice, vec![item]).await.unwrap();
    let outcome = Outcome::Stored { external_id: "R-1".to_owned(), note: "38.00".to_owned() };
    assert_eq!(pushed.value, [PushResult { id: 7, outcome }]);
    assert_eq!(lines.messages(), ["added up an invoice"]);
}
