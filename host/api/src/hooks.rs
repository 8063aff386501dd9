//! `/hooks/{tenant}.{instance}`: where far sides send their webhooks. The instance's plugin says who may.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mortise_integration::WebhookError;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::webhook::{InboundAnswer, InboundRequest};

use crate::app::App;
use crate::body;
use crate::problem::{Problem, Rendered, kind};

/// Headers of a request that are not the plugin's business: the host's own cookies, and what its proxies say.
const KEPT_BACK: [&str; 8] =
    ["connection", "cookie", "forwarded", "te", "trailer", "transfer-encoding", "upgrade", "via"];
/// Beginning of further ones.
const KEPT_BACK_PREFIXES: [&str; 2] = ["x-forwarded-", "proxy-"];
/// Headers of an answer that a plugin may set, beside those that begin with `x-`. It answers under the host's own
/// name, so neither cookies nor what opens a door to scripts.
const ANSWERED: [&str; 6] =
    ["cache-control", "content-disposition", "content-language", "content-type", "etag", "retry-after"];

/// The routes. Every method is the plugin's to judge.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/hooks/{hook}", any(receive)).route("/hooks/{hook}/{*rest}", any(receive_below))
}

async fn receive(
    State(app): State<App>,
    Path(hook): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(&app, &hook, "/".to_owned(), request).await
}

async fn receive_below(
    State(app): State<App>,
    Path((hook, rest)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    take(&app, &hook, format!("/{rest}"), request).await
}

async fn take(app: &App, hook: &str, path: String, request: Request) -> Result<Response, Problem> {
    let nothing = || Problem::not_found("hook", hook);
    let (tenant, instance) = hook.split_once('.').ok_or_else(nothing)?;
    let tenant: TenantId = tenant.parse().map_err(|_| nothing())?;
    let instance: InstanceId = instance.parse().map_err(|_| nothing())?;
    let _share = app.hook_shares.take(&tenant)?;
    let query = request.uri().query().unwrap_or_default();
    let inbound = InboundRequest {
        method: request.method().as_str().to_owned(),
        path,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers_for_plugin(request.headers()),
        received_at: app.now(),
        body: body::read(request, app.config.max_body_bytes, "maxBodyBytes").await?.into(),
    };
    match app.integration.webhooks().receive(&tenant, &instance, inbound).await {
        Ok(answer) => Ok(answered(answer)),
        Err(WebhookError::NotFound) => Err(nothing()),
        Err(error) => Err(error.into()),
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let text = error.to_string();
        match error {
            WebhookError::Unauthorized(_) => Self::new(&kind::UNAUTHENTICATED, text),
            WebhookError::Rejected(errors) => Self::invalid(errors),
            WebhookError::Later { after, .. } => {
                Self::new(&kind::UNAVAILABLE, text).retry_after(after.as_secs().max(1))
            }
            WebhookError::Store(error) => error.into(),
            WebhookError::Failed => Self::new(&kind::PLUGIN, text),
            WebhookError::NotFound => Self::new(&kind::NOT_FOUND, text),
            other => Self::internal(&other),
        }
    }
}

fn headers_for_plugin(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_kept_back = |name: &str| {
        KEPT_BACK.contains(&name) || KEPT_BACK_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    headers
        .iter()
        .filter(|(name, _)| !is_kept_back(name.as_str()))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// The plugin's answer. Whatever it says, a browser runs nothing of it under the host's name.
fn answered(answer: InboundAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Body::from(answer.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).ok().filter(may_be_answered);
        if let (Some(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.extensions_mut().insert(Rendered);
    response
}

fn may_be_answered(name: &HeaderName) -> bool {
    let name = name.as_str();
    ANSWERED.contains(&name) || (name.starts_with("x-") && name != "x-content-type-options")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_and_what_proxies_say_do_not_reach_the_plugin() {
        let given = ["cookie", "x-forwarded-for", "proxy-authorization", "authorization", "x-signature"];
        let headers = given.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("v")));
        let headers = headers_for_plugin(&HeaderMap::from_iter(headers));
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["authorization", "x-signature"]);
    }

    #[test]
    fn a_plugins_answer_can_do_nothing_under_the_hosts_name() {
        let headers = [
            ("Set-Cookie", "a=b"),
            ("Content-Type", "text/html"),
            ("Content-Security-Policy", "default-src *"),
            ("Location", "https://elsewhere.example"),
            ("X-Hook", "ok"),
            ("bad name", "x"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let response = answered(InboundAnswer { status: 202, headers, body: b"<script>".to_vec() });
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let mut names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-security-policy", "content-type", "x-content-type-options", "x-hook"]);
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.to_str().unwrap().starts_with("sandbox; default-src 'none'"));
    }
}
