//! Runs that are recorded and had again.

use mortise_integration::{InstanceChanges, IntegrationError, ReplayOutcome};
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::instance::RecordingMode;
use mortise_query::{PageRequest, Query};
use mortise_store::collections::RECORDINGS;
use serde_json::{Value, json};

use crate::house::{House, PULL_ACCOUNT};

impl House {
    pub(crate) async fn set_recording(&self, instance: &InstanceId, mode: RecordingMode) {
        let changes = InstanceChanges { recording: Some(mode), ..InstanceChanges::default() };
        self.integration.instances().change(&self.tenant, instance, None, changes).await.unwrap();
    }

    /// The documents of recordings.
    pub(crate) async fn recordings(&self) -> Vec<Value> {
        let query = Query { page: PageRequest::first(100), ..Query::default() };
        let found = self.store.query(&self.tenant, &RECORDINGS, &query).await.unwrap();
        found.documents.iter().map(|document| document.decode().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_recorded_run_is_had_again_and_changes_nothing() {
    let house = House::new();
    let exercise = house.granted("exercise").await;
    let instance = house.link(&exercise, "Exercise", json!({ "records": 30 }), &[PULL_ACCOUNT]).await;
    let silent = house.run(&instance).await;
    assert!(house.recordings().await.is_empty(), "nothing is recorded unasked");
    let error = house.integration.runs().replay(&house.tenant, &silent.id, None).await.unwrap_err();
    assert!(error.to_string().contains("set `recording` of the instance"), "{error}");

    house.set_recording(&instance, RecordingMode::On).await;
    house.integration.instances().forget_progress(&house.tenant, &instance, PULL_ACCOUNT).await.unwrap();
    let run = house.run(&instance).await;
    let (accounts, before) = (house.accounts().await, house.last_run(&instance).await);
    let replay = house.integration.runs().replay(&house.tenant, &run.id, None).await.unwrap();
    let [pull] = replay.pulls.as_slice() else { panic!("{replay:?}") };
    assert_eq!(pull.outcome, ReplayOutcome::Same);
    assert_eq!(pull.release, exercise.release.digest);
    assert_eq!(pull.recorded, "it returned, with the bookmark 30");
    assert!(replay.log.iter().any(|line| line.message == "committed up to 30"), "{:?}", replay.log);
    assert_eq!(house.accounts().await, accounts);
    assert_eq!(house.last_run(&instance).await, before);

    // Another release that asks something else.
    let misbehaving = house.granted("misbehaving").await;
    let other = Some(misbehaving.release.digest);
    let replay = house.integration.runs().replay(&house.tenant, &run.id, other).await.unwrap();
    let ReplayOutcome::Differs(sentence) = &replay.pulls[0].outcome else { panic!("{replay:?}") };
    assert_eq!(
        sentence,
        "the plugin returned after call 1 of the host, where the recording goes on with call 2, \
         storage.get(pages/account)"
    );
    let nobodys = Some(mortise_model::id::Digest::of(b"nobody's"));
    let error = house.integration.runs().replay(&house.tenant, &run.id, nobodys).await.unwrap_err();
    assert!(matches!(error, IntegrationError::NotFound { what: "release", .. }), "{error:?}");
}

#[tokio::test]
async fn a_recording_is_sealed_and_belongs_to_its_tenant_and_run() {
    let house = House::new();
    let exercise = house.granted("exercise").await;
    let instance = house.link(&exercise, "Exercise", json!({ "records": 3 }), &[PULL_ACCOUNT]).await;
    house.set_recording(&instance, RecordingMode::On).await;
    let run = house.run(&instance).await;
    let [kept] = house.recordings().await.try_into().unwrap();
    let digest = kept["blob"].as_str().unwrap().parse().unwrap();
    let blob = house.store.get_blob(&digest).await.unwrap().unwrap();
    for clear in [&b"MREC"[..], b"storage.get", b"account"] {
        assert!(!blob.windows(clear.len()).any(|bytes| bytes == clear), "it is sealed");
    }
    let stranger: TenantId = "stranger".parse().unwrap();
    let error = house.integration.runs().replay(&stranger, &run.id, None).await.unwrap_err();
    assert!(matches!(error, IntegrationError::NotFound { what: "run", .. }), "{error:?}");
}
