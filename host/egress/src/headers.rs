//! The headers of a request as a plugin asks for them.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Delivery, EgressError, EgressErrorKind};

/// Bytes of all header names and values of a request, and of an answer.
pub(crate) const MAX_HEADER_BYTES: usize = 64 << 10;

/// Header fields of one request.
const MAX_HEADERS: usize = 200;

/// What belongs to the connection (RFC 9110, 7.6.1) or is the host's to say.
const REFUSED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads the headers a plugin gave.
pub(crate) fn read_headers(headers: &[(String, String)]) -> Result<HeaderMap, EgressError> {
    if headers.len() > MAX_HEADERS {
        return Err(invalid(format!(
            "the request has {} headers: {MAX_HEADERS} are the most",
            headers.len()
        )));
    }
    let size = headers.iter().map(|(name, value)| name.len() + value.len()).fold(0, usize::saturating_add);
    if size > MAX_HEADER_BYTES {
        return Err(invalid(format!(
            "the headers of the request have {size} bytes: {MAX_HEADER_BYTES} are the most"
        )));
    }
    let mut read = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let read_name = header_name(name)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            invalid(format!(
                "the value of the header `{name}` holds a line break or another control character"
            ))
        })?;
        read.append(read_name, value);
    }
    Ok(read)
}

/// Reads the name of a header that a plugin, or a credential it declares, may set.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, EgressError> {
    let shown: String = name.chars().take(80).collect();
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("`{}` is not a header name", shown.escape_default())))?;
    if REFUSED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(invalid(format!("the header `{shown}` is the host's to set: leave it out")));
    }
    Ok(name)
}

/// The headers of an answer that are text, in order. Too many are the error `too-large`.
pub(crate) fn answer_headers(headers: &HeaderMap) -> Result<Vec<(String, String)>, EgressError> {
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if size > MAX_HEADER_BYTES {
        return Err(EgressError::new(
            EgressErrorKind::TooLarge,
            Delivery::Unknown,
            format!("the headers of the answer have {size} bytes: {MAX_HEADER_BYTES} are the most"),
        ));
    }
    let text = headers.iter().filter_map(|(name, value)| {
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    Ok(text.collect())
}

fn invalid(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Invalid, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<HeaderMap, EgressError> {
        read_headers(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn headers_that_belong_to_the_connection_are_refused_by_name() {
        for name in [
            "Host",
            "connection",
            "Content-Length",
            "Transfer-Encoding",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Expect",
            "Proxy-Authorization",
            "proxy-connection",
        ] {
            let error = read(name, "x").unwrap_err();
            assert_eq!((error.kind, error.delivery), (EgressErrorKind::Invalid, Delivery::NotSent));
            assert!(error.message.contains(&format!("`{name}`")), "{}", error.message);
        }
    }

    #[test]
    fn malformed_names_and_values_are_refused() {
        for name in ["", "a b", "a:b", "x\r\ny", "ü"] {
            assert!(read(name, "x").unwrap_err().message.contains("not a header name"), "{name:?}");
        }
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
            assert!(read("X-Note", value).unwrap_err().message.contains("`X-Note`"), "{value:?}");
        }
    }

    #[test]
    fn too_many_header_bytes_are_refused() {
        assert!(read("x-long", &"x".repeat(MAX_HEADER_BYTES)).unwrap_err().message.contains("65536"));
        let many = vec![("x-a".to_owned(), "1".to_owned()); MAX_HEADERS + 1];
        assert!(read_headers(&many).unwrap_err().message.contains("200"));
    }

    #[test]
    fn repeated_headers_and_text_beyond_ascii_are_kept() {
        let pairs = [("Accept", "a"), ("X-Name", "Zoë"), ("accept", "b"), ("Authorization", "Own x")];
        let given: Vec<_> =
            pairs.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        let read = read_headers(&given).unwrap();
        assert_eq!(read.get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert!(answer_headers(&read).unwrap().contains(&("x-name".to_owned(), "Zoë".to_owned())));
    }

    #[test]
    fn values_of_an_answer_that_are_not_text_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert("x-bad", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        headers.insert("x-good", HeaderValue::from_static("yes"));
        assert_eq!(answer_headers(&headers).unwrap(), [("x-good".to_owned(), "yes".to_owned())]);
    }
}
