//! The id of a request: the caller's own where it is sane, else a new one.

use http::{HeaderMap, HeaderName, HeaderValue};
use mortise_model::id::RequestId;

/// The header that carries it, both ways.
pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a caller, in characters.
const MAX_LENGTH: usize = 128;

/// The id of a request, as text.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(&X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| is_sane(text))
        .map_or_else(|| RequestId::new().to_string(), str::to_owned)
}

/// The id as a header's value.
pub(crate) fn header_value(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn is_sane(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(text: &str) -> String {
        request_id(&HeaderMap::from_iter([(X_REQUEST_ID.clone(), HeaderValue::from_str(text).unwrap())]))
    }

    #[test]
    fn a_sane_id_of_the_caller_is_kept() {
        assert_eq!(id_of("trace-1_a.B"), "trace-1_a.B");
    }

    #[test]
    fn another_text_is_replaced_by_a_new_id() {
        for text in ["", "a b", "x\"y", &"x".repeat(MAX_LENGTH + 1)] {
            assert!(id_of(text).starts_with("req_"), "{text}");
        }
    }
}
