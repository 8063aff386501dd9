//! Calls that are recorded, and had again with everything unplugged.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mortise_egress::{SecretError, SecretSource};
use mortise_model::connector::{Page, PullEnd, PullRequest, Receipt};
use mortise_model::entity::EntityKind;
use mortise_model::error::PluginError;
use mortise_model::plugin::Permissions;
use mortise_model::secret::SecretText;
use mortise_runtime::{Call, CallError, Player, Recorder, Recording, Returned, Sink, Tape};
use mortise_store::Write;
use simulated_erp::{Config, SimulatedErp};

use crate::far_side;
use crate::host::{Host, Pages, call_of, component, everything, grant, reach, reach_ledger, set};

/// More than any of these calls needs.
const ROOM: usize = 64 << 20;

/// Fails the test when anything of the outside is touched.
struct Unplugged;

#[async_trait]
impl SecretSource for Unplugged {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, SecretError> {
        panic!("the secret `{name}` was asked for in a replay")
    }

    async fn replace(&self, name: &str, _: SecretText) -> Result<(), SecretError> {
        panic!("the secret `{name}` was replaced in a replay")
    }
}

#[async_trait]
impl Sink for Unplugged {
    async fn commit(&self, page: Page, _: Vec<Write>) -> Result<Receipt, PluginError> {
        panic!("a page of {} records was committed in a replay", page.records.len())
    }
}

/// Has the call recorded.
fn record(call: &mut Call, most: usize) -> Recorder {
    let recorder = Recorder::new(most);
    call.tape = Tape::Record(recorder.clone());
    recorder
}

/// The same call with nothing granted, no settings, no secrets and no credentials: all there is is the recording.
fn unplugged(call: &Call, recording: &Recording) -> Call {
    // As it comes back from where it was kept.
    let recording = Recording::read(recording.bytes().clone()).unwrap();
    let mut call = call.clone();
    call.permissions = Arc::new(Permissions::default());
    call.settings = Arc::default();
    call.credentials = Arc::from([]);
    call.secrets = Arc::new(Unplugged);
    call.tape = Tape::Replay(Player::new(&recording));
    call
}

async fn replay(
    host: &Host,
    call: &Call,
    recording: &Recording,
    request: PullRequest,
) -> Result<Returned<PullEnd>, CallError> {
    host.runtime.pull(unplugged(call, recording), request, Arc::new(Unplugged)).await
}

/// What differed.
fn diverged<T: std::fmt::Debug>(result: Result<Returned<T>, CallError>) -> String {
    match result {
        Err(CallError::Diverged { message }) => message,
        other => panic!("{other:?}"),
    }
}

/// Another host, with the component and nothing else: an empty store, and an egress that may not call this machine.
async fn bare(component: Bytes) -> Host {
    let host = Host::guarded();
    host.admit(component).await.unwrap();
    host
}

#[tokio::test]
async fn a_pull_is_had_again_without_the_far_side() {
    let ledger =
        SimulatedErp::start(Config { customers: 300, invoices: 0, ..Config::default() }).await.unwrap();
    let host = Host::new();
    let admitted = host.admit(component("erp")).await.unwrap();
    let (mut call, _) = call_of(&admitted);
    reach_ledger(&mut call, &admitted.manifest, &ledger);
    set(&mut call, "page-size", 50);
    let tape = record(&mut call, ROOM);
    let pages = Arc::new(Pages::default());
    let request = everything(EntityKind::Account);
    let recorded = host.runtime.pull(call.clone(), request.clone(), Arc::clone(&pages) as _).await.unwrap();
    let committed: usize = pages.taken.lock().unwrap().iter().map(|(page, _)| page.records.len()).sum();
    assert_eq!(committed, 300);
    ledger.shutdown().await;

    let recording = tape.recording();
    assert!(!recording.is_cut());
    // The far side's credential is the host's, and so no part of what the plugin was told.
    for secret in [&b"brindle-demo-secret"[..], b"Bearer "] {
        assert!(!recording.bytes().windows(secret.len()).any(|bytes| bytes == secret));
    }
    assert_eq!(format!("{recording:?}"), format!("Recording({} bytes)", recording.bytes().len()));

    let elsewhere = bare(component("erp")).await;
    let replayed = replay(&elsewhere, &call, &recording, request).await.unwrap();
    assert_eq!(replayed.value, recorded.value);
    assert!(!elsewhere.metrics().contains(r#"function="send",outcome="answered"} 1"#));
}

#[tokio::test]
async fn every_capability_is_recorded_and_answers_again() {
    let host = Host::new();
    for guest in ["exercise", "standard"] {
        let base_url = far_side::start().await;
        let (mut call, lines) = host.call(guest).await;
        reach(&mut call, &base_url);
        let tape = record(&mut call, ROOM);
        let recorded = host.runtime.test(call.clone()).await.unwrap();
        let written = lines.messages().len();

        let elsewhere = bare(component(guest)).await;
        let again = unplugged(&call, &tape.recording());
        let replayed = elsewhere.runtime.test(again).await.unwrap();
        assert_eq!(replayed.value, recorded.value, "{guest}");
        assert!(replayed.storage.is_empty(), "{guest}: a replay writes nothing");
        assert!(lines.messages().len() > written, "{guest}: a replay's lines are written");
    }
}

#[tokio::test]
async fn clocks_and_random_numbers_of_wasi_are_recorded() {
    let host = Host::new();
    let (mut call, _) = host.call("wasi").await;
    let tape = record(&mut call, ROOM);
    let recorded = host.runtime.test(call.clone()).await.unwrap().value;
    let again = unplugged(&call, &tape.recording());
    // The checks tell the time and the random numbers that they got.
    assert_eq!(host.runtime.test(again).await.unwrap().value, recorded);
    call.tape = Tape::Off;
    assert_ne!(host.runtime.test(call).await.unwrap().value, recorded);
}

#[tokio::test]
async fn a_changed_component_is_told_at_the_call_where_it_differs() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    let tape = record(&mut call, ROOM);
    let request = everything(EntityKind::Account);
    host.runtime.pull(call.clone(), request.clone(), Arc::new(Pages::default())).await.unwrap();
    let recording = tape.recording();

    // One letter of what it logs after the first page.
    let mut bytes = component("exercise").to_vec();
    let place = bytes.windows(15).position(|bytes| bytes == b"committed up to").unwrap();
    bytes[place] = b'C';
    let changed = host.admit(bytes.into()).await.unwrap();
    let mut call_of_changed = call.clone();
    call_of_changed.release = changed.digest;
    let message = diverged(replay(&host, &call_of_changed, &recording, request.clone()).await);
    assert_eq!(
        message,
        "call 5 of the host differs in `message`: the plugin called log.write(Committed up to 10), where the recording \
         has log.write(committed up to 10)"
    );

    // Another request: pages of another size.
    let larger = PullRequest { page_size: 20, ..request.clone() };
    let message = diverged(replay(&host, &call, &recording, larger).await);
    assert!(message.starts_with("call 4 of the host differs in `records`"), "{message}");
    assert!(
        message.contains("sink.commit(20 records and 0 failures)")
            && message.contains("sink.commit(10 records and 0 failures)"),
        "{message}"
    );

    // Another function.
    let again = unplugged(&call, &recording);
    let message = diverged(host.runtime.test(again).await);
    assert_eq!(message, "the recording is of a call of `pull`, not of `test`");

    // Another plugin altogether.
    let other = host.admit(component("standard")).await.unwrap();
    let mut call_of_other = call;
    call_of_other.release = other.digest;
    let message = diverged(replay(&host, &call_of_other, &recording, request).await);
    assert!(message.contains("of the host differs") || message.contains("returned after"), "{message}");
}

#[tokio::test]
async fn a_recording_ends_at_its_limit_and_says_so() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    let most = 600;
    let tape = record(&mut call, most);
    let request = everything(EntityKind::Account);
    host.runtime.pull(call.clone(), request.clone(), Arc::new(Pages::default())).await.unwrap();
    let recording = tape.recording();
    assert!(recording.is_cut());
    assert!(recording.bytes().len() < most + 32, "{}", recording.bytes().len());
    let message = diverged(replay(&host, &call, &recording, request).await);
    assert!(message.starts_with("the recording was cut here, after "), "{message}");
    assert!(message.ends_with("at its limit of 600 bytes"), "{message}");
}

#[tokio::test]
async fn a_denial_is_an_answer_like_any_other() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    grant(&mut call, |permissions| permissions.capabilities.clear());
    let tape = record(&mut call, ROOM);
    let recorded = host.runtime.test(call.clone()).await.unwrap().value;
    assert!(recorded.iter().any(|check| !check.passed));
    let again = unplugged(&call, &tape.recording());
    assert_eq!(host.runtime.test(again).await.unwrap().value, recorded);
}

#[tokio::test]
async fn a_call_that_was_stopped_is_had_again_up_to_there() {
    let host = Host::new();
    let (mut call, _) = host.call("misbehaving").await;
    set(&mut call, "behaviour", "loop");
    call.limits.call_cpu_ms = 200;
    let tape = record(&mut call, ROOM);
    assert!(matches!(host.runtime.test(call.clone()).await, Err(CallError::Limit { .. })));
    let again = unplugged(&call, &tape.recording());
    // It gets the same answers, and so goes the same way.
    assert!(matches!(host.runtime.test(again).await, Err(CallError::Limit { .. })));
}
