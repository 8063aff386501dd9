//! Reading bodies within bounds, and JSON with errors that name the place.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, header};
use mortise_model::error::FieldError;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::app::App;
use crate::problem::{Problem, kind};

/// Lists the media types of patches that a path takes (RFC 5789).
pub(crate) static ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// A JSON body. Members that the type does not have are refused by name.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        require_media_type(request.headers(), &["application/json"])?;
        let bytes = read(request, app.config.max_body_bytes, "maxBodyBytes").await?;
        parse(&bytes).map(Self)
    }
}

/// A JSON object of what to change: `application/merge-patch+json` or `application/json`.
pub(crate) struct MergeBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for MergeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        const TAKEN: [&str; 2] = ["application/merge-patch+json", "application/json"];
        require_media_type(request.headers(), &TAKEN)
            .map_err(|problem| problem.with_header(ACCEPT_PATCH.clone(), &TAKEN.join(", ")))?;
        let bytes = read(request, app.config.max_body_bytes, "maxBodyBytes").await?;
        parse(&bytes).map(Self)
    }
}

/// A body as it came, with its media type unchecked.
pub(crate) struct RawBody {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl FromRequest<App> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, app.config.max_body_bytes, "maxBodyBytes").await?;
        Ok(Self { headers, bytes })
    }
}

/// The media type of the body in lower case, without parameters. Empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses a body of another media type.
pub(crate) fn require_media_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let found = media_type(headers);
    if taken.contains(&found.as_str()) {
        return Ok(());
    }
    let found: String = found.chars().take(80).collect();
    let detail =
        format!("the body must be sent with `Content-Type: {}`, not `{found}`", taken.join("` or `"));
    Err(Problem::new(&kind::MEDIA_TYPE, detail))
}

/// Reads a whole body of at most `most` bytes. `limit` is the name of the bound.
pub(crate) async fn read(request: Request, most: usize, limit: &str) -> Result<Bytes, Problem> {
    if announced_length(request.headers()).is_some_and(|length| length > most as u64) {
        return Err(too_large(most, limit));
    }
    collect(request.into_body(), most).await?.ok_or_else(|| too_large(most, limit))
}

/// A body, or the file in it, is larger than a bound.
pub(crate) fn too_large(most: usize, limit: &str) -> Problem {
    let detail = format!("the body has more than {most} bytes, the most that `{limit}` allows");
    Problem::new(&kind::TOO_LARGE, detail).with("limit", most)
}

/// What a request says of the length of its body, if it does.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// None when there is more than `most`.
async fn collect(body: Body, most: usize) -> Result<Option<Bytes>, Problem> {
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(&kind::BAD_REQUEST, "the body ended before it was complete: send it again")
        })?;
        if whole.len().saturating_add(chunk.len()) > most {
            return Ok(None);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole.freeze()))
}

/// Reads JSON text as a type.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        explain(&error.into_inner(), &pointer)
    })?;
    reader.end().map_err(|error| explain(&error, ""))?;
    Ok(value)
}

/// Reads a JSON value as a type.
pub(crate) fn parse_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        field_error(&error.into_inner(), &pointer)
    })
}

fn explain(error: &serde_json::Error, pointer: &str) -> Problem {
    if error.is_data() {
        return Problem::invalid(vec![field_error(error, pointer)]);
    }
    let detail = format!("the body is not JSON: {error}");
    Problem::new(&kind::MALFORMED_JSON, detail).with("line", error.line()).with("column", error.column())
}

fn field_error(error: &serde_json::Error, pointer: &str) -> FieldError {
    let message = error.to_string();
    let code = if message.starts_with("unknown field") {
        "unknown"
    } else if message.starts_with("missing field") {
        "required"
    } else {
        "invalid"
    };
    FieldError::new(pointer, code, message)
}

/// The place as a JSON Pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use mortise_model::account::AccountFields;

    fn document(problem: &Problem) -> String {
        format!("{problem:?}")
    }

    #[test]
    fn an_unknown_member_is_refused_with_its_place() {
        let text = br#"{"name":"A","addresses":[{"city":"Chania"},{"citty":"Chania"}]}"#;
        let problem = parse::<AccountFields>(text).unwrap_err();
        assert_eq!(problem.kind().code, "validation-failed");
        assert!(document(&problem).contains(r#"pointer: "/addresses/1/citty""#), "{problem:?}");
        assert!(document(&problem).contains(r#"code: "unknown""#), "{problem:?}");
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_line_and_column() {
        let problem = parse::<AccountFields>(b"{\n  \"name\": oops}").unwrap_err();
        assert_eq!(problem.kind().code, "malformed-json");
        assert!(document(&problem).contains("line 2 column"), "{problem:?}");
    }

    #[test]
    fn what_follows_the_json_is_refused() {
        assert_eq!(parse::<AccountFields>(b"{\"name\":\"A\"} x").unwrap_err().kind().code, "malformed-json");
    }

    #[test]
    fn the_media_type_is_compared_without_parameters_and_case() {
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            "Application/JSON; charset=utf-8".parse().unwrap(),
        )]);
        assert!(require_media_type(&headers, &["application/json"]).is_ok());
        assert_eq!(
            require_media_type(&HeaderMap::new(), &["application/json"]).unwrap_err().kind().code,
            "unsupported-media-type"
        );
    }
}
