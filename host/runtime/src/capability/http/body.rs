//! Text of an answer's body, from the charset that the answer declares.

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};

/// The body as text. Without a declared charset it is UTF-8. A byte order mark is not part of the text.
///
/// # Errors
/// A sentence, when the charset is not known or the body is not in it.
pub(super) fn text(body: Bytes, content_type: Option<&str>) -> Result<String, String> {
    let encoding = match content_type.and_then(charset) {
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            let label: String = label.chars().take(80).collect();
            format!("the answer declares the charset `{label}`, which is not known: expect bytes instead")
        })?,
        None => UTF_8,
    };
    if encoding == UTF_8 && !body.starts_with(b"\xef\xbb\xbf") {
        return String::from_utf8(body.into())
            .map_err(|error| malformed(encoding, Some(error.utf8_error().valid_up_to())));
    }
    let (text, encoding, malformed_found) = encoding.decode(&body);
    if malformed_found { Err(malformed(encoding, None)) } else { Ok(text.into_owned()) }
}

fn malformed(encoding: &'static Encoding, at: Option<usize>) -> String {
    let place = at.map(|at| format!(" at byte {at}")).unwrap_or_default();
    format!("the answer's body is not {} text{place}: expect bytes instead", encoding.name())
}

/// The `charset` of a media type, without quotes.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_charset_is_converted() {
        for (bytes, content_type, expected) in [
            (&b"gr\xc3\xbcn"[..], None, "grün"),
            (b"gr\xc3\xbcn", Some("application/json"), "grün"),
            (b"gr\xfcn", Some("text/plain; charset=iso-8859-1"), "grün"),
            (b"5 \x80", Some("text/plain; Charset=\"windows-1252\""), "5 €"),
            (b"\xef\xbb\xbf{}", Some("application/json; charset=utf-8"), "{}"),
        ] {
            assert_eq!(text(Bytes::from_static(bytes), content_type).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_converted_is_refused_with_what_to_do() {
        let message = text(Bytes::from_static(b"gr\xfcn"), None).unwrap_err();
        assert_eq!(message, "the answer's body is not UTF-8 text at byte 2: expect bytes instead");
        let message = text(Bytes::from_static(b"x"), Some("text/plain; charset=klingon")).unwrap_err();
        assert!(message.contains("`klingon`"), "{message}");
    }
}
