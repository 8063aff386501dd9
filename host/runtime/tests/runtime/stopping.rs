use std::sync::Arc;
use std::time::Duration;

use mortise_model::entity::EntityKind;
use mortise_runtime::CallError;

use crate::host::{Host, Pages, everything, set};

#[tokio::test]
async fn a_call_that_was_cancelled_before_it_began_does_not_begin() {
    let host = Host::new();
    let (call, _) = host.call("hello").await;
    call.cancelled.cancel();
    assert!(matches!(host.runtime.entities(call).await, Err(CallError::Stopped)));
}

#[tokio::test]
async fn a_plugin_that_does_not_listen_is_stopped_while_it_computes() {
    let host = Host::new();
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "loop");
    let cancelled = call.cancelled.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancelled.cancel();
    });
    assert!(matches!(host.runtime.test(call).await, Err(CallError::Stopped)));
}

#[tokio::test]
async fn a_plugin_that_does_not_listen_is_stopped_between_pages() {
    let host = Host::new();
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "endless-pages");
    let cancelled = call.cancelled.clone();
    let pages = Arc::new(Pages::default());
    let pull = host.runtime.pull(call, everything(EntityKind::Account), Arc::clone(&pages) as _);
    let cancel = async {
        while pages.count() < 3 {
            tokio::task::yield_now().await;
        }
        cancelled.cancel();
    };
    let (result, ()) = tokio::join!(pull, cancel);
    assert!(matches!(result, Err(CallError::Stopped)), "{result:?}");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_gives_its_slot_back() {
    let host = Host::with(|config| config.calls = 1);
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "loop");
    let abandoned = tokio::time::timeout(Duration::from_millis(100), host.runtime.test(call)).await;
    assert!(abandoned.is_err());
    let (call, _) = host.call("hello").await;
    host.runtime.entities(call).await.unwrap();
}
