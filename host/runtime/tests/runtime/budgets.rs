use std::time::Duration;

use mortise_model::connector::{Operation, PushItem};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_runtime::{Call, CallError, Limit, RuntimeError};

use crate::far_side;
use crate::host::{Host, another_tenant, grant, no_digest, reach, set};

#[track_caller]
fn limit<T: std::fmt::Debug>(result: Result<T, CallError>) -> Limit {
    match result {
        Err(CallError::Limit { limit }) => limit,
        other => panic!("no limit: {other:?}"),
    }
}

async fn misbehaving(host: &Host, behaviour: &str) -> Call {
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", behaviour);
    call
}

#[tokio::test]
async fn a_plugin_that_computes_for_ever_runs_out_of_cpu_time() {
    let host = Host::new();
    for behaviour in ["loop", "loop-in-host-calls"] {
        let mut call = misbehaving(&host, behaviour).await;
        call.limits.call_cpu_ms = 100;
        assert_eq!(limit(host.runtime.test(call).await), Limit::Cpu(Duration::from_millis(100)));
    }
}

#[tokio::test]
async fn a_plugin_that_asks_the_host_for_ever_runs_out_of_host_calls() {
    let host = Host::new();
    let call = misbehaving(&host, "loop-in-host-calls").await;
    assert_eq!(limit(host.runtime.test(call).await), Limit::HostCalls(1_000_000));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped() {
    let host = Host::new();
    let mut call = misbehaving(&host, "loop").await;
    call.limits.call_wall_ms = 300;
    assert_eq!(limit(host.runtime.test(call).await), Limit::Wall(Duration::from_millis(300)));
}

#[tokio::test]
async fn a_plugin_that_allocates_for_ever_runs_out_of_memory() {
    let host = Host::new();
    let mut call = misbehaving(&host, "allocate").await;
    call.limits.call_memory_bytes = 20 << 20;
    assert_eq!(limit(host.runtime.test(call).await), Limit::Memory(20 << 20));
}

#[tokio::test]
async fn the_operators_limit_of_memory_goes_before_the_tenants() {
    let host = Host::with(|config| config.max_call_memory_bytes = 30 << 20);
    let call = misbehaving(&host, "allocate").await;
    assert_eq!(limit(host.runtime.test(call).await), Limit::Memory(30 << 20));
}

#[tokio::test]
async fn the_memory_of_all_calls_together_is_bounded() {
    let host = Host::with(|config| config.total_memory_bytes = 30 << 20);
    let call = misbehaving(&host, "allocate").await;
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(matches!(error, CallError::Host(RuntimeError::Busy(_))), "{error:?}");
    // What the call had is given back.
    let call = misbehaving(&host, "behave").await;
    host.runtime.test(call).await.unwrap();
}

#[tokio::test]
async fn a_plugin_that_hands_over_too_much_at_once_is_stopped() {
    let host = Host::new();
    let call = misbehaving(&host, "huge-result").await;
    assert_eq!(limit(host.runtime.entities(call).await), Limit::HostCall(16 << 20));
}

#[tokio::test]
async fn a_plugin_that_calls_itself_for_ever_runs_out_of_stack() {
    let host = Host::new();
    assert_eq!(limit(host.misbehave("stack-overflow").await.0), Limit::Stack);
}

#[tokio::test]
async fn a_call_that_finds_no_slot_within_its_time_hears_that_the_host_is_busy() {
    let host = Host::with(|config| config.calls = 1);
    let mut second = misbehaving(&host, "behave").await;
    second.limits.call_wall_ms = 50;
    let first = misbehaving(&host, "loop").await;
    let cancelled = first.cancelled.clone();
    let runtime = host.runtime.clone();
    let running = tokio::spawn(async move { runtime.test(first).await });
    // The first has the only slot once a call with next to no time does not get it.
    let error = loop {
        if let Err(error) = host.runtime.test(second.clone()).await {
            break error;
        }
    };
    assert!(matches!(&error, CallError::Host(RuntimeError::Busy(_))), "{error:?}");
    assert!(error.to_string().contains("`runtime.calls`"), "{error}");
    cancelled.cancel();
    assert!(matches!(running.await.unwrap(), Err(CallError::Stopped)));
}

#[tokio::test]
async fn a_tenants_calls_wait_for_each_other_and_not_another_tenants() {
    let host = Host::with(|config| config.calls_per_tenant = 1);
    let first = misbehaving(&host, "loop").await;
    let cancelled = first.cancelled.clone();
    let runtime = host.runtime.clone();
    let running = tokio::spawn(async move { runtime.test(first).await });
    let mut second = misbehaving(&host, "behave").await;
    second.limits.call_wall_ms = 50;
    let error = loop {
        if let Err(error) = host.runtime.test(second.clone()).await {
            break error;
        }
    };
    assert!(matches!(&error, CallError::Host(RuntimeError::Busy(_))), "{error:?}");
    assert!(error.to_string().contains("`runtime.calls_per_tenant`"), "{error}");
    let mut other = misbehaving(&host, "behave").await;
    other.tenant = another_tenant();
    host.runtime.test(other).await.unwrap();
    cancelled.cancel();
    assert!(matches!(running.await.unwrap(), Err(CallError::Stopped)));
}

#[tokio::test]
async fn the_memory_of_a_tenants_calls_together_is_bounded() {
    let host = Host::with(|config| config.memory_per_tenant_bytes = 30 << 20);
    let call = misbehaving(&host, "allocate").await;
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(matches!(error, CallError::Host(RuntimeError::Busy(_))), "{error:?}");
    assert!(error.to_string().contains("`runtime.memory_per_tenant_bytes`"), "{error}");
    let call = misbehaving(&host, "behave").await;
    host.runtime.test(call).await.unwrap();
}

#[tokio::test]
async fn a_bug_is_told_with_what_the_plugin_said() {
    let host = Host::new();
    let (error, lines) = host.misbehave("panic").await;
    let error = error.unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(error.to_string().contains("unreachable"), "{error}");
    let messages = lines.messages();
    assert!(
        messages.iter().any(|line| line.contains("this plugin panics when it is asked to")),
        "{messages:?}"
    );
    let error = host.misbehave("trap").await.0.unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
}

#[tokio::test]
async fn what_a_plugin_says_is_cut_to_size() {
    let host = Host::new();
    let error = host.misbehave("huge-error").await.0.unwrap_err();
    let CallError::Plugin(PluginError::Other { message }) = error else { panic!("{error:?}") };
    assert_eq!(message.len(), 8 << 10);
    let (result, lines) = host.misbehave("huge-argument").await;
    result.unwrap();
    let lines = lines.messages();
    assert!(lines.iter().any(|line| line.len() == 8 << 10 && line.ends_with("… (cut)")));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_dammed_up() {
    let host = Host::new();
    let (result, lines) = host.misbehave("log-flood").await;
    result.unwrap();
    let lines = lines.messages();
    assert_eq!(lines.len(), 20_001);
    assert_eq!(lines[20_000], "one call writes at most 20000 lines: the rest is dropped");
}

#[tokio::test]
async fn storage_and_handles_end_with_an_error_that_names_the_limit() {
    let host = Host::new();
    for (behaviour, expected) in [
        ("storage-flood", "the instance may store 1048576 bytes of keys and values"),
        ("key-flood", "the instance may store 1048576 bytes of keys and values"),
        ("handle-flood", "a call holds at most 2000 handles at a time"),
    ] {
        let (result, _) = host.misbehave(behaviour).await;
        let error = result.unwrap_err();
        assert!(matches!(error, CallError::Plugin(PluginError::Quota { .. })), "{behaviour}: {error:?}");
        assert!(error.to_string().contains(expected), "{behaviour}: {error}");
    }
}

#[tokio::test]
async fn requests_end_with_an_error_that_names_the_limit() {
    let host = Host::new();
    let base_url = far_side::start().await;
    let (mut call, _) = host.call("misbehaving").await;
    reach(&mut call, &base_url);
    set(&mut call, "behaviour", "http-flood");
    call.limits.call_http_requests = 5;
    let error = host.runtime.test(call.clone()).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(PluginError::Quota { .. })), "{error:?}");
    set(&mut call, "behaviour", "pending-flood");
    call.limits.call_http_requests = 100_000;
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(error.to_string().contains("a call has at most 1000 requests in flight"), "{error}");
}

#[tokio::test]
async fn what_breaks_the_contract_is_a_bug() {
    let host = Host::new();
    for (behaviour, expected) in [
        ("push-too-few", "`push` returned no result for 2"),
        ("push-others", "`push` returned a result for `another`, which was not pushed"),
        ("push-twice", "`push` returned two results for 1"),
    ] {
        let call = misbehaving(&host, behaviour).await;
        let item = |id: u64| PushItem {
            idempotency_key: format!("key-{id}"),
            attempt: 1,
            operation: Operation::Create,
            id,
            external_id: None,
            data: "{}".to_owned(),
        };
        let error = host.runtime.push(call, EntityKind::Account, vec![item(1), item(2)]).await.unwrap_err();
        assert!(matches!(error, CallError::Trap { .. }), "{behaviour}: {error:?}");
        assert!(error.to_string().contains(expected), "{behaviour}: {error}");
    }
}

#[tokio::test]
async fn a_release_that_is_not_there_says_what_to_do() {
    let host = Host::new();
    let (mut call, _) = host.call("hello").await;
    call.release = no_digest();
    let error = host.runtime.entities(call).await.unwrap_err();
    assert!(error.to_string().ends_with("upload the release again"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_was_denied_says_what_to_grant() {
    let host = Host::new();
    let (mut call, lines) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "secret-ungranted");
    grant(&mut call, |permissions| permissions.secrets.clear());
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(PluginError::Denied { .. })), "{error:?}");
    assert!(error.to_string().contains("grant it to the plugin by name"), "{error}");
    assert!(lines.messages().iter().any(|line| line.starts_with("denied: the secret `another`")));
}
