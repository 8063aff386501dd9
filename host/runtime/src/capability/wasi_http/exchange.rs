//! One exchange: the body is read to its end, the request goes through egress, the answer comes back whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use mortise_egress::{EgressClient, Method, Request};
use wasmtime_wasi_http::p2::bindings::http::types as standard;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::refused::Refused;
use super::{Held, Sender, Way};
use crate::bounds::{HOST_CALL_BYTES, UNREAD_ANSWERS, UNSENT_REQUESTS};
use crate::gate::{Function, Outcome, Refusal as _};
use crate::recording;

/// Names the credential to apply. Never sent.
const CREDENTIAL: &str = "mortise-credential";

/// An answer as it is recorded: the status, the headers, the body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Finished), Error>;

/// The method, if it is one that egress sends.
pub(super) fn method_of(method: &standard::Method) -> Result<Method, Refused> {
    match method {
        standard::Method::Get => Ok(Method::Get),
        standard::Method::Head => Ok(Method::Head),
        standard::Method::Post => Ok(Method::Post),
        standard::Method::Put => Ok(Method::Put),
        standard::Method::Patch => Ok(Method::Patch),
        standard::Method::Delete => Ok(Method::Delete),
        standard::Method::Options => Ok(Method::Options),
        standard::Method::Connect | standard::Method::Trace | standard::Method::Other(_) => {
            Err(Refused::MethodInvalid)
        }
    }
}

impl WasiHttpHooks for Sender {
    // Egress sets it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Finished,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let way = self.way.take();
        let lines = Arc::clone(&self.lines);
        let counters = Arc::clone(&self.counters);
        let memory = self.memory.get_or_insert_default();
        let mut held = Held::nothing(&memory.unsent);
        let mut kept = Held::nothing(&memory.unread);
        Box::new(async move {
            let (parts, body) = request.into_parts();
            let body = collect(body, &mut held).await;
            let answer = match way {
                Some(Way::Out { client, record }) => {
                    let mark = recording_mark(record.is_some(), body.as_ref().ok());
                    let answer = match body {
                        Ok(body) => send(&client, &parts, options, body).await,
                        Err(refused) => Err(refused),
                    };
                    if let Some((recorder, exchange)) = record {
                        recorder.arrival(exchange, mark, &answer);
                    }
                    let outcome = match &answer {
                        Ok(_) => Outcome::Answered,
                        Err(refused) => match refused.denial() {
                            Some(sentence) => {
                                lines.denied(sentence);
                                Outcome::Denied
                            }
                            None => Outcome::Failed,
                        },
                    };
                    counters.count(Function::WasiHttpExchange, outcome);
                    answer
                }
                Some(Way::Replay { player, exchange }) => {
                    let mark = recording_mark(true, body.as_ref().ok());
                    player.arrived(exchange, mark).unwrap_or_else(|| {
                        Err(Refused::Internal(format!("the recording has no answer to request {exchange}")))
                    })
                }
                None => Err(Refused::Internal("the request was not let through".to_owned())),
            };
            drop(held);
            let (status, headers, body) = answer?;
            if !kept.add(body.len(), UNREAD_ANSWERS) {
                return Err(Refused::LimitReached.into());
            }
            response(status, headers, body.into(), kept)
        })
    }
}

/// The mark of a body, where somebody compares it.
fn recording_mark(is_needed: bool, body: Option<&Bytes>) -> recording::Mark {
    if is_needed { recording::mark(&body.map(|body| &body[..])) } else { recording::Mark::default() }
}

async fn collect(mut body: WasiBody, held: &mut Held) -> Result<Bytes, Refused> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Refused::Internal(format!("the request's body broke off: {error}")))?;
        // Trailers are not sent.
        let Ok(data) = frame.into_data() else { continue };
        let size = whole.len().saturating_add(data.len());
        if size > HOST_CALL_BYTES {
            return Err(Refused::RequestBodySize(u64::try_from(size).unwrap_or(u64::MAX)));
        }
        if !held.add(data.len(), UNSENT_REQUESTS) {
            return Err(Refused::LimitReached);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

async fn send(
    client: &EgressClient,
    parts: &http::request::Parts,
    options: Option<RequestOptions>,
    body: Bytes,
) -> Result<Answer, Refused> {
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        _ => return Err(Refused::MethodInvalid),
    };
    let mut headers = Vec::with_capacity(parts.headers.len());
    let mut credential = None;
    for (name, value) in &parts.headers {
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Refused::Internal(format!("the value of the header `{name}` is not UTF-8")))?;
        match name.as_str() {
            // The length of what is sent is the host's to say.
            "content-length" => {}
            CREDENTIAL => credential = Some(value.to_owned()),
            name => headers.push((name.to_owned(), value.to_owned())),
        }
    }
    let request = Request {
        method,
        url: parts.uri.to_string(),
        headers,
        body: (!body.is_empty()).then_some(body),
        credential,
        timeout: options.and_then(time),
        max_body_bytes: None,
    };
    let answer = client.send(request).await?;
    Ok((answer.status, answer.headers, answer.body.into()))
}

/// Time for the whole exchange: an answer's first byte is handed over with its last.
fn time(options: RequestOptions) -> Option<Duration> {
    match (options.connect_timeout, options.first_byte_timeout) {
        (Some(connect), Some(first_byte)) => Some(connect.saturating_add(first_byte)),
        (connect, first_byte) => first_byte.or(connect),
    }
}

fn response(status: u16, headers: Vec<(String, String)>, body: Bytes, kept: Held) -> Sent {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(body)
        .map_err(|never| match never {})
        .map_frame(move |frame| {
            // The bytes count until the body is dropped.
            let _ = &kept;
            frame
        })
        .boxed_unsync();
    let response = builder.body(body).map_err(|_| Refused::Protocol)?;
    Ok((response, Box::new(async { Ok(()) })))
}
