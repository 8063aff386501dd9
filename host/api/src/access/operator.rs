//! The operator's own key.

use mortise_model::access::{ApiKey, Scope};
use mortise_model::id::TenantId;
use mortise_model::secret::SecretText;
use mortise_store::{Batch, Expect, Origin, StoreError, StoreExt as _};

use super::credentials::hash;
use crate::app::App;

/// The id of the operator's key: there is one place for it, so a new key takes the old one's.
const OPERATOR_KEY: &str = "key_00000000000000000000000000000000";

/// Makes `key` the operator's, in place of the one before.
pub(crate) async fn register_operator_key(app: &App, key: &SecretText) -> Result<(), StoreError> {
    let system = TenantId::system();
    let hash = hash(key.reveal());
    let present = app.store.load::<ApiKey>(&system, OPERATOR_KEY).await?;
    if present.is_some_and(|(present, _)| present.hash == hash && present.scopes.len() == Scope::ALL.len()) {
        return Ok(());
    }
    let id = OPERATOR_KEY.parse().map_err(|error| StoreError::Corrupt(format!("{error}")))?;
    let operator = ApiKey {
        id,
        tenant: None,
        name: "operator".to_owned(),
        scopes: Scope::ALL.into_iter().collect(),
        hash,
        expires_at: None,
        created_at: app.now(),
    };
    let mut batch = Batch::new(system, Origin::Host, app.now());
    batch.put(&operator, Expect::Any)?;
    app.store.commit(batch).await?;
    Ok(())
}
