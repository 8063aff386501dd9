use mortise_runtime::CallError;
use mortise_store::{DocumentId, Write, collections::PLUGIN_STORAGE};
use serde_json::json;

use crate::host::{Host, another_tenant, found, grant, set};

#[tokio::test]
async fn a_call_sees_its_own_writes_and_hands_them_over() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let checks = host.runtime.test(call.clone()).await.unwrap();
    assert_eq!(
        found(&checks, "storage"),
        json!({ "before": null, "written": 1, "deleted": null, "calls": 0 })
    );
    assert_eq!(found(&checks, "storage.list-keys"), json!(["list/a", "list/b", "list/c"]));
    let id = |key: &str| DocumentId::Text(format!("{}/{key}", call.instance));
    let written: Vec<_> = checks
        .storage
        .iter()
        .map(|write| match write {
            Write::Put { id, .. } | Write::Delete { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(written, ["calls", "list/a", "list/b", "list/c", "other", "value"].map(id));
    assert!(matches!(checks.storage.last(), Some(Write::Delete { .. })), "the call deleted `value`");
    // Nothing is in the store before somebody keeps it.
    assert_eq!(host.store.get(&call.tenant, &PLUGIN_STORAGE, &id("calls")).await.unwrap(), None);
}

#[tokio::test]
async fn a_swap_is_kept_at_once_and_only_if_nothing_changed() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let expected = json!(["swapped", "changed to 1", "swapped", "changed to 3", "missing"]);
    let first = host.runtime.test(call.clone()).await.unwrap();
    assert_eq!(found(&first, "storage.compare-and-swap"), expected);
    let id = DocumentId::Text(format!("{}/swapped", call.instance));
    let kept = host.store.get(&call.tenant, &PLUGIN_STORAGE, &id).await.unwrap().unwrap();
    assert!(kept.body.contains('3'), "{}", kept.body);
    // Now the key is there, and the guest deletes it before it swaps.
    let second = host.runtime.test(call.clone()).await.unwrap();
    assert_eq!(found(&second, "storage.compare-and-swap"), expected);
}

#[tokio::test]
async fn keys_are_listed_from_the_store_and_the_call_together() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    for _ in 0..2 {
        let checks = host.runtime.test(call.clone()).await.unwrap();
        assert_eq!(found(&checks, "storage.list-keys"), json!(["list/a", "list/b", "list/c"]));
        host.keep(&call, checks.storage).await;
    }
}

#[tokio::test]
async fn instances_and_tenants_do_not_see_each_others_keys() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let checks = host.runtime.test(call.clone()).await.unwrap();
    host.keep(&call, checks.storage).await;
    let (another_instance, _) = host.call("exercise").await;
    let mut another = call.clone();
    another.tenant = another_tenant();
    for other in [another_instance, another] {
        let checks = host.runtime.test(other).await.unwrap();
        assert_eq!(found(&checks, "storage")["calls"], 0);
    }
}

#[tokio::test]
async fn the_smaller_of_grant_and_limit_is_what_may_be_stored() {
    let host = Host::new();
    for (granted, limit) in [(300 << 10, 10 << 20), (10 << 20, 300 << 10)] {
        let (mut call, _) = host.call("misbehaving").await;
        set(&mut call, "behaviour", "storage-flood");
        grant(&mut call, |permissions| permissions.storage_bytes = granted);
        call.limits.storage_bytes = limit;
        let error = host.runtime.test(call).await.unwrap_err();
        assert!(matches!(error, CallError::Plugin(_)), "{error:?}");
        assert!(error.to_string().contains("may store 307200 bytes"), "{error}");
    }
}

#[tokio::test]
async fn what_is_kept_counts_in_the_next_call() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    let checks = host.runtime.test(call.clone()).await.unwrap();
    host.keep(&call, checks.storage).await;
    // Less than what is kept already: the same writes replace it, and nothing may be added.
    grant(&mut call, |permissions| permissions.storage_bytes = 20);
    let checks = host.runtime.test(call).await.unwrap().value;
    let storage = checks.iter().find(|check| check.name == "storage").unwrap();
    assert!(storage.message.contains("may store 20 bytes"), "{storage:?}");
}

#[tokio::test]
async fn a_key_that_is_too_long_is_refused() {
    let host = Host::new();
    let (result, _) = host.misbehave("long-key").await;
    let error = result.unwrap_err();
    assert!(error.to_string().contains("a key has 1 to 512 bytes, not 513"), "{error}");
}
