//! What is kept for a time only is removed after it, and nothing else is.

use std::time::Duration;

use mortise_integration::RunFilter;
use mortise_model::clock::Timestamp;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::instance::RecordingMode;
use mortise_model::item::{FailedItem, ItemState};
use mortise_model::tenant::Tenant;
use mortise_scheduler::{JobContext, JobEnd, JobHandler as _};
use mortise_store::{Claim, JobFilter};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::house::{House, PULL_ACCOUNT};

const DAY: Duration = Duration::from_hours(24);

impl House {
    /// Works on the job that is due, if one is.
    async fn retain(&self) -> bool {
        let claim = Claim {
            worker: "worker".to_owned(),
            kinds: vec!["retention".to_owned()],
            now: self.now(),
            lease: Duration::from_mins(5),
            limit: 1,
            per_tenant: 10,
        };
        let Some(job) = self.store.claim_jobs(&claim).await.unwrap().pop() else { return false };
        let context = JobContext::detached(CancellationToken::new());
        assert_eq!(self.integration.retention_handler().work(&job, &context).await, JobEnd::Settled);
        true
    }

    async fn runs(&self, instance: &InstanceId) -> usize {
        let filter = RunFilter { instance: Some(instance.clone()), ..RunFilter::default() };
        self.integration.runs().list(&self.tenant, &filter, 0, 100).await.unwrap().len()
    }
}

#[tokio::test]
async fn runs_and_settled_items_are_removed_after_their_time_and_open_ones_are_not() {
    let house = House::new();
    let tenant = Tenant {
        id: house.tenant.clone(),
        name: "Acme".to_owned(),
        limits: mortise_model::tenant::TenantLimits::default(),
        created_at: house.now(),
    };
    house.put(&TenantId::system(), &tenant).await;
    let misbehaving = house.granted("misbehaving").await;
    // A record that is rubbish is a failed item.
    let with = json!({ "behaviour": "rubbish-record" });
    let instance = house.link(&misbehaving, "Rubbish", with, &[PULL_ACCOUNT]).await;
    house.set_recording(&instance, RecordingMode::On).await;
    let run = house.run(&instance).await;
    let [recording] = house.recordings().await.try_into().unwrap();
    let blob = recording["blob"].as_str().unwrap().parse().unwrap();
    let items = house.items().await;
    let settled = FailedItem {
        id: mortise_model::id::ItemId::new(),
        subject: "settled".to_owned(),
        state: ItemState::Resolved,
        updated_at: house.now(),
        ..items[0].clone()
    };
    house.put(&house.tenant, &settled).await;
    house.integration.begin_retention().await.unwrap();
    house.integration.begin_retention().await.unwrap();

    assert!(house.retain().await);
    assert!(!house.retain().await, "the next is due in an hour");
    assert_eq!((house.runs(&instance).await, house.items().await.len()), (1, items.len() + 1));

    house.clock.advance(91 * DAY);
    assert!(house.retain().await);
    assert_eq!(house.runs(&instance).await, 0);
    let log = house.integration.runs().log(&house.tenant, &run.id, 0, 10).await;
    assert!(log.is_err(), "{log:?}");
    assert!(house.recordings().await.is_empty(), "a recording goes with its run");
    assert_eq!(house.store.get_blob(&blob).await.unwrap(), None);
    assert_eq!(house.items().await, items, "what is open stays");
    let jobs = house.store.jobs(&TenantId::system(), &JobFilter::default(), 10).await.unwrap();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert!(jobs[0].due > Timestamp::from_millis(0) && jobs[0].due > house.now());
}
