//! What a manifest asks for against what is granted.

use std::collections::BTreeSet;

use mortise_model::error::FieldError;
use mortise_model::host_pattern::HostPattern;
use mortise_model::manifest::{Capability, Manifest};
use mortise_model::plugin::Permissions;

use crate::template;

/// The methods that the contract has.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Most hosts of one grant.
const MAX_HOSTS: usize = 100;

/// Whether a plugin asks for nothing at all, so that nothing is there for a person to decide.
pub(crate) fn asks_for_nothing(manifest: &Manifest) -> bool {
    manifest.capabilities.is_empty()
        && manifest.hosts.is_empty()
        && manifest.secrets.is_empty()
        && manifest.credentials.is_empty()
}

/// What a plugin does not work without and is not granted. Pointers start at the permissions.
///
/// Hosts that settings name cannot be told from the manifest: they are checked for each instance.
pub(crate) fn lacking(manifest: &Manifest, granted: &Permissions) -> Vec<FieldError> {
    let mut lacking = Vec::new();
    for asked in manifest.capabilities.iter().filter(|asked| asked.required) {
        if !granted.capabilities.contains(&asked.name) {
            let message =
                format!("the plugin needs the capability `{}`: {}", asked.name.name(), asked.reason);
            lacking.push(FieldError::new("/capabilities", "required", message));
        }
    }
    if uses_http(manifest, granted) {
        for (pattern, reason) in fixed_hosts(manifest) {
            if !granted.hosts.iter().any(|host| host.includes(&pattern)) {
                let message = format!("the plugin calls the host `{pattern}`: {reason}");
                lacking.push(FieldError::new("/hosts", "required", message));
            }
        }
    }
    for secret in manifest.secrets.iter().filter(|secret| secret.required) {
        if !granted.secrets.contains(&secret.name) {
            let message = format!("the plugin needs the secret `{}` ({})", secret.name, secret.title);
            lacking.push(FieldError::new("/secrets", "required", message));
        }
    }
    lacking
}

/// Hosts named by settings that a release asks for, and hosts to which it has secrets sent, that nobody saw who
/// decided about an earlier one.
pub(crate) fn unseen(manifest: &Manifest, seen: &Manifest) -> Vec<FieldError> {
    let mut unseen = unseen_hosts(manifest, seen);
    let known: BTreeSet<_> = destinations(seen).collect();
    let new: BTreeSet<_> = destinations(manifest).filter(|pair| !known.contains(pair)).collect();
    unseen.extend(new.into_iter().map(|(secret, host)| {
        let message = format!("the plugin has the secret `{secret}` sent to `{host}`");
        FieldError::new("/secrets", "required", message)
    }));
    unseen
}

/// Each secret with each host to which a credential takes it.
fn destinations(manifest: &Manifest) -> impl Iterator<Item = (&str, &str)> {
    manifest.credentials.iter().flat_map(|credential| {
        let secrets = credential.scheme.secrets();
        let pairs = |secret| credential.hosts.iter().map(move |host| (secret, host.as_str()));
        secrets.into_iter().flat_map(pairs)
    })
}

fn unseen_hosts(manifest: &Manifest, seen: &Manifest) -> Vec<FieldError> {
    let known: BTreeSet<&str> = seen.hosts.iter().map(|host| host.pattern.as_str()).collect();
    manifest
        .hosts
        .iter()
        .filter(|host| template::is_template(&host.pattern) && !known.contains(host.pattern.as_str()))
        .map(|host| {
            let message =
                format!("the plugin calls the host of a setting, `{}`: {}", host.pattern, host.reason);
            FieldError::new("/hosts", "required", message)
        })
        .collect()
}

/// Everything that is wrong with permissions for a plugin: less than it requires, more than it asks for, or more
/// than the tenant may have. Pointers start at the permissions.
pub(crate) fn problems(manifest: &Manifest, permissions: &Permissions, most_storage: u64) -> Vec<FieldError> {
    let mut problems = lacking(manifest, permissions);
    for capability in &permissions.capabilities {
        if !manifest.capabilities.iter().any(|asked| asked.name == *capability) {
            let message =
                format!("the plugin does not ask for the capability `{}`: leave it out", capability.name());
            problems.push(FieldError::new("/capabilities", "not-asked", message));
        }
    }
    for secret in &permissions.secrets {
        if !manifest.secrets.iter().any(|asked| asked.name == *secret) {
            let message =
                format!("the plugin does not declare the secret `{}`: leave it out", shortened(secret));
            problems.push(FieldError::new("/secrets", "not-asked", message));
        }
    }
    http_problems(manifest, permissions, &mut problems);
    storage_problems(permissions, most_storage, &mut problems);
    problems
}

fn http_problems(manifest: &Manifest, permissions: &Permissions, problems: &mut Vec<FieldError>) {
    let http = permissions.capabilities.contains(&Capability::Http);
    let uses_http = !permissions.hosts.is_empty() || !permissions.methods.is_empty();
    if uses_http && !http {
        let message =
            "hosts and methods are of no use without the capability `http`: grant it, or leave them out";
        problems.push(FieldError::new("/capabilities", "required", message));
    }
    if permissions.hosts.len() > MAX_HOSTS {
        let message =
            format!("a grant has at most {MAX_HOSTS} hosts, this one has {}", permissions.hosts.len());
        problems.push(FieldError::new("/hosts", "too-long", message));
    }
    for host in permissions.hosts.iter().take(MAX_HOSTS) {
        if !is_asked(manifest, host) {
            let message = format!("the plugin does not ask for the host `{host}`: leave it out");
            problems.push(FieldError::new("/hosts", "not-asked", message));
        }
    }
    for method in &permissions.methods {
        if !METHODS.contains(&method.as_str()) {
            let message =
                format!("`{}` is not a method: expected one of {}", shortened(method), METHODS.join(", "));
            problems.push(FieldError::new("/methods", "not-one-of", message));
        }
    }
}

fn storage_problems(permissions: &Permissions, most: u64, problems: &mut Vec<FieldError>) {
    let storage = permissions.capabilities.contains(&Capability::Storage);
    let problem = match permissions.storage_bytes {
        0 if storage => {
            ("required", format!("say how many bytes the plugin may store per instance, at most {most}"))
        }
        0 => return,
        _ if !storage => (
            "not-asked",
            "bytes of storage are of no use without the capability `storage`: leave them out".to_owned(),
        ),
        bytes if bytes > most => (
            "too-large",
            format!(
                "an instance stores at most {most} bytes (the tenant's limit `storageBytes`), not {bytes}"
            ),
        ),
        _ => return,
    };
    problems.push(FieldError::new("/storageBytes", problem.0, problem.1));
}

/// Whether a host is one that the manifest names, lies within one, or may be the value of a setting that it names.
fn is_asked(manifest: &Manifest, host: &HostPattern) -> bool {
    manifest.hosts.iter().any(|asked| {
        if !template::is_template(&asked.pattern) {
            return asked.pattern.parse().is_ok_and(|pattern: HostPattern| pattern.includes(host));
        }
        template::widest(&asked.pattern).is_none_or(|widest| widest.includes(host))
    })
}

fn uses_http(manifest: &Manifest, granted: &Permissions) -> bool {
    granted.capabilities.contains(&Capability::Http)
        || manifest.capabilities.iter().any(|asked| asked.required && asked.name == Capability::Http)
}

fn fixed_hosts(manifest: &Manifest) -> impl Iterator<Item = (HostPattern, &str)> {
    manifest.hosts.iter().filter_map(|host| Some((host.pattern.parse().ok()?, host.reason.as_str())))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn manifest(parts: Value) -> Manifest {
        let mut manifest = json!({
            "name": "acme/erp", "version": "1.0.0", "kind": "connector", "title": "ERP", "description": "",
            "settingsSchema": {}, "secrets": [], "credentials": [], "hosts": [], "capabilities": [],
        });
        if let (Some(manifest), Value::Object(parts)) = (manifest.as_object_mut(), parts) {
            manifest.extend(parts);
        }
        serde_json::from_value(manifest).unwrap()
    }

    fn erp() -> Manifest {
        manifest(json!({
            "capabilities": [
                { "name": "http", "reason": "It reads.", "required": true },
                { "name": "storage", "reason": "It remembers.", "required": false },
            ],
            "hosts": [
                { "pattern": "*.acme.example", "reason": "The API." },
                { "pattern": "{shop}.shops.example", "reason": "The shop." },
            ],
            "secrets": [
                { "name": "token", "title": "Token", "help": "", "required": true },
                { "name": "spare", "title": "Spare", "help": "", "required": false },
            ],
        }))
    }

    fn permissions(value: Value) -> Permissions {
        serde_json::from_value(value).unwrap()
    }

    fn found(errors: &[FieldError]) -> Vec<(&str, &str)> {
        errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect()
    }

    #[test]
    fn what_a_plugin_requires_is_lacking_until_it_is_granted() {
        for (granted, lacks) in [
            (
                json!({}),
                vec![("/capabilities", "required"), ("/hosts", "required"), ("/secrets", "required")],
            ),
            (json!({ "capabilities": ["http"], "secrets": ["token"] }), vec![("/hosts", "required")]),
            (
                json!({ "capabilities": ["http"], "secrets": ["token"], "hosts": ["api.acme.example"] }),
                vec![("/hosts", "required")],
            ),
            (json!({ "capabilities": ["http"], "secrets": ["token"], "hosts": ["*.acme.example"] }), vec![]),
        ] {
            assert_eq!(found(&lacking(&erp(), &permissions(granted.clone()))), lacks, "{granted}");
        }
    }

    #[test]
    fn permissions_are_neither_more_nor_less_than_what_is_asked_for() {
        let full = |more: Value| {
            let mut all = json!({
                "capabilities": ["http"], "secrets": ["token"], "hosts": ["*.acme.example"],
            });
            if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
                all.extend(more);
            }
            permissions(all)
        };
        for (more, problem) in [
            (json!({}), None),
            (json!({ "methods": ["GET", "POST"] }), None),
            (json!({ "methods": ["get"] }), Some(("/methods", "not-one-of"))),
            (json!({ "hosts": ["*.acme.example", "north.shops.example"] }), None),
            (json!({ "hosts": ["*.acme.example", "*.shops.example"] }), None),
            (json!({ "hosts": ["*.acme.example", "shops.example"] }), Some(("/hosts", "not-asked"))),
            (json!({ "hosts": ["*.acme.example", "api.acme.example:8443"] }), Some(("/hosts", "not-asked"))),
            (json!({ "hosts": ["*.acme.example", "other.example"] }), Some(("/hosts", "not-asked"))),
            (json!({ "secrets": ["token", "spare"] }), None),
            (json!({ "secrets": ["token", "other"] }), Some(("/secrets", "not-asked"))),
            (json!({ "capabilities": ["http", "secrets"] }), Some(("/capabilities", "not-asked"))),
            (json!({ "capabilities": ["http", "storage"] }), Some(("/storageBytes", "required"))),
            (json!({ "capabilities": ["http", "storage"], "storageBytes": 1000 }), None),
            (
                json!({ "capabilities": ["http", "storage"], "storageBytes": 1001 }),
                Some(("/storageBytes", "too-large")),
            ),
            (json!({ "storageBytes": 1 }), Some(("/storageBytes", "not-asked"))),
        ] {
            let errors = problems(&erp(), &full(more.clone()), 1000);
            assert_eq!(found(&errors), problem.into_iter().collect::<Vec<_>>(), "{more}");
        }
    }

    #[test]
    fn a_plugin_that_calls_the_host_of_a_setting_may_be_granted_any_host() {
        let asking = manifest(json!({
            "capabilities": [{ "name": "http", "reason": "It reads.", "required": true }],
            "hosts": [{ "pattern": "{base-url}", "reason": "The ledger." }],
        }));
        let granted =
            permissions(json!({ "capabilities": ["http"], "hosts": ["127.0.0.1:9000", "*.ledger.example"] }));
        assert_eq!(problems(&asking, &granted, 0), []);
    }

    #[test]
    fn hosts_without_http_are_refused() {
        let asking = manifest(json!({ "hosts": [{ "pattern": "a.example", "reason": "" }] }));
        let errors = problems(&asking, &permissions(json!({ "hosts": ["a.example"] })), 0);
        assert_eq!(found(&errors), [("/capabilities", "required")]);
    }

    #[test]
    fn a_setting_that_newly_names_a_host_was_not_seen() {
        let later = manifest(json!({ "hosts": [
            { "pattern": "{shop}.shops.example", "reason": "" },
            { "pattern": "{report-url}", "reason": "Reports go there." },
            { "pattern": "fixed.example", "reason": "" },
        ] }));
        let unseen = unseen(&later, &erp());
        assert_eq!(unseen.len(), 1);
        assert!(unseen[0].message.contains("{report-url}"), "{}", unseen[0].message);
    }

    #[test]
    fn a_secret_that_is_newly_sent_to_a_host_was_not_seen() {
        let with = |secret: &str, hosts: &[&str]| {
            let scheme = json!({ "type": "bearer", "secret": secret });
            manifest(json!({ "credentials": [{ "name": "erp", "scheme": scheme, "hosts": hosts }] }))
        };
        let seen = with("token", &["a.example", "b.example"]);
        assert_eq!(unseen(&with("token", &["b.example"]), &seen), []);
        for (later, pair) in [
            (with("token", &["a.example", "c.example"]), "`token` sent to `c.example`"),
            (with("other", &["a.example"]), "`other` sent to `a.example`"),
        ] {
            let unseen = unseen(&later, &seen);
            assert_eq!(unseen.len(), 1);
            assert!(unseen[0].message.contains(pair), "{}", unseen[0].message);
        }
    }

    #[test]
    fn only_a_plugin_without_any_wish_asks_for_nothing() {
        assert!(asks_for_nothing(&manifest(json!({}))));
        assert!(!asks_for_nothing(&erp()));
    }
}
