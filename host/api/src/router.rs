//! Every route, and the layers round them.

use std::any::Any;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use http::Uri;
use http::uri::PathAndQuery;
use tower::util::MapRequest;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::{Problem, kind};
use crate::{access, bounds, health, hooks, manage, metrics, observe, openapi, platform};

/// Where the platform API begins. Its paths match in any casing.
const PLATFORM: &str = "/api/";

/// The whole interface.
pub(crate) fn router(app: App) -> Router {
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::base())
        .merge(platform::router().layer(from_fn(platform::require_version)))
        .merge(manage::router())
        .routes(routes!(access::take_token))
        .routes(routes!(access::revoke_token))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::openapi))
        .split_for_parts();
    openapi::complete(&mut document);
    let text: Arc<str> = openapi::text(&document).into();
    let router = router
        .merge(hooks::router())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(Extension(text))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn_with_state(app.clone(), bounds::bound))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app);
    Router::new().fallback_service(MapRequest::new(router, lower_platform_path))
}

async fn no_route(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(&kind::NO_ROUTE, format!("there is nothing at {path}: /openapi.json lists what there is"))
}

async fn no_method(request: Request) -> Problem {
    let method: String = request.method().as_str().chars().take(20).collect();
    Problem::new(&kind::METHOD, format!("{method} is not offered here: `Allow` lists what is"))
}

fn answer_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked: this is a bug of the host");
    Problem::new(&kind::INTERNAL, "").into_response()
}

/// The platform's paths match without regard to case: its segments are lower case or numbers.
fn lower_platform_path(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path();
    let is_platform = path.get(..PLATFORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(PLATFORM));
    if is_platform && path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let lower = PathAndQuery::try_from(format!("{}{query}", path.to_ascii_lowercase()));
        let mut parts = uri.clone().into_parts();
        if let Ok(lower) = lower {
            parts.path_and_query = Some(lower);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn paths_of_the_platform_are_lowered_and_queries_are_not() {
        for (given, expected) in [
            ("/API/Accounts/7?$filter=name eq 'Ab'", "/api/accounts/7?$filter=name eq 'Ab'"),
            ("/api/invoices", "/api/invoices"),
            ("/manage/Plugins", "/manage/Plugins"),
        ] {
            let uri = given.replace(' ', "%20");
            let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
            assert_eq!(lower_platform_path(request).uri().to_string(), expected.replace(' ', "%20"));
        }
    }
}
