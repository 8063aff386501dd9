//! What a plugin says of itself: the contract's `plugin-manifest` as plain data.

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::PluginName;

/// What kind of plugin it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Keeps records in step with another system.
    Connector,
    /// Takes money through a payment provider.
    PaymentGateway,
    /// Provisions what was sold.
    ServiceManager,
}

impl PluginKind {
    /// The name of the interface that the kind exports.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::PaymentGateway => "payment-gateway",
            Self::ServiceManager => "service-manager",
        }
    }
}

/// A permission a plugin can ask for: one interface of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to granted hosts.
    Http,
    /// State of its own.
    Storage,
    /// Signing and verifying with granted secrets.
    Secrets,
    /// Granted secrets in clear.
    SecretReveal,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 4] = [Self::Http, Self::Storage, Self::Secrets, Self::SecretReveal];

    /// The interface's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Storage => "storage",
            Self::Secrets => "secrets",
            Self::SecretReveal => "secret-reveal",
        }
    }
}

/// The manifest of one release (and document).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The plugin's name.
    pub name: PluginName,
    /// The release.
    pub version: Version,
    /// The kind.
    pub kind: PluginKind,
    /// The name people read.
    pub title: String,
    /// One or two sentences.
    pub description: String,
    /// A JSON Schema (2020-12) of the settings.
    pub settings_schema: Value,
    /// The secrets it uses.
    pub secrets: Vec<SecretDeclaration>,
    /// The credentials its requests may name.
    pub credentials: Vec<CredentialDeclaration>,
    /// The hosts it calls.
    pub hosts: Vec<HostDeclaration>,
    /// The permissions it asks for.
    pub capabilities: Vec<CapabilityRequest>,
}

/// A secret the plugin uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretDeclaration {
    /// The name in kebab case.
    pub name: String,
    /// The label of the form field.
    pub title: String,
    /// Where a person finds the value.
    pub help: String,
    /// Whether an instance works without it.
    pub required: bool,
}

/// A host the plugin calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostDeclaration {
    /// A host pattern, or a template of one: `{base-url}` takes the host and port of that setting.
    pub pattern: String,
    /// Why.
    pub reason: String,
}

/// A permission the plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityRequest {
    /// Which.
    pub name: Capability,
    /// Why.
    pub reason: String,
    /// False when the plugin copes without.
    pub required: bool,
}

/// A credential that requests may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialDeclaration {
    /// The name in kebab case.
    pub name: String,
    /// How it is applied.
    pub scheme: CredentialScheme,
    /// The hosts it may go to: patterns or templates. Never empty.
    pub hosts: Vec<String>,
}

/// How the host makes a request trusted. A text marked *template* may hold `{setting}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CredentialScheme {
    /// HTTP Basic.
    Basic {
        /// The user name. A template.
        user: String,
        /// The secret that holds the password.
        password_secret: String,
    },
    /// A fixed bearer token.
    Bearer {
        /// The secret that holds it.
        secret: String,
    },
    /// A fixed key.
    ApiKey {
        /// Where it goes.
        place: KeyPlace,
        /// The secret that holds it.
        secret: String,
    },
    /// OAuth 2 client credentials.
    ClientCredentials {
        /// The token endpoint. A template.
        token_url: String,
        /// The client id. A template.
        client_id: String,
        /// The secret that holds the client secret.
        client_secret: String,
        /// The scope.
        scope: Option<String>,
        /// How the client authenticates.
        authentication: ClientAuthentication,
    },
    /// OAuth 2 refresh token.
    RefreshToken {
        /// The token endpoint. A template.
        token_url: String,
        /// The client id. A template.
        client_id: String,
        /// The secret that holds the client secret. None for a public client.
        client_secret: Option<String>,
        /// The secret that holds the refresh token.
        refresh_token_secret: String,
        /// How the client authenticates.
        authentication: ClientAuthentication,
    },
    /// A keyed signature of the body.
    Signature {
        /// The hash.
        hash: SignatureHash,
        /// The header that carries it.
        header: String,
        /// Text before the signature.
        prefix: String,
        /// The text form.
        encoding: SignatureEncoding,
        /// The secret that holds the key.
        secret: String,
    },
}

impl CredentialScheme {
    /// The secrets it reads.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Basic { password_secret: secret, .. }
            | Self::Bearer { secret }
            | Self::ApiKey { secret, .. }
            | Self::ClientCredentials { client_secret: secret, .. }
            | Self::Signature { secret, .. } => vec![secret],
            Self::RefreshToken { client_secret, refresh_token_secret, .. } => {
                client_secret.iter().chain([refresh_token_secret]).map(String::as_str).collect()
            }
        }
    }
}

/// Where an API key goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", content = "name", rename_all = "kebab-case")]
pub enum KeyPlace {
    /// A header of this name.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// A cookie of this name.
    Cookie(String),
}

/// How an OAuth 2 client authenticates at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// HTTP Basic.
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
}

/// The hash of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The text form of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Base64 with padding.
    Base64,
}
