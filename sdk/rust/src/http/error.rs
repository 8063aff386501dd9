//! What can go wrong between a request and its answer.

use std::fmt;
use std::time::Duration;

use crate::bindings::mortise::plugin::http::{HttpError, HttpErrorKind};
use crate::error::Error as PluginError;
use crate::http::Response;

/// Most characters of an answer that are quoted in a sentence.
const QUOTED: usize = 200;

/// Why there is no answer to work with.
#[derive(Debug, Clone)]
pub enum Error {
    /// No answer came. `error.delivery` says whether the request may have arrived.
    Unanswered {
        /// What was asked: method and address.
        request: String,
        /// Why.
        error: HttpError,
    },
    /// The answer's status is not a success.
    Refused(Box<Response>),
    /// The answer is a success, and not what was expected.
    Unexpected {
        /// The answer.
        response: Box<Response>,
        /// What is wrong with it: "is not ...".
        message: String,
    },
}

impl Error {
    /// The status of the answer, where there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unanswered { .. } => None,
            Self::Refused(response) | Self::Unexpected { response, .. } => Some(response.status()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered { request, error } => write!(f, "{request}: {}", error.message),
            Self::Refused(response) => {
                write!(f, "{} answered {}", response.request(), response.status())?;
                match response.body().as_text().map(str::trim) {
                    None | Some("") => Ok(()),
                    Some(body) => {
                        let quoted: String = body.chars().take(QUOTED).collect();
                        write!(f, ": {quoted}")
                    }
                }
            }
            Self::Unexpected { response, message } => {
                write!(f, "{}: the answer {message}", response.request())
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for PluginError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Unanswered { error, .. } => unanswered(&error, message),
            Error::Refused(response) => refused(&response, message),
            Error::Unexpected { response, .. } => {
                Self::failed_with_answer("unexpected-answer", message, whole(&response))
            }
        }
    }
}

fn unanswered(error: &HttpError, message: String) -> PluginError {
    match error.kind {
        HttpErrorKind::Denied => PluginError::Denied(message),
        HttpErrorKind::Invalid => PluginError::failed("invalid-request", message),
        HttpErrorKind::TooLarge => PluginError::failed("answer-too-large", message),
        HttpErrorKind::Protocol => PluginError::failed("unexpected-answer", message),
        HttpErrorKind::Quota => PluginError::Quota(message),
        HttpErrorKind::Unauthorized => PluginError::Unauthorized(message),
        HttpErrorKind::Dns
        | HttpErrorKind::Connection
        | HttpErrorKind::Tls
        | HttpErrorKind::Timeout
        | HttpErrorKind::RetryLater
        | HttpErrorKind::Cancelled => {
            retryable(message, error.retry_after_ms.map(u64::from).map(Duration::from_millis))
        }
        HttpErrorKind::Other => PluginError::Other(message),
    }
}

fn refused(response: &Response, message: String) -> PluginError {
    match response.status() {
        401 => PluginError::Unauthorized(message),
        404 | 410 => PluginError::NotFound(message),
        409 | 412 => PluginError::Conflict(message),
        // Too early, too many, too slow, or a fault of the far side that it may have mended by the next attempt.
        408 | 425 | 429 | 500 | 502..=504 => retryable(message, response.retry_after()),
        _ => PluginError::failed_with_answer("refused", message, whole(response)),
    }
}

fn retryable(message: String, after: Option<Duration>) -> PluginError {
    match after {
        Some(delay) => PluginError::retryable_after(delay, message),
        None => PluginError::retryable(message),
    }
}

fn whole(response: &Response) -> String {
    format!("{}\n{}", response.status(), String::from_utf8_lossy(response.body().as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Answer, Host};
    use crate::{Fault, Retry, http};

    fn error_of(answer: Answer) -> PluginError {
        let host = Host::new().at("2026-03-01T09:30:00Z").answer(move |_| answer.clone());
        host.run(|| {
            let number = http::get("https://erp.example/x")
                .query("key", 1)
                .send()
                .and_then(|answer| answer.json::<u32>());
            number.unwrap_err().into()
        })
    }

    #[test]
    fn every_status_becomes_the_error_that_the_host_acts_on() {
        let busy = "GET https://erp.example/x answered 503: busy".to_owned();
        for (header, after_ms) in
            [("7", Some(7_000)), ("Sun, 01 Mar 2026 09:30:02 GMT", Some(2_000)), ("soon", None)]
        {
            let answer = Answer::status(503).body("busy").header("retry-after", header);
            assert_eq!(
                error_of(answer),
                PluginError::Retryable(Retry { after_ms, message: busy.clone() }),
                "{header}"
            );
        }
        assert!(matches!(error_of(Answer::status(429)), PluginError::Retryable(_)));
        assert!(matches!(error_of(Answer::status(401)), PluginError::Unauthorized(_)));
        assert!(matches!(error_of(Answer::status(404)), PluginError::NotFound(_)));
        assert!(matches!(error_of(Answer::status(409)), PluginError::Conflict(_)));
        assert!(matches!(error_of(Answer::status(412)), PluginError::Conflict(_)));
        assert!(matches!(error_of(Answer::status(302)), PluginError::Failed(_)));
    }

    #[test]
    fn a_refusal_carries_what_the_far_side_answered() {
        let error = error_of(Answer::status(422).json_body(&json!({ "code": "bad-zip" })));
        let fault = Fault {
            code: "refused".to_owned(),
            message: "GET https://erp.example/x answered 422: {\"code\":\"bad-zip\"}".to_owned(),
            answer: Some("422\n{\"code\":\"bad-zip\"}".to_owned()),
        };
        assert_eq!(error, PluginError::Failed(fault));
    }

    #[test]
    fn a_page_of_html_with_status_200_is_a_failure_that_shows_the_page() {
        let PluginError::Failed(fault) = error_of(Answer::status(200).body("<html>Down</html>")) else {
            panic!()
        };
        assert_eq!(fault.code, "unexpected-answer");
        assert!(fault.message.contains("the answer is not the JSON that was expected"), "{}", fault.message);
        assert_eq!(fault.answer.as_deref(), Some("200\n<html>Down</html>"));
    }

    #[test]
    fn a_request_that_got_no_answer_keeps_what_the_host_said() {
        let answer = Answer::unanswered(HttpErrorKind::Timeout, "no answer within 30 s");
        let message = "GET https://erp.example/x: no answer within 30 s".to_owned();
        assert_eq!(error_of(answer), PluginError::Retryable(Retry { after_ms: None, message }));
        let answer = Answer::unanswered(HttpErrorKind::Denied, "grant erp.example");
        assert!(matches!(error_of(answer), PluginError::Denied(_)));
    }
}
