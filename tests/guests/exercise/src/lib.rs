//! Uses every capability and tells what it got.
//!
//! `test` answers one check per function of the contract, with what it got as JSON in the message.
//! `pull` commits pages of numbered records; `push` and `pull-one` do what the record or its id says.

mod checks;
mod records;

use mortise_sdk::connector::{Change, InboundAnswer, InboundRequest, WebhookResult};
use mortise_sdk::content::Content;
use mortise_sdk::prelude::*;
use mortise_sdk::secrets::{self, Hash};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Exercise {
    /// Where a server is that answers anything to `/one`, `/two` and `/three`.
    base_url: Option<String>,
    /// How many records a pull has.
    records: u32,
}

impl Connector for Exercise {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise-tests/exercise", env!("CARGO_PKG_VERSION"))
            .title("Exercise")
            .description("Uses every capability and tells what it got.")
            .setting(Setting::address("base-url").title("A server that may be called"))
            .setting(Setting::integer("records", 0..=100_000).title("Records of a pull").default(25))
            .secret(SecretField::optional("key").title("Key of signatures"))
            .secret(SecretField::optional("token").title("Bearer token"))
            .credential(Credential::bearer("far-side", "token").for_host("{base-url}"))
            .calls("{base-url}", "Calls it.")
            .requires(Capability::Storage, "Keeps things.")
            .requires(Capability::Secrets, "Signs and verifies.")
            .may_use(Capability::SecretReveal, "Reads a secret in clear.")
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(vec![Entity::named("account").pulled().pushed(), Entity::named("invoice").pulled()])
    }

    fn test(&self) -> Result<Vec<Check>> {
        Ok(checks::all(self.base_url.as_deref()))
    }

    fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
        records::pull(&request, self.records, sink)
    }

    fn pull_one(&self, _: &str, external_id: &str) -> Result<Option<PulledRecord>> {
        records::pull_one(external_id)
    }

    fn push(&self, _: &str, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        mortise_sdk::connector::push_each(items, records::push_one)
    }

    /// Takes `{"account": "...", "name": "...", "id": "..."}`, the last two optional, signed as lower-case hexadecimal in `X-Signature`.
    fn handle_webhook(&self, request: InboundRequest) -> Result<WebhookResult> {
        #[derive(Deserialize)]
        struct Event {
            account: String,
            name: Option<String>,
            id: Option<String>,
        }
        let signature = request.header("x-signature").and_then(from_hex).unwrap_or_default();
        if !secrets::open("key")?.verify(Hash::Sha256, request.body.clone(), &signature) {
            return Err(Error::Unauthorized("the signature is not that of the body".to_owned()));
        }
        let event: Event = serde_json::from_slice(request.body.as_bytes())
            .map_err(|error| Error::rejected("", "malformed", error.to_string()))?;
        Ok(WebhookResult {
            answer: InboundAnswer {
                status: 200,
                headers: Vec::new(),
                body: Content::Text("thanks".to_owned()),
            },
            changes: vec![Change {
                entity: "account".to_owned(),
                external_id: event.account,
                data: event.name.map(|name| serde_json::json!({ "name": name }).to_string()),
            }],
            event_id: event.id,
        })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

mortise_sdk::export_connector!(Exercise);
