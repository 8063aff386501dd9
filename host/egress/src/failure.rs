//! From the HTTP client's errors to the contract's.

use std::error::Error;
use std::io;

use crate::resolve::ResolveFailure;
use crate::target::forbidden_address;
use crate::{Delivery, EgressError, EgressErrorKind};

/// What an error of the HTTP client means. `host` is for the sentence; the client's own text may hold the address
/// with its query and is never shown.
pub(crate) fn failure(error: &reqwest::Error, host: &str) -> EgressError {
    let causes = causes(error);
    if let Some(unresolved) = find::<ResolveFailure>(&causes) {
        return unresolved_name(unresolved, host);
    }
    let new = |kind, delivery, message: String| EgressError::new(kind, delivery, message);
    let innermost = causes.last().map_or_else(|| "no cause given".to_owned(), ToString::to_string);
    let delivery = if error.is_connect() { Delivery::NotSent } else { Delivery::Unknown };
    if let Some(tls) = find::<rustls::Error>(&causes) {
        return new(EgressErrorKind::Tls, delivery, format!("no secure connection to `{host}`: {tls}"));
    }
    if error.is_builder() {
        let message = "the request cannot be written as HTTP: check its address and headers".to_owned();
        return new(EgressErrorKind::Invalid, Delivery::NotSent, message);
    }
    if error.is_connect() {
        return if error.is_timeout() {
            let message = format!("no connection to `{host}` in time: check that it is up and reachable");
            new(EgressErrorKind::Timeout, delivery, message)
        } else {
            new(EgressErrorKind::Connection, delivery, format!("no connection to `{host}`: {innermost}"))
        };
    }
    if error.is_timeout() {
        return new(EgressErrorKind::Timeout, delivery, format!("`{host}` did not answer in time"));
    }
    match find::<hyper::Error>(&causes) {
        Some(http) if http.is_parse() => {
            new(EgressErrorKind::Protocol, delivery, format!("the answer of `{host}` is not HTTP: {http}"))
        }
        None if error.is_decode() => new(
            EgressErrorKind::Protocol,
            delivery,
            format!("the body of the answer of `{host}` cannot be decompressed: {innermost}"),
        ),
        _ => new(
            EgressErrorKind::Connection,
            delivery,
            format!("the connection to `{host}` broke: {innermost}"),
        ),
    }
}

fn unresolved_name(failure: &ResolveFailure, host: &str) -> EgressError {
    let (kind, message) = match failure {
        ResolveFailure::Forbidden(forbidden) => {
            (EgressErrorKind::ForbiddenAddress, forbidden_address(host, forbidden.what))
        }
        ResolveFailure::NoAddress | ResolveFailure::Lookup(_) => {
            (EgressErrorKind::Dns, format!("the name `{host}` does not resolve: {failure}"))
        }
    };
    EgressError::new(kind, Delivery::NotSent, message)
}

/// The chain of causes below an error, without the error itself.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    /// Chains are short; a circular one must not hang the host.
    const LONGEST: usize = 32;
    let mut causes: Vec<&'a (dyn Error + 'static)> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next
        && causes.len() < LONGEST
    {
        causes.push(cause);
        // An I/O error passes over the error that it wraps and answers that one's cause.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => cause.source(),
        };
    }
    causes
}

fn find<'a, E: Error + 'static>(causes: &[&'a (dyn Error + 'static)]) -> Option<&'a E> {
    causes.iter().find_map(|cause| cause.downcast_ref::<E>())
}
