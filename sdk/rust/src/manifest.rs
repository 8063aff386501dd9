//! What a plugin is and what it wants.

use crate::bindings::exports::mortise::plugin::manifest as contract;
pub use crate::bindings::exports::mortise::plugin::manifest::{
    ClientAuthentication, CredentialScheme, KeyPlace, SignatureEncoding, SignatureScheme,
};
use crate::settings::{self, Setting};

/// The manifest of a plugin, built sentence by sentence.
#[derive(Debug, Clone)]
pub struct Manifest {
    contract: contract::PluginManifest,
    settings: Vec<Setting>,
}

impl Manifest {
    /// A connector. `name` is `publisher/plugin` in kebab case, `version` a semantic version.
    pub fn connector(name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            contract: contract::PluginManifest {
                title: name.clone(),
                name,
                version: version.into(),
                kind: contract::Kind::Connector,
                description: String::new(),
                settings_schema: String::new(),
                secrets: Vec::new(),
                credentials: Vec::new(),
                hosts: Vec::new(),
                capabilities: Vec::new(),
            },
            settings: Vec::new(),
        }
    }

    /// The name people read.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.contract.title = title.into();
        self
    }

    /// One or two sentences.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.contract.description = description.into();
        self
    }

    /// A setting that an instance has.
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// A secret that an instance has.
    pub fn secret(mut self, secret: SecretField) -> Self {
        self.contract.secrets.push(secret.0);
        self
    }

    /// A credential that requests may name.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.contract.credentials.push(credential.0);
        self
    }

    /// A host that requests go to, and why. Asks for `http` as well.
    ///
    /// `pattern` is `api.example.com`, `*.example.com`, with `:port` where it is not 443, or a template: `{base-url}`
    /// takes the host of a setting.
    pub fn calls(mut self, pattern: impl Into<String>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let pattern = pattern.into();
        self.contract.hosts.push(contract::HostDeclaration { pattern, reason: reason.clone() });
        if self.contract.capabilities.iter().any(|capability| capability.name == Capability::Http.name()) {
            return self;
        }
        self.requires(Capability::Http, reason)
    }

    /// A permission the plugin does not work without, and why.
    pub fn requires(mut self, capability: Capability, reason: impl Into<String>) -> Self {
        self.contract.capabilities.push(capability.asked(reason.into(), true));
        self
    }

    /// A permission the plugin copes without, and why it wants it.
    pub fn may_use(mut self, capability: Capability, reason: impl Into<String>) -> Self {
        self.contract.capabilities.push(capability.asked(reason.into(), false));
        self
    }
}

impl From<Manifest> for contract::PluginManifest {
    fn from(manifest: Manifest) -> Self {
        Self { settings_schema: settings::schema(manifest.settings).to_string(), ..manifest.contract }
    }
}

/// A permission: one interface of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Requests to granted hosts.
    Http,
    /// State that outlives a call.
    Storage,
    /// Signing and verifying with granted secrets.
    Secrets,
    /// Granted secrets in clear.
    SecretReveal,
}

impl Capability {
    /// The interface's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Storage => "storage",
            Self::Secrets => "secrets",
            Self::SecretReveal => "secret-reveal",
        }
    }

    fn asked(self, reason: String, required: bool) -> contract::Capability {
        contract::Capability { name: self.name().to_owned(), reason, required }
    }
}

/// A secret that an instance has.
#[derive(Debug, Clone)]
pub struct SecretField(contract::SecretDeclaration);

impl SecretField {
    /// A secret without which an instance does not work. The name is in kebab case.
    pub fn required(name: impl Into<String>) -> Self {
        Self::declared(name.into(), true)
    }

    /// A secret that an instance works without.
    pub fn optional(name: impl Into<String>) -> Self {
        Self::declared(name.into(), false)
    }

    fn declared(name: String, required: bool) -> Self {
        Self(contract::SecretDeclaration { title: name.clone(), name, help: String::new(), required })
    }

    /// The label of the form field.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Where a person finds the value.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }
}

/// A credential that requests may name; the host applies it. Secrets are given by name.
#[derive(Debug, Clone)]
pub struct Credential(contract::CredentialDeclaration);

impl Credential {
    /// A credential of any scheme.
    pub fn new(name: impl Into<String>, scheme: CredentialScheme) -> Self {
        Self(contract::CredentialDeclaration { name: name.into(), scheme, hosts: Vec::new() })
    }

    /// HTTP Basic. `user` is a template.
    pub fn basic(name: &str, user: impl Into<String>, password_secret: impl Into<String>) -> Self {
        let scheme = contract::BasicScheme { user: user.into(), password_secret: password_secret.into() };
        Self::new(name, CredentialScheme::Basic(scheme))
    }

    /// `Authorization: Bearer` with a secret.
    pub fn bearer(name: &str, secret: impl Into<String>) -> Self {
        Self::new(name, CredentialScheme::Bearer(secret.into()))
    }

    /// A fixed key in a header, query parameter or cookie.
    pub fn api_key(name: &str, place: KeyPlace, secret: impl Into<String>) -> Self {
        let scheme = contract::ApiKeyScheme { place, secret: secret.into() };
        Self::new(name, CredentialScheme::ApiKey(scheme))
    }

    /// OAuth 2 client credentials, with HTTP Basic at the token endpoint. `token_url` and `client_id` are templates.
    pub fn client_credentials(
        name: &str,
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        let scheme = contract::ClientCredentialsScheme {
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            scope: None,
            authentication: ClientAuthentication::Basic,
        };
        Self::new(name, CredentialScheme::ClientCredentials(scheme))
    }

    /// OAuth 2 refresh token, with HTTP Basic at the token endpoint. `token_url` and `client_id` are templates.
    pub fn refresh_token(
        name: &str,
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Option<String>,
        refresh_token_secret: impl Into<String>,
    ) -> Self {
        let scheme = contract::RefreshTokenScheme {
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret,
            refresh_token_secret: refresh_token_secret.into(),
            authentication: ClientAuthentication::Basic,
        };
        Self::new(name, CredentialScheme::RefreshToken(scheme))
    }

    /// A keyed signature of the body.
    pub fn signature(name: &str, scheme: SignatureScheme) -> Self {
        Self::new(name, CredentialScheme::Signature(scheme))
    }

    /// A host it may go to: a pattern or template, as in [`Manifest::calls`]. At least one is needed.
    pub fn for_host(mut self, pattern: impl Into<String>) -> Self {
        self.0.hosts.push(pattern.into());
        self
    }
}
