//! Does what no plugin should, as its setting `behaviour` says.
//!
//! What needs no page is done at the beginning of every call. A connector document has the same effect on the manifest:
//! the document `loop` is a manifest that never comes. So has the word that a test writes into the component itself, for
//! a manifest is asked for before there is a setting or a document.

mod behaviour;
mod pages;

use std::hint::black_box;

use mortise_sdk::prelude::*;
use serde::Deserialize;

use crate::behaviour::{BEHAVIOURS, Behaviour};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    behaviour: Behaviour,
    base_url: Option<String>,
}

/// What asking for the manifest does: a word of the setting, with spaces behind it. Tests write another into the
/// component's bytes.
static OF_MANIFEST: [u8; 40] = *b"the manifest's behaviour: behave        ";

struct Misbehaving {
    settings: Settings,
}

impl Connector for Misbehaving {
    type Settings = Settings;

    fn manifest() -> Manifest {
        let word = black_box(&OF_MANIFEST)[26..].trim_ascii();
        let word = String::from_utf8_lossy(word).into_owned();
        if let Ok(behaviour) = serde_json::from_value(word.into()) {
            // Those that answer an error have nobody to answer it to here.
            let _ = behaviour::act(behaviour, None);
        }
        let behaviour = Setting::choice("behaviour", BEHAVIOURS).title("Behaviour").default("behave");
        Manifest::connector("mortise-tests/misbehaving", env!("CARGO_PKG_VERSION"))
            .title("Misbehaving")
            .description("Does what no plugin should.")
            .setting(behaviour)
            .setting(Setting::address("base-url").title("A host that may be called"))
            .secret(SecretField::optional("key").title("Key"))
            .calls("{base-url}", "Calls it too often.")
            .requires(Capability::Storage, "Fills it up.")
            .requires(Capability::Secrets, "Opens too many handles.")
    }

    fn describe(document: &str) -> Result<Manifest> {
        let behaviour: Behaviour = serde_json::from_value(document.into())
            .map_err(|error| Error::rejected("", "unknown", error.to_string()))?;
        behaviour::act(behaviour, None)?;
        Ok(Self::manifest())
    }

    fn open(settings: Settings) -> Result<Self> {
        behaviour::act(settings.behaviour, settings.base_url.as_deref())?;
        Ok(Self { settings })
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        let names = match self.settings.behaviour {
            Behaviour::HugeResult => 2_000_000,
            _ => 1,
        };
        Ok((0..names).map(|_| Entity::named("account").pulled().pushed()).collect())
    }

    fn test(&self) -> Result<Vec<Check>> {
        Ok(vec![Check::passed("behaviour", format!("{:?}", self.settings.behaviour))])
    }

    fn pull(&self, _: PullRequest, sink: &Sink) -> Result<PullEnd> {
        pages::pull(self.settings.behaviour, sink)
    }

    fn push(&self, _: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        let stored = |id: String| PushResult { outcome: Outcome::stored(format!("X-{id}")), id };
        let mut results: Vec<_> = items.into_iter().map(|item| stored(item.id)).collect();
        match self.settings.behaviour {
            Behaviour::PushTooFew => drop(results.pop()),
            Behaviour::PushOthers => results.push(stored("another".to_owned())),
            Behaviour::PushTwice => results.extend(results.first().cloned()),
            _ => {}
        }
        Ok(results)
    }
}

mortise_sdk::export_connector!(Misbehaving);
