//! Secrets: sealed at rest, never shown.

use mortise_integration::{IntegrationConfig, Vault};
use mortise_model::clock::Clock;
use mortise_model::secret::SecretText;
use mortise_store::collections::SECRETS;
use std::sync::Arc;

use crate::expect::{invalid_at, not_found};
use crate::house::House;

fn vault(house: &House, digits: &str) -> Vault {
    let clock: Arc<dyn Clock> = Arc::clone(&house.clock) as _;
    Vault::new(&SecretText::new(digits.repeat(32)), Arc::clone(&house.store), clock).unwrap()
}

#[tokio::test]
async fn a_secret_is_read_by_calls_and_shown_to_nobody() {
    let house = House::new();
    let id = house.instance().await.id;
    let source = vault(&house, "22").of_instance(&house.tenant, &id);
    let value = source.secret("token").await.unwrap().unwrap();
    assert_eq!(value.reveal(), "hush-hush");
    assert_eq!(source.secret("spare").await.unwrap(), None);
    let secrets = house.integration.instances().secrets(&house.tenant, &id).await.unwrap();
    let shown: Vec<_> =
        secrets.iter().map(|secret| (secret.name.as_str(), secret.required, secret.set_at)).collect();
    assert_eq!(shown, [("token", true, Some(house.now())), ("spare", false, None)]);
    let stored = house.store.get(&house.tenant, &SECRETS, &format!("{id}/token").into()).await.unwrap();
    assert!(!stored.unwrap().body.contains("hush"));
    for entry in walk(house.directory()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        assert!(!bytes.windows(9).any(|window| window == b"hush-hush"), "{}", entry.display());
    }
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test]
async fn under_another_master_key_the_error_names_the_secret() {
    let house = House::new();
    let id = house.instance().await.id;
    let error = vault(&house, "33").of_instance(&house.tenant, &id).secret("token").await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("`token`") && message.contains("cannot be opened with this master key"),
        "{message}"
    );
    let report = house.under_another_key().instances().test(&house.tenant, &id).await.unwrap();
    assert!(report.error.unwrap().to_string().contains("cannot be opened with this master key"));
}

#[tokio::test]
async fn a_sealed_value_does_not_open_in_another_place() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    instances.set_secret(&house.tenant, &id, "spare", SecretText::new("other")).await.unwrap();
    let read = |name: &str| format!("{id}/{name}");
    let token = house.store.get(&house.tenant, &SECRETS, &read("token").into()).await.unwrap().unwrap();
    let spare = house.store.get(&house.tenant, &SECRETS, &read("spare").into()).await.unwrap().unwrap();
    let sealed = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["sealed"].clone();
    let mut moved: serde_json::Value = serde_json::from_str(&spare.body).unwrap();
    moved["sealed"] = sealed(&token.body);
    let mut batch = mortise_store::Batch::new(house.tenant.clone(), mortise_store::Origin::Host, house.now());
    batch.push(mortise_store::Write::Put {
        collection: &SECRETS,
        id: read("spare").into(),
        expect: mortise_store::Expect::Any,
        body: moved.to_string(),
    });
    house.store.commit(batch).await.unwrap();
    assert!(vault(&house, "22").of_instance(&house.tenant, &id).secret("spare").await.is_err());
}

#[tokio::test]
async fn a_replaced_value_is_there_at_once_and_only_where_one_was() {
    let house = House::new();
    let id = house.instance().await.id;
    let source = vault(&house, "22").of_instance(&house.tenant, &id);
    source.replace("token", SecretText::new("rotated")).await.unwrap();
    assert_eq!(source.secret("token").await.unwrap().unwrap().reveal(), "rotated");
    let error = source.replace("spare", SecretText::new("x")).await.unwrap_err();
    assert!(error.to_string().contains("removed meanwhile"), "{error}");
    let error = source.replace("token", SecretText::new("x".repeat(16 * 1024 + 1))).await.unwrap_err();
    assert!(error.to_string().contains("at most 16384 bytes"), "{error}");
}

#[tokio::test]
async fn a_secret_is_declared_not_empty_and_not_too_long() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    let set = |name: &'static str, value: String| {
        instances.set_secret(&house.tenant, &id, name, SecretText::new(value))
    };
    not_found(set("unknown", "x".to_owned()).await, "secret");
    invalid_at(set("token", String::new()).await, "/value", "required");
    invalid_at(set("token", "x".repeat(16 * 1024 + 1)).await, "/value", "too-long");
    set("token", "x".repeat(16 * 1024)).await.unwrap();
}

#[tokio::test]
async fn a_removed_secret_is_gone() {
    let house = House::new();
    let id = house.instance().await.id;
    let instances = house.integration.instances();
    instances.remove_secret(&house.tenant, &id, "token").await.unwrap();
    assert_eq!(instances.secrets(&house.tenant, &id).await.unwrap()[0].set_at, None);
    not_found(instances.remove_secret(&house.tenant, &id, "token").await, "secret");
}

#[test]
fn a_master_key_is_32_bytes_as_hexadecimal_text() {
    let house = House::new();
    let clock: Arc<dyn Clock> = Arc::clone(&house.clock) as _;
    for key in ["", "22", "not hexadecimal", &"22".repeat(33)] {
        let config = IntegrationConfig::new(SecretText::new(key));
        let result = Vault::new(&config.master_key, Arc::clone(&house.store), Arc::clone(&clock));
        let message = result.unwrap_err().to_string();
        assert!(message.contains("64 hexadecimal digits"), "{message}");
    }
}
