//! Every collection of the host, and what its documents are found by.
//!
//! An index costs a write for every document that changes: there is one only where something looks for it.

use mortise_model::access::{AccessToken, ApiKey, Client};
use mortise_model::account::Account;
use mortise_model::instance::Instance;
use mortise_model::invoice::Invoice;
use mortise_model::item::FailedItem;
use mortise_model::plugin::{Grant, Plugin, Release};
use mortise_model::run::Run;
use mortise_model::schedule::Schedule;
use mortise_model::tenant::Tenant;
use mortise_model::webhook::{Delivery, WaitingChange};
use mortise_query::{Index, IndexField, ValueType};

use crate::{Collection, DocumentId, Entity, FeedMembership};

const fn exact(path: &'static str) -> IndexField {
    IndexField::new(path, ValueType::ExactText)
}

const fn text(path: &'static str) -> IndexField {
    IndexField::new(path, ValueType::Text)
}

const fn time(path: &'static str) -> IndexField {
    IndexField::new(path, ValueType::Timestamp)
}

const fn private(name: &'static str, indexes: &'static [Index]) -> Collection {
    Collection { name, indexes, feed: FeedMembership::Private }
}

const fn published(name: &'static str, indexes: &'static [Index]) -> Collection {
    Collection { name, indexes, feed: FeedMembership::Published }
}

/// Tenants, by id. In the system tenant.
pub static TENANTS: Collection = private("tenants", &[]);

/// OAuth clients, by id. In the system tenant.
pub static CLIENTS: Collection = private("clients", &[Index::new("tenant", &[exact("tenant")])]);

/// API keys, by id. In the system tenant.
pub static API_KEYS: Collection = private(
    "api-keys",
    &[Index::new("hash", &[exact("hash")]).unique(), Index::new("tenant", &[exact("tenant")])],
);

/// Access tokens, by the digest of the token. In the system tenant.
pub static TOKENS: Collection = private("tokens", &[Index::new("expires-at", &[time("expiresAt")])]);

/// Keys that the host made for itself, by what they are for. In the system tenant.
pub static HOST_KEYS: Collection = private("host-keys", &[]);

/// Plugins, by name.
pub static PLUGINS: Collection = private("plugins", &[]);

/// Releases, by the digest of the component.
pub static RELEASES: Collection = private("releases", &[Index::new("plugin", &[exact("plugin")])]);

/// Grants, by the plugin's name.
pub static GRANTS: Collection = private("grants", &[]);

/// Instances, by id.
pub static INSTANCES: Collection = private(
    "instances",
    &[Index::new("name", &[text("name")]).unique(), Index::new("plugin", &[exact("plugin")])],
);

/// Secrets of instances, sealed, by `instance/name`.
pub static SECRETS: Collection = private("secrets", &[]);

/// Schedules, by id.
pub static SCHEDULES: Collection = private("schedules", &[Index::new("instance", &[exact("instance")])]);

/// Runs, by id. An id sorts by the time the run began.
pub static RUNS: Collection = private(
    "runs",
    &[
        Index::new("instance", &[exact("instance"), time("startedAt")]),
        Index::new("status", &[exact("status")]),
        Index::new("started-at", &[time("startedAt")]),
    ],
);

/// Where the recordings of runs are, by `run/number`. They are blobs themselves.
pub static RECORDINGS: Collection = private("recordings", &[]);

/// Chunks of runs' logs, by `run/chunk`.
pub static RUN_LOGS: Collection = private("run-logs", &[Index::new("run", &[exact("run")])]);

/// Items that failed, by id.
pub static FAILED_ITEMS: Collection = private(
    "failed-items",
    &[
        Index::new("subject", &[exact("subject")]).unique(),
        Index::new("instance", &[exact("instance"), exact("state/status")]),
        Index::new("next-at", &[time("state/nextAt")]),
    ],
);

/// Records that webhooks named and no run has taken in yet, by `instance/entity/external id`.
pub static WEBHOOK_CHANGES: Collection =
    private("webhook-changes", &[Index::new("instance", &[exact("instance"), time("receivedAt")])]);

/// Webhooks that were taken in, by id. An id sorts by the time they came.
pub static WEBHOOK_DELIVERIES: Collection = private(
    "webhook-deliveries",
    &[
        Index::new("event", &[exact("event")]).unique(),
        Index::new("instance", &[exact("instance"), time("receivedAt")]),
        Index::new("received-at", &[time("receivedAt")]),
    ],
);

/// How far each action of an instance is, by `instance/action`.
pub static SYNC_STATES: Collection = private("sync-states", &[]);

/// What plugins keep for themselves, by `instance/key`.
pub static PLUGIN_STORAGE: Collection = private("plugin-storage", &[]);

/// Answers to requests that carried an idempotency key, by `client/key`.
pub static IDEMPOTENT_ANSWERS: Collection =
    private("idempotent-answers", &[Index::new("expires-at", &[time("expiresAt")])]);

/// Accounts, by number.
pub static ACCOUNTS: Collection = published(
    "accounts",
    &[
        Index::new("links", &[exact("links")]).unique().many(),
        Index::new("code", &[text("code")]).unique(),
        Index::new("name", &[text("name")]),
        Index::new("updated-at", &[time("updatedAt")]),
    ],
);

/// Invoices, by number.
pub static INVOICES: Collection = published(
    "invoices",
    &[
        Index::new("links", &[exact("links")]).unique().many(),
        Index::new("code", &[text("code")]).unique(),
        Index::new("account", &[IndexField::new("account/id", ValueType::Number)]),
        Index::new("updated-at", &[time("updatedAt")]),
    ],
);

/// Every collection.
pub static ALL: &[&Collection] = &[
    &TENANTS,
    &CLIENTS,
    &API_KEYS,
    &TOKENS,
    &HOST_KEYS,
    &PLUGINS,
    &RELEASES,
    &GRANTS,
    &INSTANCES,
    &SECRETS,
    &SCHEDULES,
    &RUNS,
    &RUN_LOGS,
    &RECORDINGS,
    &FAILED_ITEMS,
    &WEBHOOK_CHANGES,
    &WEBHOOK_DELIVERIES,
    &SYNC_STATES,
    &PLUGIN_STORAGE,
    &IDEMPOTENT_ANSWERS,
    &ACCOUNTS,
    &INVOICES,
];

macro_rules! entity {
    ($type:ty, $collection:ident, |$entity:ident| $id:expr) => {
        impl Entity for $type {
            const COLLECTION: &'static Collection = &$collection;

            fn document_id(&self) -> DocumentId {
                let $entity = self;
                $id.into()
            }
        }
    };
}

entity!(Tenant, TENANTS, |tenant| tenant.id.as_str());
entity!(Client, CLIENTS, |client| client.id.as_str());
entity!(ApiKey, API_KEYS, |key| key.id.as_str());
entity!(AccessToken, TOKENS, |token| token.hash.to_string());
entity!(Plugin, PLUGINS, |plugin| plugin.name.as_str());
entity!(Release, RELEASES, |release| release.digest.to_string());
entity!(Grant, GRANTS, |grant| grant.plugin.as_str());
entity!(Instance, INSTANCES, |instance| instance.id.as_str());
entity!(Schedule, SCHEDULES, |schedule| schedule.id.as_str());
entity!(Run, RUNS, |run| run.id.as_str());
entity!(FailedItem, FAILED_ITEMS, |item| item.id.as_str());
entity!(WaitingChange, WEBHOOK_CHANGES, |change| {
    format!("{}/{}/{}", change.instance, change.entity.name(), change.external_id)
});
entity!(Delivery, WEBHOOK_DELIVERIES, |delivery| delivery.id.as_str());
entity!(Account, ACCOUNTS, |account| account.id.0);
entity!(Invoice, INVOICES, |invoice| invoice.id.0);
