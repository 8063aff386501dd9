//! A stored value as JSON: `{"text": "..."}`, or `{"bytes": "..."}` in Base64. A text that JSON would make much longer
//! than it is, with an escape for every character, is `{"text-base64": "..."}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mortise_store::{Document, StoreError};
use serde::Deserialize;
use serde_json::json;

use crate::bindings::contract::types::Content;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored {
    Text(String),
    TextBase64(String),
    Bytes(String),
}

/// Longest JSON of a text, in bytes. Below the longest body of a document.
const MAX_TEXT: usize = 512 << 10;

pub(super) fn encode(value: &Content) -> String {
    match value {
        Content::Text(text) => {
            let body = json!({ "text": text }).to_string();
            if body.len() <= MAX_TEXT {
                body
            } else {
                json!({ "text-base64": STANDARD.encode(text) }).to_string()
            }
        }
        Content::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }).to_string(),
    }
}

pub(super) fn decode(document: &Document) -> Result<Content, StoreError> {
    let corrupt = |error: &dyn std::error::Error| {
        StoreError::Corrupt(format!("document {} does not read back: {error}", document.id))
    };
    match document.decode()? {
        Stored::Text(text) => Ok(Content::Text(text)),
        Stored::TextBase64(text) => {
            let bytes = STANDARD.decode(text).map_err(|error| corrupt(&error))?;
            String::from_utf8(bytes).map(Content::Text).map_err(|error| corrupt(&error))
        }
        Stored::Bytes(text) => STANDARD.decode(text).map(Content::Bytes).map_err(|error| corrupt(&error)),
    }
}

pub(super) fn bytes(value: &Content) -> &[u8] {
    match value {
        Content::Text(text) => text.as_bytes(),
        Content::Bytes(bytes) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use mortise_store::Version;

    use super::*;

    #[test]
    fn a_value_reads_back_in_the_form_it_was_written_in() {
        let escapes = "\0".repeat(256 << 10);
        for value in
            [Content::Text("grün \0".to_owned()), Content::Text(escapes), Content::Bytes(vec![0, 255])]
        {
            let document = Document { id: "x".into(), version: Version(1), body: encode(&value) };
            assert!(document.body.len() <= MAX_TEXT);
            let read = decode(&document).unwrap();
            assert_eq!(bytes(&read), bytes(&value));
            assert_eq!(matches!(read, Content::Text(_)), matches!(value, Content::Text(_)));
        }
    }
}
