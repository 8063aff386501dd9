//! Why a request through `wasi:http` has no answer.

use mortise_egress::{Delivery, EgressError, EgressErrorKind};
use serde::{Deserialize, Serialize};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::{DnsErrorPayload, ErrorCode};

use crate::bindings::contract::http::HttpError;
use crate::gate::Refusal;

/// Why there is no answer. The standard's codes that the host uses, and the sentence of a denial, which the standard
/// has no place for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Refused {
    Denied(String),
    ForbiddenAddress(String),
    MethodInvalid,
    RequestBodySize(u64),
    ResponseBodySize,
    Dns,
    NoConnection,
    ConnectionTerminated,
    ConnectionTimeout,
    ResponseTimeout,
    LimitReached,
    Tls,
    Protocol,
    Internal(String),
}

impl Refused {
    /// As the standard has it.
    pub(super) fn code(self) -> ErrorCode {
        match self {
            Self::Denied(_) => ErrorCode::HttpRequestDenied,
            Self::ForbiddenAddress(_) => ErrorCode::DestinationIpProhibited,
            Self::MethodInvalid => ErrorCode::HttpRequestMethodInvalid,
            Self::RequestBodySize(size) => ErrorCode::HttpRequestBodySize(Some(size)),
            Self::ResponseBodySize => ErrorCode::HttpResponseBodySize(None),
            Self::Dns => ErrorCode::DnsError(DnsErrorPayload { rcode: None, info_code: None }),
            Self::NoConnection => ErrorCode::ConnectionRefused,
            Self::ConnectionTerminated => ErrorCode::ConnectionTerminated,
            Self::ConnectionTimeout => ErrorCode::ConnectionTimeout,
            Self::ResponseTimeout => ErrorCode::HttpResponseTimeout,
            Self::LimitReached => ErrorCode::ConnectionLimitReached,
            Self::Tls => ErrorCode::TlsProtocolError,
            Self::Protocol => ErrorCode::HttpProtocolError,
            Self::Internal(message) => ErrorCode::InternalError(Some(message)),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(_) => Self::HttpRequestDenied,
            Refused::ForbiddenAddress(_) => Self::DestinationIpProhibited,
            Refused::MethodInvalid => Self::HttpRequestMethodInvalid,
            Refused::RequestBodySize(size) => Self::HttpRequestBodySize(Some(size)),
            Refused::ResponseBodySize => Self::HttpResponseBodySize(None),
            Refused::Dns => Self::DnsError { rcode: None, info_code: None },
            Refused::NoConnection => Self::ConnectionRefused,
            Refused::ConnectionTerminated => Self::ConnectionTerminated,
            Refused::ConnectionTimeout => Self::ConnectionTimeout,
            Refused::ResponseTimeout => Self::HttpResponseTimeout,
            Refused::LimitReached => Self::ConnectionLimitReached,
            Refused::Tls => Self::TlsProtocolError,
            Refused::Protocol => Self::HttpProtocolError,
            Refused::Internal(message) => Self::InternalError(Some(message)),
        }
    }
}

impl Refusal for Refused {
    fn denial(&self) -> Option<&str> {
        match self {
            Self::Denied(sentence) | Self::ForbiddenAddress(sentence) => Some(sentence),
            _ => None,
        }
    }
}

impl From<EgressError> for Refused {
    fn from(error: EgressError) -> Self {
        let sent = error.delivery == Delivery::Unknown;
        match error.kind {
            EgressErrorKind::Denied => Self::Denied(error.message),
            EgressErrorKind::ForbiddenAddress => Self::ForbiddenAddress(error.message),
            EgressErrorKind::Dns => Self::Dns,
            EgressErrorKind::Connection if sent => Self::ConnectionTerminated,
            EgressErrorKind::Connection => Self::NoConnection,
            EgressErrorKind::Tls => Self::Tls,
            EgressErrorKind::Timeout if sent => Self::ResponseTimeout,
            EgressErrorKind::Timeout => Self::ConnectionTimeout,
            EgressErrorKind::TooLarge => Self::ResponseBodySize,
            EgressErrorKind::Quota => Self::LimitReached,
            EgressErrorKind::Protocol => Self::Protocol,
            EgressErrorKind::Invalid
            | EgressErrorKind::RetryLater
            | EgressErrorKind::Unauthorized
            | EgressErrorKind::Cancelled
            | EgressErrorKind::Other => Self::Internal(error.message),
        }
    }
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        match error.denial() {
            Some(sentence) => Self::Denied(sentence.to_owned()),
            None => Self::Internal(error.message),
        }
    }
}
