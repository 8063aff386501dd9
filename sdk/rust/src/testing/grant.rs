//! What a manifest asks for, which is what the in-memory host grants.

use serde_json::{Map, Value};
use url::Url;

use crate::bindings::exports::mortise::plugin::manifest::PluginManifest;
use crate::manifest::Capability;
use crate::testing::Request;

/// The grant of the call in progress.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    /// Everything: a function is tried by itself.
    Everything,
    /// What this manifest asks for, its templates filled in from the settings.
    Manifest(Box<PluginManifest>),
}

impl Grant {
    /// Everything that the manifest asks for.
    pub(crate) fn of(mut manifest: PluginManifest, settings: &Map<String, Value>) -> Self {
        for host in &mut manifest.hosts {
            host.pattern = fill_in(&host.pattern, settings);
        }
        for host in manifest.credentials.iter_mut().flat_map(|credential| &mut credential.hosts) {
            *host = fill_in(host, settings);
        }
        Self::Manifest(Box::new(manifest))
    }

    /// Why the plugin may not use an interface.
    pub(crate) fn refuses(&self, capability: Capability) -> Option<String> {
        let Self::Manifest(manifest) = self else { return None };
        let asked = manifest.capabilities.iter().any(|asked| asked.name == capability.name());
        let name = capability.name();
        (!asked).then(|| format!("`{name}` is not granted: the manifest does not ask for it"))
    }

    /// Why the plugin may not open a secret.
    pub(crate) fn refuses_secret(&self, name: &str) -> Option<String> {
        let Self::Manifest(manifest) = self else { return None };
        let declared = manifest.secrets.iter().any(|secret| secret.name == name);
        self.refuses(Capability::Secrets)
            .or_else(|| (!declared).then(|| format!("the manifest declares no secret `{name}`")))
    }

    /// Why the plugin may not send a request.
    pub(crate) fn refuses_request(&self, request: &Request) -> Option<String> {
        let Self::Manifest(manifest) = self else { return None };
        let host = request.host();
        if let Some(refusal) = self.refuses(Capability::Http) {
            return Some(refusal);
        }
        if !manifest.hosts.iter().any(|declared| matches(&declared.pattern, &host)) {
            return Some(format!("the manifest declares no host that `{host}` is one of"));
        }
        let name = request.credential()?;
        match manifest.credentials.iter().find(|credential| credential.name == name) {
            None => Some(format!("the manifest declares no credential `{name}`")),
            Some(credential) if credential.hosts.iter().any(|pattern| matches(pattern, &host)) => None,
            Some(_) => Some(format!("the credential `{name}` is not bound to `{host}`")),
        }
    }
}

/// Replaces `{name}`, whole, by the host of the setting of that name.
fn fill_in(pattern: &str, settings: &Map<String, Value>) -> String {
    let setting = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let Some(value) = setting.and_then(|name| settings.get(name)).and_then(Value::as_str) else {
        return pattern.to_owned();
    };
    let Ok(url) = Url::parse(value) else { return value.to_owned() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern == host,
    }
}
