//! `wasi:http` by the bindings of the crate `wasip2`.

use serde_json::json;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::poll;
use wasip2::io::streams::StreamError;

use crate::Found;

/// How much is written to a body at a time, in bytes: the most that the standard takes.
const PIECE: usize = 4096;
/// A body of so many bytes is told by its length alone.
const SHOWN: usize = 1_000;

struct Exchange<'a> {
    method: Method,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: u32,
    first_byte_ms: Option<u64>,
}

pub(crate) fn get(url: &str) -> Found {
    told(&Exchange { method: Method::Get, url, headers: &[], body: 0, first_byte_ms: None })
}

pub(crate) fn get_within(url: &str, first_byte_ms: u64) -> Found {
    told(&Exchange { method: Method::Get, url, headers: &[], body: 0, first_byte_ms: Some(first_byte_ms) })
}

/// Sends a body, with the credential that the host applies.
pub(crate) fn post(url: &str, body: u32) -> Found {
    let length = body.to_string();
    let headers = [("mortise-credential", "far-side"), ("content-length", &length)];
    told(&Exchange { method: Method::Post, url, headers: &headers, body, first_byte_ms: None })
}

pub(crate) fn with_header(url: &str, name: &str) -> Found {
    told(&Exchange { method: Method::Get, url, headers: &[(name, "x")], body: 0, first_byte_ms: None })
}

/// Starts several requests and reads their answers in the order in which they come.
pub(crate) fn many(base_url: &str) -> Found {
    let mut waiting = Vec::new();
    for path in ["one", "two", "three"] {
        let url = format!("{base_url}/{path}");
        let exchange =
            Exchange { method: Method::Get, url: &url, headers: &[], body: 0, first_byte_ms: None };
        waiting.push((path, exchange.start().map_err(|code| format!("{code:?}"))?));
    }
    let mut found = Vec::new();
    while !waiting.is_empty() {
        let pollables: Vec<_> = waiting.iter().map(|(_, future)| future.subscribe()).collect();
        let ready = poll::poll(&pollables.iter().collect::<Vec<_>>());
        drop(pollables);
        let Some(first) = ready.first().and_then(|first| usize::try_from(*first).ok()) else { break };
        let (path, future) = waiting.remove(first);
        let (status, _) = finish(&future).map_err(|code| format!("{code:?}"))?;
        found.push(json!([path, status]));
    }
    found.sort_by_key(ToString::to_string);
    Ok(json!(found))
}

fn told(exchange: &Exchange<'_>) -> Found {
    let answer = exchange.start().and_then(|future| finish(&future));
    let (status, body) = answer.map_err(|code| format!("{code:?}"))?;
    let body = match body.len() {
        length @ SHOWN.. => format!("{length} bytes"),
        _ => String::from_utf8_lossy(&body).into_owned(),
    };
    Ok(json!({ "status": status, "body": body }))
}

impl Exchange<'_> {
    fn start(&self) -> Result<FutureIncomingResponse, ErrorCode> {
        let own = |message: String| ErrorCode::InternalError(Some(message));
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        let headers = Fields::from_list(&headers).map_err(|error| own(format!("{error:?}")))?;
        let request = OutgoingRequest::new(headers);
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("https", self.url));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };
        let refused = |()| own("a part of the request was refused".to_owned());
        request.set_method(&self.method).map_err(refused)?;
        request.set_scheme(Some(&scheme)).map_err(refused)?;
        request.set_authority(Some(authority)).map_err(refused)?;
        request.set_path_with_query(Some(path)).map_err(refused)?;
        let options = RequestOptions::new();
        options.set_first_byte_timeout(self.first_byte_ms.map(|ms| ms * 1_000_000)).map_err(refused)?;
        let body = if self.body == 0 { None } else { Some(request.body().map_err(refused)?) };
        let future = outgoing_handler::handle(request, Some(options))?;
        if let Some(body) = body {
            self.write(body)?;
        }
        Ok(future)
    }

    fn write(&self, body: OutgoingBody) -> Result<(), ErrorCode> {
        let own = |message: &str| ErrorCode::InternalError(Some(message.to_owned()));
        let stream = body.write().map_err(|()| own("the body was taken already"))?;
        let mut left = usize::try_from(self.body).unwrap_or(usize::MAX);
        while left > 0 {
            let piece = left.min(PIECE);
            match stream.blocking_write_and_flush(&[b'x'; PIECE][..piece]) {
                Ok(()) => left -= piece,
                // The host has heard enough, and its answer says why.
                Err(StreamError::Closed) => return Ok(()),
                Err(error) => return Err(own(&format!("{error:?}"))),
            }
        }
        drop(stream);
        OutgoingBody::finish(body, None)
    }
}

fn finish(future: &FutureIncomingResponse) -> Result<(u16, Vec<u8>), ErrorCode> {
    let own = |message: &str| ErrorCode::InternalError(Some(message.to_owned()));
    let response = loop {
        match future.get() {
            Some(response) => break response.map_err(|()| own("the answer was taken already"))??,
            None => future.subscribe().block(),
        }
    };
    let status = response.status();
    let body = response.consume().map_err(|()| own("the body was taken already"))?;
    let stream = body.stream().map_err(|()| own("the stream was taken already"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(own(&format!("{error:?}"))),
        }
    }
    drop(stream);
    IncomingBody::finish(body);
    Ok((status, bytes))
}
