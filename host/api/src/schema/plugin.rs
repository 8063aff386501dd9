//! Plugins, releases, manifests and grants.

use utoipa::ToSchema;

/// A named line of releases.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Plugin {
    /// The name.
    name: String,
    /// The release that new runs use. None until a grant covers one.
    active: Option<String>,
    /// The release that was active before: what roll-back returns to.
    previous: Option<String>,
    /// When the first release was uploaded.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

/// One uploaded component. Never changes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Release {
    /// The SHA-256 of the component's bytes.
    digest: String,
    /// The plugin.
    plugin: String,
    /// The version the manifest gives. Unique per plugin.
    version: String,
    /// The component's size in bytes.
    size: u64,
    /// What the component says of itself.
    manifest: Manifest,
    /// The interfaces it imports, with versions.
    imports: Vec<String>,
    /// The version of the contract it was built for: `0.1.0`.
    contract: String,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    uploaded_at: String,
}

/// What is allowed to a plugin.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Grant {
    /// The plugin.
    plugin: String,
    /// The release whose manifest a person saw when granting.
    release: String,
    /// What is allowed.
    permissions: Permissions,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    granted_at: String,
}

/// What is allowed. Everything else is denied.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Permissions {
    /// The interfaces that answer.
    #[schema(required = false)]
    capabilities: Vec<Capability>,
    /// The hosts it may call.
    #[schema(required = false)]
    hosts: Vec<String>,
    /// The HTTP methods it may use, in capitals. Empty allows all of the contract's.
    #[schema(required = false)]
    methods: Vec<String>,
    /// Bytes of storage per instance.
    #[schema(required = false)]
    storage_bytes: u64,
    /// The secrets it may use, by name.
    #[schema(required = false)]
    secrets: Vec<String>,
}

/// What a plugin says of itself.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Manifest {
    /// The plugin's name.
    name: String,
    /// The release.
    version: String,
    /// The kind.
    kind: PluginKind,
    /// The name people read.
    title: String,
    /// One or two sentences.
    description: String,
    /// A JSON Schema (2020-12) of the settings.
    #[schema(value_type = Object)]
    settings_schema: serde_json::Value,
    /// The secrets it uses.
    secrets: Vec<SecretDeclaration>,
    /// The credentials its requests may name.
    credentials: Vec<CredentialDeclaration>,
    /// The hosts it calls.
    hosts: Vec<HostDeclaration>,
    /// The permissions it asks for.
    capabilities: Vec<CapabilityRequest>,
}

/// A secret the plugin uses.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct SecretDeclaration {
    /// The name in kebab case.
    name: String,
    /// The label of the form field.
    title: String,
    /// Where a person finds the value.
    help: String,
    /// Whether an instance works without it.
    required: bool,
}

/// A host the plugin calls.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct HostDeclaration {
    /// A host pattern, or a template of one: `{base-url}` takes the host and port of that setting.
    pattern: String,
    /// Why.
    reason: String,
}

/// A permission the plugin asks for.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CapabilityRequest {
    /// Which.
    name: Capability,
    /// Why.
    reason: String,
    /// False when the plugin copes without.
    required: bool,
}

/// A credential that requests may name.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CredentialDeclaration {
    /// The name in kebab case.
    name: String,
    /// How it is applied.
    #[schema(value_type = Object)]
    scheme: serde_json::Value,
    /// The hosts it may go to: patterns or templates. Never empty.
    hosts: Vec<String>,
}

/// What kind of plugin it is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum PluginKind {
    Connector,
    PaymentGateway,
    ServiceManager,
}

/// A permission: one interface of the contract.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum Capability {
    Http,
    Storage,
    Secrets,
    SecretReveal,
}
