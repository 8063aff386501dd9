//! The permissions that a manifest asks for.

use std::collections::BTreeMap;

use mortise_model::host_pattern::HostPattern;
use mortise_model::manifest::{Capability, Manifest};
use mortise_model::plugin::Permissions;

use crate::plugin::PluginError;

/// Bytes of storage granted to a plugin that asks for storage.
const STORAGE_BYTES: u64 = 1 << 20;

/// What to put in the place of the manifest's templates: `{base-url}=api.example.com`.
///
/// # Errors
/// [`PluginError::Pattern`] for a text of another form.
pub(crate) fn host_patterns(texts: &[String]) -> Result<BTreeMap<String, Vec<HostPattern>>, PluginError> {
    let mut patterns: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for text in texts {
        let refused = |reason: String| PluginError::Pattern { text: text.clone(), reason };
        let (template, pattern) = text.split_once('=').ok_or_else(|| {
            refused("expected a template and a host, as in {base-url}=api.example.com".to_owned())
        })?;
        let pattern = pattern.parse::<HostPattern>().map_err(|error| refused(error.to_string()))?;
        // Braces are a nuisance in a shell, so the setting's name alone will do.
        let template = if template.contains('{') { template.to_owned() } else { format!("{{{template}}}") };
        patterns.entry(template).or_default().push(pattern);
    }
    Ok(patterns)
}

/// Everything that the manifest asks for, with hosts in the place of templates.
///
/// # Errors
/// [`PluginError::Template`] naming a template without a host.
pub(crate) fn asked_for(
    manifest: &Manifest,
    patterns: &BTreeMap<String, Vec<HostPattern>>,
) -> Result<Permissions, PluginError> {
    let mut permissions = Permissions {
        capabilities: manifest.capabilities.iter().map(|request| request.name).collect(),
        secrets: manifest.secrets.iter().map(|secret| secret.name.clone()).collect(),
        ..Permissions::default()
    };
    for host in &manifest.hosts {
        match patterns.get(&host.pattern) {
            Some(given) => permissions.hosts.extend(given.iter().cloned()),
            None if host.pattern.contains('{') => return Err(PluginError::Template(host.pattern.clone())),
            None => {
                let pattern = host.pattern.parse::<HostPattern>().map_err(|error| PluginError::Pattern {
                    text: host.pattern.clone(),
                    reason: error.to_string(),
                })?;
                permissions.hosts.insert(pattern);
            }
        }
    }
    if permissions.capabilities.contains(&Capability::Storage) {
        permissions.storage_bytes = STORAGE_BYTES;
    }
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        let manifest = json!({
            "name": "acme/ledger", "version": "1.0.0", "kind": "connector", "title": "Ledger", "description": "",
            "settingsSchema": {}, "credentials": [],
            "secrets": [{ "name": "key", "title": "Key", "help": "", "required": true }],
            "hosts": [
                { "pattern": "{base-url}", "reason": "" },
                { "pattern": "status.example.com", "reason": "" },
            ],
            "capabilities": [
                { "name": "http", "reason": "", "required": true },
                { "name": "storage", "reason": "", "required": false },
            ],
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn all_that_is_asked_for_is_granted_with_hosts_in_the_place_of_templates() {
        let patterns = host_patterns(&["base-url=127.0.0.1:9000".to_owned()]).unwrap();
        let permissions = asked_for(&manifest(), &patterns).unwrap();
        let expected = json!({
            "capabilities": ["http", "storage"],
            "hosts": ["status.example.com", "127.0.0.1:9000"],
            "methods": [],
            "storageBytes": STORAGE_BYTES,
            "secrets": ["key"],
        });
        let hosts: Vec<_> = permissions.hosts.iter().map(ToString::to_string).collect();
        assert!(
            hosts.contains(&"127.0.0.1:9000".to_owned()) && hosts.contains(&"status.example.com".to_owned())
        );
        let mut found = serde_json::to_value(&permissions).unwrap();
        found["hosts"] = expected["hosts"].clone();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_template_without_a_host_is_refused_with_the_option_to_give() {
        let message = asked_for(&manifest(), &BTreeMap::new()).unwrap_err().to_string();
        assert!(message.contains("--host-pattern {base-url}=api.example.com"), "{message}");
    }

    #[test]
    fn a_host_pattern_of_another_form_is_refused() {
        for text in ["api.example.com", "base-url=https://api.example.com", "base-url="] {
            assert!(host_patterns(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
