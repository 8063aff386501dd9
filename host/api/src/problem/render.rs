//! Writing a problem document.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Problem, ProblemKind, kind};

/// Marks an error that has its own form already, such as that of RFC 6749.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rendered;

/// Writes the document of an error, whoever made it. Other answers pass as they are.
pub(crate) fn render(response: Response, request_id: &str, path: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Rendered>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| Problem::new(kind_of(status), ""));
    let text = document(&problem, status, request_id, path).to_string();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, Body::from(text))
}

fn document(problem: &Problem, status: StatusCode, request_id: &str, path: &str) -> Value {
    let inner = &problem.0;
    let detail = match (inner.detail.as_str(), inner.kind.code) {
        ("", "internal") => format!("the host failed; request id {request_id}: tell the operator"),
        ("", _) => inner.kind.title.to_owned(),
        (detail, _) => detail.to_owned(),
    };
    let mut members = Map::new();
    members.insert("type".to_owned(), format!("/problems/{}", inner.kind.code).into());
    members.insert("title".to_owned(), inner.kind.title.into());
    members.insert("status".to_owned(), status.as_u16().into());
    members.insert("detail".to_owned(), detail.into());
    members.insert("instance".to_owned(), path.chars().take(200).collect::<String>().into());
    members.insert("code".to_owned(), inner.kind.code.into());
    members.insert("requestId".to_owned(), request_id.into());
    if !inner.errors.is_empty() {
        members.insert("errors".to_owned(), json!(inner.errors));
    }
    members.extend(inner.members.clone());
    Value::Object(members)
}

/// The kind of an error that says no more than its status.
fn kind_of(status: StatusCode) -> &'static ProblemKind {
    match status {
        StatusCode::UNAUTHORIZED => &kind::UNAUTHENTICATED,
        StatusCode::FORBIDDEN => &kind::INSUFFICIENT_SCOPE,
        StatusCode::NOT_FOUND => &kind::NO_ROUTE,
        StatusCode::METHOD_NOT_ALLOWED => &kind::METHOD,
        StatusCode::CONFLICT => &kind::CONFLICT,
        StatusCode::PAYLOAD_TOO_LARGE => &kind::TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &kind::MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY => &kind::VALIDATION,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
            &kind::UNAVAILABLE
        }
        status if status.is_server_error() => &kind::INTERNAL,
        _ => &kind::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use mortise_model::error::FieldError;

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_says_what_where_and_under_which_request() {
        let problem = Problem::invalid(vec![FieldError::new("/name", "required", "an account needs a name")])
            .with("position", 3)
            .with_header(header::ALLOW, "GET");
        let response = render(problem.into_response(), "req-1", "/api/accounts");
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::ALLOW], "GET");
        assert_eq!(
            body(response).await,
            json!({
                "type": "/problems/validation-failed",
                "title": "The body breaks rules",
                "status": 422,
                "detail": "/name: an account needs a name",
                "instance": "/api/accounts",
                "code": "validation-failed",
                "requestId": "req-1",
                "errors": [{"pointer": "/name", "code": "required", "message": "an account needs a name"}],
                "position": 3,
            })
        );
    }

    #[tokio::test]
    async fn an_error_without_a_document_gets_one() {
        let response = render((StatusCode::NOT_FOUND, "nothing here").into_response(), "req-1", "/x");
        assert_eq!(body(response).await["code"], "no-route");
    }

    #[tokio::test]
    async fn a_failure_of_the_host_tells_the_request_id_and_not_the_cause() {
        let cause = std::io::Error::other("disk sda1 is on fire");
        let response = render(Problem::internal(&cause).into_response(), "req-7", "/x");
        let document = body(response).await;
        assert_eq!(document["detail"], "the host failed; request id req-7: tell the operator");
        assert!(!document.to_string().contains("sda1"));
    }

    #[tokio::test]
    async fn an_error_with_its_own_form_keeps_it() {
        let mut response = (StatusCode::BAD_REQUEST, "own").into_response();
        response.extensions_mut().insert(Rendered);
        let response = render(response, "req-1", "/oauth/token");
        assert_eq!(axum::body::to_bytes(response.into_body(), 10).await.unwrap(), "own");
    }
}
