//! The trait that a connector implements, and the types of its calls.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::exports::mortise::plugin::connector::{
    Change, Check, Entity, Operation, Outcome, PullEnd, PullRequest, PushItem, PushResult, Stored,
    WebhookResult,
};
pub use crate::bindings::mortise::plugin::types::{InboundAnswer, InboundRequest, NameValue};
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::sink::{PulledRecord, Sink};

/// Keeps the platform's records and another system's in step.
///
/// A value is made for each call, from the instance's settings. What is not implemented answers `unsupported`.
pub trait Connector: Sized {
    /// What the settings are read as. The host has checked them against the manifest and filled in defaults.
    type Settings: DeserializeOwned;

    /// What the plugin is and what it wants. Pure: nothing of the host can be reached here.
    fn manifest() -> Manifest;

    /// The manifest for a connector document, for a plugin that takes one.
    ///
    /// Errors: `rejected` with every mistake of the document.
    fn describe(document: &str) -> Result<Manifest> {
        let _ = document;
        Err(Error::unsupported("this plugin takes no document"))
    }

    /// Makes the connector of one instance.
    fn open(settings: Self::Settings) -> Result<Self>;

    /// Lists what can be pulled and pushed with the present settings.
    fn entities(&self) -> Result<Vec<Entity>>;

    /// Looks whether the instance works: address, credentials, rights. Must not change the far side.
    fn test(&self) -> Result<Vec<Check>> {
        Err(Error::unsupported("this connector has no connection test"))
    }

    /// Pulls one entity: commits pages to `sink`, in order, until the far side has no more.
    ///
    /// Success says that everything was enumerated. An answer that is not what the far side documents must be an
    /// error, never an end.
    fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
        let _ = sink;
        Err(Error::unsupported(format!("`{}` cannot be pulled", request.entity)))
    }

    /// Returns one record by the far side's id; None when the far side does not have it.
    fn pull_one(&self, entity: &str, external_id: &str) -> Result<Option<PulledRecord>> {
        let _ = external_id;
        Err(Error::unsupported(format!("`{entity}` cannot be pulled one by one")))
    }

    /// Sends a batch and returns one result per item. [`push_each`] does it item by item.
    fn push(&self, entity: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        let _ = items;
        Err(Error::unsupported(format!("`{entity}` cannot be pushed")))
    }

    /// Verifies and reads a webhook of the far side. A wrong signature must be `unauthorized`.
    fn handle_webhook(&self, request: InboundRequest) -> Result<WebhookResult> {
        let _ = request;
        Err(Error::unsupported("this connector takes no webhooks"))
    }
}

impl InboundRequest {
    /// The value of the first header of a name, in any casing.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }
}

/// Pushes the items one after the other. An error of one is its outcome and does not touch the others.
///
/// Once the run is cancelled, what is left is told to be tried again.
pub fn push_each(
    items: Vec<PushItem>,
    mut push_one: impl FnMut(&PushItem) -> Result<Outcome>,
) -> Result<Vec<PushResult>> {
    let results = items.into_iter().map(|item| {
        let outcome = crate::context::go_on().and_then(|()| push_one(&item)).unwrap_or_else(Outcome::Failed);
        PushResult { id: item.id, outcome }
    });
    Ok(results.collect())
}

impl Entity {
    /// An entity of the platform, `account` or `invoice`, that can be neither pulled nor pushed yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), pull: false, push: false }
    }

    /// Says that it can be pulled.
    pub fn pulled(self) -> Self {
        Self { pull: true, ..self }
    }

    /// Says that it can be pushed.
    pub fn pushed(self) -> Self {
        Self { push: true, ..self }
    }
}

impl Check {
    /// A check that found everything as it should be.
    pub fn passed(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), passed: true, message: found.into() }
    }

    /// A check that did not, and what to do.
    pub fn failed(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), passed: false, message: message.into() }
    }
}

impl PullRequest {
    /// Reads what the last complete pull returned. None asks for everything.
    pub fn read_bookmark<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.bookmark.as_deref().map(|text| read_position("bookmark", text)).transpose()
    }

    /// Reads where an interrupted pull goes on. None starts one.
    pub fn read_cursor<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.cursor.as_deref().map(|text| read_position("cursor", text)).transpose()
    }
}

fn read_position<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let message = format!("the {what} is not one that this release wrote: {error}");
        Error::failed_with_answer(format!("unreadable-{what}"), message, text)
    })
}

impl PullEnd {
    /// A pull that ended here: the next one starts from `bookmark`.
    pub fn at(bookmark: &impl Serialize) -> Result<Self> {
        match serde_json::to_string(bookmark) {
            Ok(bookmark) => Ok(Self { bookmark: Some(bookmark) }),
            Err(error) => {
                Err(Error::failed("unwritable-bookmark", format!("the bookmark is not JSON: {error}")))
            }
        }
    }

    /// A pull after which the next one asks for everything again.
    pub fn without_bookmark() -> Self {
        Self { bookmark: None }
    }
}

impl PushItem {
    /// Reads the platform's object.
    ///
    /// Errors: `failed`, when it is not what `T` expects.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.data).map_err(|error| {
            let message = format!("the platform's record {} is not as documented: {error}", self.id);
            Error::failed("unreadable-record", message)
        })
    }

    /// True when an earlier attempt may have arrived: look before creating.
    pub fn may_have_arrived(&self) -> bool {
        1 < self.attempt
    }
}

impl Outcome {
    /// The far side holds the record under this id.
    pub fn stored(external_id: impl Into<String>) -> Self {
        Self::Stored(Stored { external_id: external_id.into(), note: String::new() })
    }

    /// The far side holds the record under this id; `note` goes to the log.
    pub fn stored_with_note(external_id: impl Into<String>, note: impl Into<String>) -> Self {
        Self::Stored(Stored { external_id: external_id.into(), note: note.into() })
    }

    /// Nothing to do, and why.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}
