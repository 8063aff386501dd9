//! What a scripted far side answers.

use serde::Serialize;
use serde_json::Value;

use crate::bindings::mortise::plugin::http::{BodyForm, Delivery, HttpError, HttpErrorKind, Response};
use crate::bindings::mortise::plugin::types::{Content, NameValue};

/// What a scripted far side answers.
#[derive(Debug, Clone)]
pub struct Answer(Result<Response, HttpError>);

impl Answer {
    /// An answer with an empty body.
    pub fn status(status: u16) -> Self {
        Self(Ok(Response { status, headers: Vec::new(), body: Content::Text(String::new()) }))
    }

    /// A JSON body with status 200.
    pub fn json(body: &impl Serialize) -> Self {
        Self::status(200).json_body(body)
    }

    /// No answer at all. The request did not leave where the host refuses it, and may have arrived otherwise.
    pub fn unanswered(kind: HttpErrorKind, message: &str) -> Self {
        let delivery = match kind {
            HttpErrorKind::Timeout
            | HttpErrorKind::Connection
            | HttpErrorKind::Protocol
            | HttpErrorKind::TooLarge => Delivery::Unknown,
            _ => Delivery::NotSent,
        };
        Self(Err(HttpError { kind, delivery, retry_after_ms: None, message: message.to_owned() }))
    }

    /// With this body.
    pub fn body(self, body: impl Into<Content>) -> Self {
        Self(self.0.map(|answer| Response { body: body.into(), ..answer }))
    }

    /// With a body of JSON.
    ///
    /// # Panics
    /// When the value is not JSON.
    pub fn json_body(self, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => self.header("Content-Type", "application/json").body(body),
            Err(error) => panic!("the answer is not JSON: {error}"),
        }
    }

    /// With its JSON body changed.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn changed(self, change: &dyn Fn(&mut Value)) -> Self {
        let body = self.0.as_ref().map(|answer| serde_json::from_slice(answer.body.as_bytes()));
        match body {
            Ok(Ok(mut body)) => {
                change(&mut body);
                self.body(body.to_string())
            }
            Ok(Err(error)) => panic!("the answer is not JSON: {error}"),
            Err(_) => self,
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.0 {
            answer.headers.push(NameValue { name: name.to_owned(), value: value.to_owned() });
        }
        self
    }

    /// The answer as the host delivers it.
    pub(crate) fn delivered(self, form: BodyForm) -> Result<Response, HttpError> {
        let answer = self.0?;
        let body = match (form, answer.body) {
            (BodyForm::Bytes, body) => Content::Bytes(body.as_bytes().to_vec()),
            (BodyForm::Text, Content::Bytes(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => Content::Text(text),
                Err(_) => return Self::unanswered(HttpErrorKind::Protocol, "the body is not text").0,
            },
            (BodyForm::Text, body) => body,
        };
        Ok(Response { body, ..answer })
    }
}
