//! Who may call the host: OAuth clients, API keys, tokens and what they are allowed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ApiKeyId, ClientId, Digest, TenantId};

/// One thing a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Read accounts.
    AccountsRead,
    /// Create and change accounts.
    AccountsWrite,
    /// Read invoices.
    InvoicesRead,
    /// Create and change invoices.
    InvoicesWrite,
    /// See plugins, instances, schedules, runs, logs and dead letters.
    ManageRead,
    /// Change them.
    ManageWrite,
    /// Create tenants, clients and keys; set limits. The operator's alone.
    Operate,
}

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a scope: expected accounts:read, accounts:write, invoices:read, invoices:write, manage:read, manage:write or operate"
)]
pub struct UnknownScope(String);

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::AccountsRead,
        Self::AccountsWrite,
        Self::InvoicesRead,
        Self::InvoicesWrite,
        Self::ManageRead,
        Self::ManageWrite,
        Self::Operate,
    ];

    /// The scope as text: `accounts:read`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountsRead => "accounts:read",
            Self::AccountsWrite => "accounts:write",
            Self::InvoicesRead => "invoices:read",
            Self::InvoicesWrite => "invoices:write",
            Self::ManageRead => "manage:read",
            Self::ManageWrite => "manage:write",
            Self::Operate => "operate",
        }
    }

    /// Everything a tenant's own client may have: all but [`Scope::Operate`].
    pub fn of_tenant() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|scope| *scope != Self::Operate).collect()
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| UnknownScope(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.name().to_owned()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A program that obtains tokens with a secret.
///
/// Secrets are random, 256 bits, and kept as SHA-256: guessing is out of reach, so a slow hash adds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The client's id, sent as the user name of HTTP Basic.
    pub id: ClientId,
    /// The tenant it acts in.
    pub tenant: TenantId,
    /// The name people read.
    pub name: String,
    /// What it may do at most.
    pub scopes: BTreeSet<Scope>,
    /// Hashes of its live secrets: one, or two while they are rotated.
    pub secret_hashes: Vec<Digest>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A key that is sent with each request, without a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The id.
    pub id: ApiKeyId,
    /// The tenant it acts in. None for the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The name people read.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// The hash of the whole key.
    pub hash: Digest,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An access token as the host keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    /// The hash of the token.
    pub hash: Digest,
    /// Whom it was given to.
    pub client: ClientId,
    /// The tenant it acts in.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it stops working.
    pub expires_at: Timestamp,
}
