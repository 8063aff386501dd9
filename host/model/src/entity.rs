//! Which business objects there are, and what every one of them shares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::InstanceId;

/// A business object that connectors keep in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// A customer.
    Account,
    /// An invoice with its items.
    Invoice,
}

/// A name that no entity has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an entity: expected `account` or `invoice`")]
pub struct UnknownEntity(String);

impl EntityKind {
    /// Every kind, in the order in which they refer to one another: what others need comes first.
    pub const ALL: [Self; 2] = [Self::Account, Self::Invoice];

    /// The name, singular: `account`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Invoice => "invoice",
        }
    }

    /// The name of its collection: `accounts`.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Account => "accounts",
            Self::Invoice => "invoices",
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EntityKind {
    type Err = UnknownEntity;

    fn from_str(text: &str) -> Result<Self, UnknownEntity> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownEntity(text.chars().take(80).collect()))
    }
}

/// A reference to another business object.
///
/// Stored with `id`. From and to a connector also with `integration_id`, the far side's id for the running instance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    /// The platform's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The name, for people. Ignored on input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The far side's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
}

/// A record's link to one record of the far side, through one instance. Kept on the record itself.
///
/// As text `instance/external-id`: under that text it is indexed, and no two records of one entity share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link {
    /// The instance.
    pub instance: InstanceId,
    /// The far side's id. 1 to 256 bytes.
    pub external_id: String,
}

/// A text that is not a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a link: expected an instance's id, a slash and the far side's id")]
pub struct InvalidLink(String);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.external_id)
    }
}

impl From<Link> for String {
    fn from(link: Link) -> String {
        link.to_string()
    }
}

impl TryFrom<String> for Link {
    type Error = InvalidLink;

    fn try_from(text: String) -> Result<Self, InvalidLink> {
        text.split_once('/')
            .and_then(|(instance, external_id)| {
                Some(Self { instance: instance.parse().ok()?, external_id: external_id.to_owned() })
            })
            .ok_or_else(|| InvalidLink(text.chars().take(80).collect()))
    }
}

/// A tenant's own fields: by code, with any JSON value.
pub type CustomFields = Map<String, Value>;
