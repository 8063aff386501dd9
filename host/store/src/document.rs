//! A document: an id, a version and JSON text.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The id of a document within its collection. Numbers sort as numbers and before texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DocumentId {
    /// A whole number.
    Number(u64),
    /// A text of 1 to 576 bytes.
    Text(String),
}

impl From<u64> for DocumentId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for DocumentId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for DocumentId {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The state of a document: the sequence of the batch that wrote it. Compare for equality only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A document as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Its state.
    pub version: Version,
    /// The JSON text, byte for byte as it was written.
    pub body: String,
}

impl Document {
    /// The body as a typed value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the body is not what the type expects.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_str(&self.body)
            .map_err(|error| StoreError::Corrupt(format!("document {} does not read back: {error}", self.id)))
    }
}
