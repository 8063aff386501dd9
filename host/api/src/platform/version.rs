//! The version of the platform API, by header.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue};

use crate::problem::{Problem, kind};

/// The header that chooses the version, and in the answer says which one served.
pub(crate) static API_VERSION_HEADER: HeaderName = HeaderName::from_static("x-api-version");
/// The version that is offered.
const OFFERED: &str = "3.0";
/// The ways to write it.
const SPELLINGS: [&str; 2] = ["3.0", "3"];

/// Refuses requests that do not choose a version that is offered, and says in the answer which one served.
pub(crate) async fn require_version(request: Request, next: Next) -> Response {
    let mut response = match check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    response.headers_mut().insert(API_VERSION_HEADER.clone(), HeaderValue::from_static(OFFERED));
    response
}

fn check(request: &Request) -> Result<(), Problem> {
    let mut values = request.headers().get_all(&API_VERSION_HEADER).iter();
    let (kind, detail) = match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(version)), None) if SPELLINGS.contains(&version.trim()) => return Ok(()),
        (None, _) => (&kind::VERSION_MISSING, format!("send `X-Api-Version: {OFFERED}`")),
        (Some(Ok(version)), None) => {
            let version: String = version.chars().take(20).collect();
            (
                &kind::VERSION_UNKNOWN,
                format!("version `{version}` is not offered: send `X-Api-Version: {OFFERED}`"),
            )
        }
        _ => (&kind::VERSION_UNKNOWN, format!("send `X-Api-Version: {OFFERED}`, once")),
    };
    Err(Problem::new(kind, detail).with("supported", vec![OFFERED]))
}
