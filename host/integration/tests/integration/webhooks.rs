//! Webhooks, verified and read by a real component.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use mortise_integration::{NewInstance, WebhookError};
use mortise_model::id::InstanceId;
use mortise_model::instance::{Direction, SyncAction};
use mortise_model::log::LogLevel;
use mortise_model::run::{RunStatus, Trigger};
use mortise_model::secret::SecretText;
use mortise_model::webhook::{Delivery, InboundAnswer, InboundRequest, WaitingChange};
use mortise_query::{PageRequest, Query};
use mortise_scheduler::{JobContext, JobEnd, JobHandler as _};
use mortise_store::StoreExt as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use crate::house::{House, PULL_ACCOUNT, settings};

const KEY: &str = "the key of the far side";

impl House {
    async fn hooked(&self, actions: &[SyncAction]) -> InstanceId {
        let exercise = self.granted("exercise").await;
        let new = NewInstance {
            name: "Hooked".to_owned(),
            plugin: exercise.plugin.name.clone(),
            settings: settings(json!({ "records": 1 })),
            secrets: BTreeMap::from([("key".to_owned(), SecretText::new(KEY))]),
            actions: Some(actions.to_vec()),
            log_level: LogLevel::Info,
        };
        self.integration.instances().create(&self.tenant, new).await.unwrap().0.id
    }

    async fn send(
        &self,
        instance: &InstanceId,
        body: &Value,
        key: &str,
    ) -> Result<InboundAnswer, WebhookError> {
        let body = body.to_string().into_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(&body);
        let request = InboundRequest {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: vec![("x-signature".to_owned(), hex::encode(mac.finalize().into_bytes()))],
            body,
            received_at: self.now(),
        };
        self.integration.webhooks().receive(&self.tenant, instance, request).await
    }

    async fn work(&self) {
        let job = self.claim().await;
        let context = JobContext::detached(CancellationToken::new());
        assert_eq!(self.integration.sync_handler().work(&job, &context).await, JobEnd::Settled);
    }

    async fn waiting(&self) -> Vec<WaitingChange> {
        let query = Query { page: PageRequest::first(100), ..Query::default() };
        self.store.select(&self.tenant, &query).await.unwrap()
    }

    async fn deliveries(&self, instance: &InstanceId) -> Vec<Delivery> {
        self.integration.webhooks().deliveries(&self.tenant, instance, 0, 100).await.unwrap()
    }
}

#[tokio::test]
async fn what_a_webhook_names_is_taken_in_by_a_run_of_its_own() {
    let house = House::new();
    let instance = house.hooked(&[PULL_ACCOUNT]).await;
    let answer = house.send(&instance, &json!({ "account": "A-1" }), KEY).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"thanks"[..]));
    house.send(&instance, &json!({ "account": "A-2", "name": "Carried" }), KEY).await.unwrap();
    assert_eq!(house.waiting().await.len(), 2);
    house.work().await;
    let run = house.last_run(&instance).await;
    assert_eq!((&run.trigger, run.status), (&Trigger::Webhook, RunStatus::Succeeded), "{:?}", run.error);
    let mut names: Vec<_> = house.accounts().await.into_iter().map(|account| account.fields.name).collect();
    names.sort();
    // One was asked for, the other came with the webhook; nothing else was pulled.
    assert_eq!(names, ["Carried", "Record A-1"]);
    assert_eq!(house.waiting().await, []);
    let deliveries = house.deliveries(&instance).await;
    assert_eq!(
        deliveries.iter().map(|delivery| (delivery.status, delivery.changes)).collect::<Vec<_>>(),
        [(200, 1); 2]
    );
}

#[tokio::test]
async fn a_webhook_that_the_far_side_did_not_sign_is_refused_and_leaves_nothing() {
    let house = House::new();
    let instance = house.hooked(&[PULL_ACCOUNT]).await;
    let error = house.send(&instance, &json!({ "account": "A-1" }), "another key").await.unwrap_err();
    assert!(matches!(error, WebhookError::Unauthorized(_)), "{error:?}");
    assert_eq!(house.waiting().await, []);
    assert_eq!(house.deliveries(&instance).await, []);
}

#[tokio::test]
async fn an_event_that_comes_again_is_answered_again_and_taken_once() {
    let house = House::new();
    let instance = house.hooked(&[PULL_ACCOUNT]).await;
    let event = json!({ "account": "A-1", "id": "e-1" });
    house.send(&instance, &event, KEY).await.unwrap();
    house.work().await;
    let answer = house.send(&instance, &event, KEY).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(house.waiting().await, []);
    assert_eq!(house.deliveries(&instance).await.len(), 1);
    house.send(&instance, &json!({ "account": "A-1", "id": "e-2" }), KEY).await.unwrap();
    assert_eq!(house.waiting().await.len(), 1);
}

#[tokio::test]
async fn what_the_instance_does_not_pull_is_left_out_and_a_paused_one_takes_nothing() {
    let house = House::new();
    let push = SyncAction { direction: Direction::Push, ..PULL_ACCOUNT };
    let instance = house.hooked(&[push]).await;
    house.send(&instance, &json!({ "account": "A-1" }), KEY).await.unwrap();
    assert_eq!(house.waiting().await, []);
    assert_eq!(house.deliveries(&instance).await[0].changes, 0);
    house.integration.instances().pause(&house.tenant, &instance, "for now".to_owned()).await.unwrap();
    let error = house.send(&instance, &json!({ "account": "A-1" }), KEY).await.unwrap_err();
    assert!(matches!(error, WebhookError::Later { .. }), "{error:?}");
}

#[tokio::test]
async fn an_instance_is_removed_with_its_webhooks() {
    let house = House::new();
    let instance = house.hooked(&[PULL_ACCOUNT]).await;
    house.send(&instance, &json!({ "account": "A-1", "id": "e-1" }), KEY).await.unwrap();
    house.integration.instances().remove(&house.tenant, &instance).await.unwrap();
    assert_eq!(house.waiting().await, []);
    let query = Query { page: PageRequest::first(10), ..Query::default() };
    assert_eq!(house.store.select::<Delivery>(&house.tenant, &query).await.unwrap(), []);
    let error = house.send(&instance, &json!({ "account": "A-1" }), KEY).await.unwrap_err();
    assert!(matches!(error, WebhookError::NotFound), "{error:?}");
}

#[tokio::test]
async fn a_plugin_that_fails_over_a_webhook_is_shown_to_the_tenant_and_not_to_the_sender() {
    let house = House::new();
    let misbehaving = house.granted("misbehaving").await;
    let with = json!({ "behaviour": "trap" });
    let instance = house.link(&misbehaving, "Trap", with, &[PULL_ACCOUNT]).await;
    let error = house.send(&instance, &json!({}), KEY).await.unwrap_err();
    assert_eq!(error.to_string(), "the connector failed: its deliveries say why");
    let deliveries = house.deliveries(&instance).await;
    assert_eq!((deliveries[0].status, deliveries[0].error.is_some()), (502, true), "{deliveries:?}");
}
