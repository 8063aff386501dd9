use std::sync::Arc;

use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_runtime::CallError;
use mortise_store::Write;

use crate::host::{Host, Pages, everything, set};

#[tokio::test]
async fn a_pull_hands_over_its_pages_with_what_it_wrote() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let pages = Arc::new(Pages::default());
    let end = host
        .runtime
        .pull(call.clone(), everything(EntityKind::Invoice), Arc::clone(&pages) as _)
        .await
        .unwrap();
    assert_eq!(end.value.bookmark.as_deref(), Some("25"));
    assert!(end.storage.is_empty(), "what was committed is not handed over again: {:?}", end.storage);
    let taken = pages.taken.lock().unwrap();
    assert_eq!(taken.iter().map(|(page, _)| page.records.len()).collect::<Vec<_>>(), [10, 10, 6]);
    let (last, writes) = &taken[2];
    assert_eq!(last.next_cursor, "25");
    assert_eq!(last.reported_total, Some(25));
    assert_eq!(last.records[5].external_id, "E-0");
    assert_eq!(last.records[5].data, None);
    assert_eq!(last.failures[0].external_id.as_deref(), Some("E-bad"));
    assert!(matches!(last.failures[0].error, PluginError::Rejected { .. }));
    let [Write::Put { id, body, .. }] = &writes[..] else { panic!("{writes:?}") };
    assert_eq!(id.to_string(), format!("{}/pages/invoice", call.instance));
    assert!(body.contains('1'), "nobody kept the first two: {body}");
}

#[tokio::test]
async fn an_interrupted_pull_goes_on_at_its_cursor() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let pages = Arc::new(Pages::default());
    let mut request = everything(EntityKind::Account);
    request.cursor = Some("20".to_owned());
    host.runtime.pull(call, request, Arc::clone(&pages) as _).await.unwrap();
    let taken = pages.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].0.records[0].external_id, "E-21");
}

#[tokio::test]
async fn a_page_that_breaks_a_bound_is_refused_and_never_reaches_the_sink() {
    let host = Host::new();
    for (behaviour, expected) in [
        ("large-page", "at most 5000 records"),
        ("long-id", "has 257 bytes, not 1 to 256"),
        ("long-cursor", "more than 4096 bytes"),
    ] {
        let (mut call, _) = host.call("misbehaving").await;
        set(&mut call, "behaviour", behaviour);
        let pages = Arc::new(Pages::default());
        let pull = host.runtime.pull(call, everything(EntityKind::Account), Arc::clone(&pages) as _);
        let error = pull.await.unwrap_err();
        assert!(matches!(error, CallError::Plugin(PluginError::Failed { .. })), "{behaviour}: {error:?}");
        assert!(error.to_string().contains(expected), "{behaviour}: {error}");
        assert_eq!(pages.count(), 0, "{behaviour}");
    }
}

#[tokio::test]
async fn a_refused_page_is_the_plugins_to_return() {
    let host = Host::new();
    let (call, _) = host.call("exercise").await;
    let refusal = PluginError::failed("no", "not now");
    let pages = Arc::new(Pages { refusal: Some(refusal.clone()), ..Pages::default() });
    let error = host.runtime.pull(call, everything(EntityKind::Account), pages).await.unwrap_err();
    let CallError::Plugin(error) = error else { panic!("{error:?}") };
    assert_eq!(error, refusal);
}

#[tokio::test]
async fn a_bookmark_that_is_too_long_is_a_bug() {
    let host = Host::new();
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "long-bookmark");
    let pull = host.runtime.pull(call, everything(EntityKind::Account), Arc::new(Pages::default()));
    let error = pull.await.unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(error.to_string().contains("a bookmark of 4098 bytes, more than 4096"), "{error}");
}
