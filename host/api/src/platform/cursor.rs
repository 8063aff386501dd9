//! Cursors on their way out and in: signed, so that only places this host gave out are taken back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mortise_model::id::TenantId;
use mortise_query::{Cursor, CursorError};
use mortise_store::collections::HOST_KEYS;
use mortise_store::{Batch, Conflict, Document, DocumentId, Expect, Origin, StoreError, Write};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::OnceCell;

use crate::app::App;
use crate::problem::Problem;

/// What the key is kept under.
const KEY_ID: &str = "cursors";
/// Bytes of the key: one block of the hash.
const KEY: usize = 64;
/// Bytes of a signature that go with a cursor.
const SIGNATURE: usize = 16;

/// The key that cursors are signed with: made at the first start, the same for every host on the store.
#[derive(Debug, Default)]
pub(crate) struct CursorKey(OnceCell<[u8; KEY]>);

#[derive(Serialize, Deserialize)]
struct StoredKey {
    key: Vec<u8>,
}

impl CursorKey {
    async fn get(&self, app: &App) -> Result<&[u8; KEY], StoreError> {
        self.0.get_or_try_init(|| find_or_make(app)).await
    }
}

async fn find_or_make(app: &App) -> Result<[u8; KEY], StoreError> {
    if let Some(key) = find(app).await? {
        return Ok(key);
    }
    let key: [u8; KEY] = rand::random();
    let body = serde_json::to_string(&StoredKey { key: key.to_vec() })
        .map_err(|error| StoreError::Corrupt(format!("the key of cursors does not serialise: {error}")))?;
    let mut batch = Batch::new(TenantId::system(), Origin::Host, app.now());
    batch.push(Write::Put { collection: &HOST_KEYS, id: KEY_ID.into(), expect: Expect::Absent, body });
    match app.store.commit(batch).await {
        Ok(_) => Ok(key),
        // Another host was faster: its key is the one.
        Err(StoreError::Conflict(Conflict::Document { .. })) => {
            find(app).await?.ok_or_else(|| StoreError::Corrupt("the key of cursors is gone".to_owned()))
        }
        Err(error) => Err(error),
    }
}

async fn find(app: &App) -> Result<Option<[u8; KEY]>, StoreError> {
    let found = app.store.get(&TenantId::system(), &HOST_KEYS, &DocumentId::from(KEY_ID)).await?;
    let stored: Option<StoredKey> = found.as_ref().map(Document::decode).transpose()?;
    stored
        .map(|stored| {
            stored.key.try_into().map_err(|_| {
                StoreError::Corrupt("the key of cursors has another length than this host makes".to_owned())
            })
        })
        .transpose()
}

/// The text of a cursor into a collection of a tenant.
pub(super) async fn sign(
    app: &App,
    tenant: &TenantId,
    collection: &str,
    cursor: &Cursor,
) -> Result<String, Problem> {
    let text = cursor.encode();
    let signature = signature(app.cursor_key.get(app).await?, tenant, collection, &text);
    Ok(format!("{text}.{signature}"))
}

/// Reads the text of a cursor into the same collection of the same tenant.
pub(super) async fn open(
    app: &App,
    tenant: &TenantId,
    collection: &str,
    text: &str,
) -> Result<Cursor, Problem> {
    let (cursor, signed) = text.rsplit_once('.').ok_or(CursorError::Malformed)?;
    let expected = signature(app.cursor_key.get(app).await?, tenant, collection, cursor);
    if !bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signed.as_bytes())) {
        return Err(CursorError::Malformed.into());
    }
    Ok(Cursor::decode(cursor)?)
}

fn signature(key: &[u8; KEY], tenant: &TenantId, collection: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new(key.into());
    for part in [tenant.as_str(), collection, text] {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    let bytes = mac.finalize().into_bytes();
    URL_SAFE_NO_PAD.encode(bytes.get(..SIGNATURE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_one_tenant_one_collection_and_one_text() {
        let (a, b): (TenantId, TenantId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let key = [1; KEY];
        let signed = signature(&key, &a, "accounts", "x");
        assert_eq!(signature(&key, &a, "accounts", "x"), signed);
        for other in [
            signature(&key, &b, "accounts", "x"),
            signature(&key, &a, "invoices", "x"),
            signature(&key, &a, "accounts", "y"),
            signature(&[2; KEY], &a, "accounts", "x"),
        ] {
            assert_ne!(other, signed);
        }
    }
}
