//! The host as a test sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::exports::mortise::plugin::connector::{
    Check, Entity, Guest as _, Operation, PullEnd, PullRequest, PushItem, PushResult, WebhookResult,
};
use crate::bindings::exports::mortise::plugin::manifest::{Guest as _, PluginManifest};
use crate::bindings::mortise::plugin::context::Call;
use crate::bindings::mortise::plugin::sink::{Page, PulledRecord};
use crate::bindings::mortise::plugin::types::InboundRequest;
use crate::connector::Connector;
use crate::error::Result;
use crate::export::Exported;
use crate::testing::grant::Grant;
use crate::testing::state::State;
use crate::testing::{Answer, LogLine, Request, functions};

/// A host in memory. Clones are the same host.
#[derive(Clone, Default)]
pub struct Host {
    state: Rc<RefCell<State>>,
}

impl Host {
    /// A host without settings and secrets, whose far side answers 404 to everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the settings. What the manifest has a default for may be left out.
    ///
    /// # Panics
    /// When they are not an object.
    pub fn settings(self, settings: Value) -> Self {
        let Value::Object(settings) = settings else { panic!("settings are an object, not {settings}") };
        self.with(|state| state.settings = settings)
    }

    /// Gives a secret its value.
    pub fn secret(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.with(|state| state.secrets.insert(name.to_owned(), value.as_ref().to_vec()))
    }

    /// Has the far side answer like this, from now on.
    pub fn answer(self, far_side: impl FnMut(&Request) -> Answer + 'static) -> Self {
        self.with(|state| state.far_side = Rc::new(RefCell::new(far_side)))
    }

    /// Sets the clock, in RFC 3339.
    pub fn at(self, now: &str) -> Self {
        self.with(|state| now.clone_into(&mut state.now))
    }

    /// Sets what calls are told about themselves.
    pub fn call(self, call: Call) -> Self {
        self.with(|state| state.call = call)
    }

    /// Tells calls that the far side must not be changed.
    pub fn dry_run(self) -> Self {
        self.with(|state| state.call.dry_run = true)
    }

    /// Sets how many records a pull is asked for per page. 100 unless set.
    pub fn page_size(self, records: u32) -> Self {
        self.with(|state| state.page_size = records)
    }

    /// Asks the run to stop once this many more pages are committed. None never asks.
    pub fn stop_after(self, pages: Option<u32>) -> Self {
        self.with(|state| state.pages_left = pages)
    }

    fn with<T>(self, change: impl FnOnce(&mut State) -> T) -> Self {
        change(&mut self.state.borrow_mut());
        self
    }

    /// Runs `work` with everything granted: for trying a function by itself.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        functions::during(&self.state, work)
    }

    /// What the plugin says of itself.
    pub fn manifest<C: Connector>(&self) -> Result<PluginManifest> {
        self.run(|| Exported::<C>::describe(None))
    }

    /// Calls `entities`.
    pub fn entities<C: Connector>(&self) -> Result<Vec<Entity>> {
        self.granted::<C, _>(Exported::<C>::entities)
    }

    /// Calls `test`.
    pub fn test<C: Connector>(&self) -> Result<Vec<Check>> {
        self.granted::<C, _>(Exported::<C>::test)
    }

    /// Pulls an entity from where the last pull ended, or goes on where it was interrupted.
    pub fn pull<C: Connector>(&self, entity: &str) -> Result<PullEnd> {
        let (progress, page_size) = {
            let state = self.state.borrow();
            (state.progress.get(entity).cloned().unwrap_or_default(), state.page_size)
        };
        self.state.borrow_mut().pulling = Some(entity.to_owned());
        let request = PullRequest {
            entity: entity.to_owned(),
            bookmark: progress.bookmark,
            cursor: progress.cursor,
            page_size,
        };
        let end = self.granted::<C, _>(|| Exported::<C>::pull(request));
        if let Ok(end) = &end {
            let mut state = self.state.borrow_mut();
            let progress = state.progress.entry(entity.to_owned()).or_default();
            progress.bookmark.clone_from(&end.bookmark);
            progress.cursor = None;
            progress.last_page = None;
        }
        end
    }

    /// Calls `pull-one`.
    pub fn pull_one<C: Connector>(&self, entity: &str, external_id: &str) -> Result<Option<PulledRecord>> {
        self.granted::<C, _>(|| Exported::<C>::pull_one(entity.to_owned(), external_id.to_owned()))
    }

    /// Calls `push`. [`create`], [`update`] and [`remove`] make items.
    pub fn push<C: Connector>(&self, entity: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        self.granted::<C, _>(|| Exported::<C>::push(entity.to_owned(), items))
    }

    /// Calls `handle-webhook`.
    pub fn webhook<C: Connector>(&self, request: InboundRequest) -> Result<WebhookResult> {
        self.granted::<C, _>(|| Exported::<C>::handle_webhook(request))
    }

    fn granted<C: Connector, T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let manifest = self.manifest::<C>()?;
        {
            let mut state = self.state.borrow_mut();
            fill_in_defaults(&manifest.settings_schema, &mut state.settings);
            state.grant = Grant::of(manifest, &state.settings);
        }
        let outcome = self.run(call);
        self.state.borrow_mut().settle(&outcome);
        outcome
    }

    /// Every request that was sent, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.state.borrow().requests.clone()
    }

    /// How many requests were in flight at most.
    pub fn most_in_flight(&self) -> usize {
        self.state.borrow().most_in_flight
    }

    /// Every line that was logged, in order.
    pub fn logs(&self) -> Vec<LogLine> {
        self.state.borrow().logs.clone()
    }

    /// Every page that was committed, in order.
    pub fn pages(&self) -> Vec<Page> {
        self.state.borrow().pages.clone()
    }

    /// The records of an entity that pulls have brought and not removed, by the far side's id.
    pub fn records(&self, entity: &str) -> BTreeMap<String, Value> {
        let state = self.state.borrow();
        let records = state.records.iter().filter(|((of, _), _)| of == entity);
        records.map(|((_, id), data)| (id.clone(), data.clone())).collect()
    }

    /// Where the next pull of an entity starts.
    pub fn bookmark(&self, entity: &str) -> Option<String> {
        self.state.borrow().progress.get(entity)?.bookmark.clone()
    }

    /// Where an interrupted pull of an entity goes on.
    pub fn cursor(&self, entity: &str) -> Option<String> {
        self.state.borrow().progress.get(entity)?.cursor.clone()
    }

    /// What the plugin's storage holds, as JSON.
    ///
    /// # Panics
    /// When it is not what `T` expects.
    pub fn stored<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.run(|| match crate::storage::get(key) {
            Ok(value) => value,
            Err(error) => panic!("{error:?}"),
        })
    }
}

fn fill_in_defaults(schema: &str, settings: &mut Map<String, Value>) {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, property) in properties {
        if let Some(default) = property.get("default")
            && !settings.contains_key(name)
        {
            settings.insert(name.clone(), default.clone());
        }
    }
}

/// An item of a push at its first attempt: a record that the far side is to create.
pub fn create(id: &str, object: &impl Serialize) -> PushItem {
    item(Operation::Create, id, None, object)
}

/// An item of a push at its first attempt: a record that the far side is to change.
pub fn update(id: &str, external_id: &str, object: &impl Serialize) -> PushItem {
    item(Operation::Update, id, Some(external_id), object)
}

/// An item of a push at its first attempt: a record that the far side is to remove.
pub fn remove(id: &str, external_id: &str, object: &impl Serialize) -> PushItem {
    item(Operation::Delete, id, Some(external_id), object)
}

fn item(operation: Operation, id: &str, external_id: Option<&str>, object: &impl Serialize) -> PushItem {
    let data = match serde_json::to_string(object) {
        Ok(data) => data,
        Err(error) => panic!("the object is not JSON: {error}"),
    };
    PushItem {
        idempotency_key: format!("{id}-1"),
        attempt: 1,
        operation,
        id: id.to_owned(),
        external_id: external_id.map(str::to_owned),
        data,
    }
}
