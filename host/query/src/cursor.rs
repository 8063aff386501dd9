//! The place after which the next page begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::order::{SortKey, position_of};
use crate::scalar::Scalar;

/// Longest cursor text, in bytes.
pub const MAX_CURSOR: usize = 8_192;

/// The last document of a page: its values of the sort keys, and its id.
///
/// As text base64url of JSON. It is not signed here; whoever hands it out does that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// One value for each sort key.
    #[serde(rename = "k")]
    pub values: Vec<Value>,
    /// The document's id: a number or a text.
    pub id: Value,
}

/// A cursor that does not lead anywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not text that this host made.
    #[error(
        "`after` is not a cursor: pass the text of the last answer unchanged, or leave it out to start over"
    )]
    Malformed,
    /// Made for another order.
    #[error(
        "`after` belongs to another order: keep `$orderby` while paging, or leave `after` out to start over"
    )]
    OtherOrder,
}

impl Cursor {
    /// The place of a document in an order.
    pub fn at(order: &[SortKey], document: &Value, id: impl Into<Value>) -> Self {
        let values = order.iter().map(|key| key.field.read(document).to_json()).collect();
        Self { values, id: id.into() }
    }

    /// Reads the text form.
    pub fn decode(text: &str) -> Result<Self, CursorError> {
        if text.len() > MAX_CURSOR {
            return Err(CursorError::Malformed);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Malformed)?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| CursorError::Malformed)?;
        if matches!(cursor.id, Value::Number(_) | Value::String(_)) {
            Ok(cursor)
        } else {
            Err(CursorError::Malformed)
        }
    }

    /// The text form.
    pub fn encode(&self) -> String {
        let json = serde_json::json!({"k": self.values, "id": self.id});
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    /// The place in the order as bytes, to compare with [`crate::order::position`] of documents.
    ///
    /// # Errors
    /// [`CursorError::OtherOrder`] when the cursor was made for another order.
    pub fn position(&self, order: &[SortKey]) -> Result<Vec<u8>, CursorError> {
        Ok(position_of(order, self.read(order)?.into_iter()))
    }

    /// The values, one for each sort key.
    pub(crate) fn read(&self, order: &[SortKey]) -> Result<Vec<Scalar>, CursorError> {
        if self.values.len() != order.len() {
            return Err(CursorError::OtherOrder);
        }
        order
            .iter()
            .zip(&self.values)
            .map(|(key, value)| match key.field.value_type.read(value) {
                Scalar::Null if !value.is_null() => Err(CursorError::OtherOrder),
                value => Ok(value),
            })
            .collect()
    }
}
