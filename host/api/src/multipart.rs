//! A body of `multipart/form-data` (RFC 7578) that is to have one part, read within bounds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use bytes::{Bytes, BytesMut};
use futures::Stream;

use crate::body::{announced_length, too_large};
use crate::problem::{Problem, kind};

/// What stands before a part and behind the last, in bytes: boundaries and the part's headers.
const MAX_HEAD: usize = 16 << 10;
/// What the parser is handed at a time, in bytes.
const PIECE: usize = 8 << 10;

/// Reads the one part of a body, of at most `most` bytes. `limit` is the name of the bound.
pub(crate) async fn read_part(
    request: Request,
    name: &'static str,
    most: usize,
    limit: &str,
) -> Result<Bytes, Problem> {
    if announced_length(request.headers())
        .is_some_and(|length| length > most.saturating_add(2 * MAX_HEAD) as u64)
    {
        return Err(too_large(most, limit));
    }
    let (parts, body) = request.into_parts();
    let allowance = Arc::new(Allowance::default());
    let stream = Metered {
        body: body.into_data_stream(),
        rest: Bytes::new(),
        allowance: Arc::clone(&allowance),
        pauses: false,
    };
    let mut request = Request::from_parts(parts, Body::from_stream(stream));
    // The bounds are those of this module.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed("its `Content-Type` names no `boundary` (RFC 2046, 5.1.1)"))?;
    let long_head = |error| {
        allowance.explain(&error, || malformed(&format!("the head of a part has more than {MAX_HEAD} bytes")))
    };
    let long_part = |error| allowance.explain(&error, || too_large(most, limit));

    allowance.set(MAX_HEAD);
    let missing = || {
        let message = format!("the body has no part `{name}`: send the file as `{name}`");
        Problem::invalid_member(&format!("/{name}"), "required", message)
    };
    let mut part = multipart.next_field().await.map_err(long_head)?.ok_or_else(missing)?;
    only(part.name(), name)?;
    allowance.set(most.saturating_add(MAX_HEAD));
    let mut whole = BytesMut::new();
    while let Some(chunk) = part.chunk().await.map_err(long_part)? {
        if whole.len().saturating_add(chunk.len()) > most {
            return Err(too_large(most, limit));
        }
        whole.extend_from_slice(&chunk);
    }
    drop(part);
    allowance.set(MAX_HEAD);
    if let Some(further) = multipart.next_field().await.map_err(long_head)? {
        only(further.name(), name)?;
        let message = format!("the part `{name}` is there twice: send one file");
        return Err(Problem::invalid_member(&format!("/{name}"), "repeated", message));
    }
    Ok(whole.freeze())
}

fn malformed(reason: &str) -> Problem {
    Problem::new(&kind::BAD_REQUEST, format!("the body is not `multipart/form-data`: {reason}"))
}

/// Refuses a part of another name.
fn only(found: Option<&str>, name: &str) -> Result<(), Problem> {
    if found == Some(name) {
        return Ok(());
    }
    let found: String = found.unwrap_or_default().chars().take(80).collect();
    let pointer = format!("/{}", found.replace('~', "~0").replace('/', "~1"));
    let message = format!("the part `{found}` is not taken here: send one part, `{name}`");
    Err(Problem::invalid_member(&pointer, "unknown", message))
}

/// How much the parser may still be handed.
#[derive(Debug, Default)]
struct Allowance(AtomicUsize);

impl Allowance {
    const USED_UP: usize = usize::MAX;

    fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// What the parser's error means: that there was more than allowed, or that the body is malformed.
    fn explain(&self, error: &MultipartError, exceeded: impl FnOnce() -> Problem) -> Problem {
        if self.0.load(Ordering::Relaxed) == Self::USED_UP {
            exceeded()
        } else {
            malformed(&error.body_text())
        }
    }

    fn spend(&self, bytes: usize) -> Result<(), Exceeded> {
        let left = match self.0.load(Ordering::Relaxed) {
            Self::USED_UP => None,
            left => left.checked_sub(bytes),
        };
        self.set(left.unwrap_or(Self::USED_UP));
        left.map(drop).ok_or(Exceeded)
    }
}

/// There is more than allowed.
#[derive(Debug, thiserror::Error)]
#[error("it is longer than allowed")]
struct Exceeded;

/// A body in small pieces, with a pause after each: the parser takes all that there is before it looks at any of it.
struct Metered {
    body: BodyDataStream,
    rest: Bytes,
    allowance: Arc<Allowance>,
    pauses: bool,
}

impl Stream for Metered {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.pauses {
            self.pauses = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(bytes)) => self.rest = bytes,
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.pauses = true;
        Poll::Ready(Some(self.allowance.spend(length).map(|()| piece).map_err(Into::into)))
    }
}
