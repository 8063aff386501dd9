//! Requests to the platform.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::{Failure, Outcome};

/// Longest time for one request: the upload of a component on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);
/// The version of the platform API.
const API_VERSION: &str = "3.0";

/// Somebody who calls the platform.
#[derive(Debug, Clone)]
pub struct Caller {
    http: Client,
    base: String,
    identity: Identity,
    tenant: Option<String>,
}

#[derive(Debug, Clone)]
enum Identity {
    Nobody,
    Key(String),
    Token(String),
}

/// What the platform answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked, for messages.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Caller {
    /// Somebody who does not say who they are.
    ///
    /// # Errors
    /// That there is no HTTP client on this machine.
    pub fn nobody(base: &str) -> Outcome<Self> {
        // Only the first of many in a process can install it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(Failure::of("there is no HTTP client"))?;
        Ok(Self { http, base: base.to_owned(), identity: Identity::Nobody, tenant: None })
    }

    /// The same with an API key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { identity: Identity::Key(key.to_owned()), ..self.clone() }
    }

    /// The same with an access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { identity: Identity::Token(token.to_owned()), ..self.clone() }
    }

    /// The same, acting in a tenant: for the operator's key.
    #[must_use]
    pub fn in_tenant(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self.clone() }
    }

    /// The same at another address.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Where the platform is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request with the caller's identity, to be completed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if path.starts_with("/api") {
            request = request.header("X-Api-Version", API_VERSION);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Tenant", tenant);
        }
        match &self.identity {
            Identity::Nobody => request,
            Identity::Key(key) => request.header("X-Api-Key", key),
            Identity::Token(token) => request.bearer_auth(token),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// That there was no answer.
    pub async fn send(&self, request: RequestBuilder) -> Outcome<Answer> {
        let request = request.build().map_err(Failure::of("the request is malformed"))?;
        let name = format!("{} {}", request.method(), request.url());
        let answer = self.http.execute(request).await.map_err(Failure::of(name.clone()))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(Failure::of(name.clone()))?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { request: name, status, headers, text, body })
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Creates, or has something done.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Puts in the place of what is there.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn put(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Changes, as RFC 7396 says.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn patch(&self, path: &str, body: &Value) -> Outcome<Answer> {
        let request = self.request(Method::PATCH, path);
        let request = request.header("Content-Type", "application/merge-patch+json").body(body.to_string());
        self.send(request).await
    }

    /// Removes.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn delete(&self, path: &str) -> Outcome<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Uploads a component.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn upload(&self, component: Vec<u8>) -> Outcome<Answer> {
        let request = self.request(Method::POST, "/manage/plugins");
        self.send(request.header("Content-Type", "application/wasm").body(component)).await
    }

    /// Every record of a collection of the platform API, page by page.
    ///
    /// # Errors
    /// As [`Caller::send`], and an answer that is not a list.
    pub async fn records(&self, collection: &str) -> Outcome<Vec<Value>> {
        const SIZE: usize = 500;
        let mut records = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("/api/{collection}?page={page}&size={SIZE}")).await?;
            let Value::Array(found) = answer.succeeded()? else {
                return Err(Failure::new(format!("/api/{collection} did not answer a list")));
            };
            let is_last = found.len() < SIZE;
            records.extend(found);
            if is_last {
                break;
            }
        }
        Ok(records)
    }
}

impl Answer {
    /// The body of an answer that says yes.
    ///
    /// # Errors
    /// What was asked and what was answered.
    pub fn succeeded(self) -> Outcome<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(Failure::new(format!("{} answered {}: {}", self.request, self.status, self.text)))
    }

    /// The body of an answer that says no with this status.
    ///
    /// # Errors
    /// What was asked and what was answered instead.
    pub fn refused(self, status: u16) -> Outcome<Value> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(Failure::new(format!("{} answered {}, not {status}: {}", self.request, self.status, self.text)))
    }
}
