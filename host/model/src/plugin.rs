//! Plugins, their releases, and what a tenant grants them.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::host_pattern::HostPattern;
use crate::id::{Digest, PluginName};
use crate::manifest::{Capability, Manifest};

/// A named line of releases in one tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// The name.
    pub name: PluginName,
    /// The release that new runs use. None until a grant covers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Digest>,
    /// The release that was active before: what roll-back returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// When the first release was uploaded.
    pub created_at: Timestamp,
}

/// One uploaded component. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The SHA-256 of the component's bytes.
    pub digest: Digest,
    /// The plugin.
    pub plugin: PluginName,
    /// The version the manifest gives. Unique per plugin.
    pub version: Version,
    /// The component's size in bytes.
    pub size: u64,
    /// What the component says of itself.
    pub manifest: Manifest,
    /// The interfaces it imports, with versions.
    pub imports: Vec<String>,
    /// The version of the contract it was built for: `0.1.0`.
    pub contract: String,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
}

/// What a tenant allows a plugin. Made for one release; carried over to a later one that asks for no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The plugin.
    pub plugin: PluginName,
    /// The release whose manifest a person saw when granting.
    pub release: Digest,
    /// What is allowed.
    pub permissions: Permissions,
    /// When it was given.
    pub granted_at: Timestamp,
}

/// What is allowed. Everything else is denied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Permissions {
    /// The interfaces that answer.
    pub capabilities: BTreeSet<Capability>,
    /// The hosts it may call.
    pub hosts: BTreeSet<HostPattern>,
    /// The HTTP methods it may use, in capitals. Empty allows all of the contract's.
    pub methods: BTreeSet<String>,
    /// Bytes of storage per instance.
    pub storage_bytes: u64,
    /// The secrets it may use, by name.
    pub secrets: BTreeSet<String>,
}
