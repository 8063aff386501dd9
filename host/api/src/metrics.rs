//! What is counted of requests, and `/metrics`.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::problem::Problem;

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// What requests are told apart by. Each has few values, whatever callers send.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The template of the path, or `unmatched`.
    route: String,
    method: &'static str,
    /// `2xx` and its like.
    status: &'static str,
}

/// Counters and times of requests.
pub(crate) struct HttpMetrics {
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
}

impl HttpMetrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics =
            Self { requests: Family::default(), seconds: Family::new_with_constructor(new_histogram) };
        registry.register("mortise_http_requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "mortise_http_request_duration_seconds",
            "Time from the head of a request to its answer",
            metrics.seconds.clone(),
        );
        metrics
    }

    /// Counts one request.
    pub(crate) fn count(&self, route: &str, method: &Method, status: StatusCode, elapsed: Duration) {
        let labels = Labels { route: route.to_owned(), method: method_name(method), status: class(status) };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

/// A method as a label: callers cannot make up values.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// Shows every metric of the host, in the text format of `OpenMetrics`.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "Host",
    security(()),
    responses((status = 200, description = "Every metric of the host", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let mut answer = String::new();
    text::encode(&mut answer, &app.registry).map_err(|error| Problem::internal(&error))?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], answer).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_route_method_and_class_of_status() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let odd = Method::from_bytes(b"BREW").unwrap();
        metrics.count("/api/accounts/{id}", &Method::GET, StatusCode::NOT_FOUND, Duration::from_millis(3));
        metrics.count("unmatched", &odd, StatusCode::METHOD_NOT_ALLOWED, Duration::from_millis(3));
        let mut answer = String::new();
        text::encode(&mut answer, &registry).unwrap();
        for line in [
            r#"mortise_http_requests_total{route="/api/accounts/{id}",method="GET",status="4xx"} 1"#,
            r#"mortise_http_requests_total{route="unmatched",method="other",status="4xx"} 1"#,
        ] {
            assert!(answer.contains(line), "{answer}");
        }
    }
}
