//! The host as a client of its HTTP interface sees it.

use std::time::Duration;

use clap::Args;
use mortise_model::error::FieldError;
use reqwest::{Client, Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::plugin::PluginError;

/// Longest time for one request. Compiling a large component takes its time.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Which host, and who asks.
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// The host's address.
    #[arg(long = "host", env = "MORTISE_URL", value_name = "URL", default_value = "http://127.0.0.1:7070")]
    address: String,
    /// An API key with the scope `manage:write`, or the operator's.
    #[arg(long, env = "MORTISE_KEY", value_name = "KEY", hide_env_values = true)]
    key: String,
    /// The tenant, where the key is the operator's.
    #[arg(long, env = "MORTISE_TENANT", value_name = "TENANT")]
    tenant: Option<String>,
}

/// Sends requests to a host.
pub(crate) struct HostClient {
    client: Client,
    host: Host,
}

impl HostClient {
    pub(crate) fn new(mut host: Host) -> Result<Self, PluginError> {
        // One of several in a process may have been first; any of them will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        while host.address.ends_with('/') {
            host.address.pop();
        }
        let client =
            Client::builder().timeout(TIMEOUT).build().map_err(|error| unreachable(&host.address, &error))?;
        Ok(Self { client, host })
    }

    /// A request to a path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.host.address));
        let request = request.header("X-Api-Key", &self.host.key);
        match &self.host.tenant {
            Some(tenant) => request.header("X-Tenant", tenant),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// [`PluginError::Answer`] when the host says no.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, PluginError> {
        let address = &self.host.address;
        let answer = request.send().await.map_err(|error| unreachable(address, &error))?;
        let status = answer.status();
        let request_id =
            answer.headers().get("x-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.bytes().await.map_err(|error| unreachable(address, &error))?;
        if !status.is_success() {
            return Err(refused(status.as_u16(), request_id, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|error| PluginError::Foreign { address: address.clone(), reason: error.to_string() })
    }
}

fn unreachable(address: &str, error: &reqwest::Error) -> PluginError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = cause.to_string();
        source = cause.source();
    }
    PluginError::Unreachable { address: address.to_owned(), reason }
}

/// Reads a problem document (RFC 9457).
fn refused(status: u16, request: Option<String>, body: &[u8]) -> PluginError {
    let Ok(problem) = serde_json::from_slice::<Value>(body) else {
        let text: String = String::from_utf8_lossy(body).chars().take(400).collect();
        return PluginError::answered(status, request, text.trim(), &[]);
    };
    let word = |key: &str| problem.get(key).and_then(Value::as_str);
    let message = word("detail").or_else(|| word("title")).unwrap_or("no reason was given");
    let fields: Vec<FieldError> = problem
        .get("errors")
        .cloned()
        .and_then(|errors| serde_json::from_value(errors).ok())
        .unwrap_or_default();
    PluginError::answered(status, request, message, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_told_with_every_field_that_is_wrong() {
        let body = br#"{"title":"Invalid","detail":"the request was refused","errors":[{"pointer":"/name","code":"required","message":"a name is needed"}]}"#;
        let message = refused(422, Some("r-1".to_owned()), body).to_string();
        assert_eq!(
            message,
            "the host refused: the request was refused\n  /name: a name is needed (status 422, request r-1)"
        );
    }

    #[test]
    fn an_answer_of_something_else_is_shown_in_part() {
        let message = refused(502, None, b"<html>Bad gateway</html>").to_string();
        assert_eq!(message, "the host refused: <html>Bad gateway</html> (status 502)");
    }
}
