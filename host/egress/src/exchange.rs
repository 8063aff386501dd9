//! One request and one answer on the wire.

use bytes::{Bytes, BytesMut};
use http::header::HeaderMap;

use crate::failure::failure;
use crate::spending::Spending;
use crate::target::Target;
use crate::{Delivery, EgressError, EgressErrorKind, Method};

/// Memory set aside for a body because the answer says that it is this long.
const TRUSTED_LENGTH: u64 = 64 << 10;

/// A request that was checked and is ready for the wire.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// How much of an answer is read.
#[derive(Clone, Copy)]
pub(crate) struct AnswerLimits<'a> {
    /// Body bytes, after decompression.
    pub(crate) max_body_bytes: u32,
    /// What pays for them; None for answers that the host reads for itself.
    pub(crate) spending: Option<&'a Spending>,
}

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request and reads the whole answer.
pub(crate) async fn exchange(
    client: &reqwest::Client,
    outgoing: Outgoing,
    limits: AnswerLimits<'_>,
) -> Result<Answer, EgressError> {
    let host = outgoing.target.host.clone();
    let mut request = reqwest::Request::new(method(outgoing.method), outgoing.target.url);
    *request.headers_mut() = outgoing.headers;
    *request.body_mut() = outgoing.body.map(reqwest::Body::from);
    let mut response = client.execute(request).await.map_err(|error| failure(&error, &host))?;

    let cap = u64::from(limits.max_body_bytes);
    let announced = response.content_length();
    if announced.is_some_and(|length| length > cap) {
        return Err(too_large(&host, cap));
    }
    let reserved = usize::try_from(announced.unwrap_or(0).min(TRUSTED_LENGTH)).unwrap_or(0);
    let mut body = BytesMut::with_capacity(reserved);
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error, &host))? {
        let length = u64::try_from(body.len().saturating_add(chunk.len())).unwrap_or(u64::MAX);
        if length > cap {
            return Err(too_large(&host, cap));
        }
        if let Some(spending) = limits.spending {
            spending.take_bytes(chunk.len(), Delivery::Unknown)?;
        }
        body.extend_from_slice(&chunk);
    }
    let status = response.status().as_u16();
    Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body: body.freeze() })
}

fn too_large(host: &str, cap: u64) -> EgressError {
    EgressError::new(
        EgressErrorKind::TooLarge,
        Delivery::Unknown,
        format!("the body of the answer of `{host}` is longer than {cap} bytes: ask for smaller pages"),
    )
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
        Method::Options => http::Method::OPTIONS,
    }
}
