//! A plugin's manifest, checked. Every mistake is told, not only the first.

use std::collections::HashSet;
use std::str::FromStr;

use crate::bindings::manifest as contract;
use crate::bounds::cut;
use mortise_model::manifest::{
    Capability, CapabilityRequest, CredentialDeclaration, HostDeclaration, Manifest, PluginKind,
    SecretDeclaration,
};

mod credential;
mod schema;
mod template;

/// Entries of one list of a manifest.
const ENTRIES: usize = 100;
/// A name or a stable word, in bytes.
const NAME: usize = 64;
/// A sentence or two, in bytes.
const SENTENCE: usize = 2_000;
/// Mistakes that are told.
const MISTAKES: usize = 50;

/// The mistakes that were found.
#[derive(Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, message: impl Into<String>) {
        if self.0.len() < MISTAKES {
            self.0.push(cut(message.into(), SENTENCE));
        }
    }

    /// The value, or a mistake.
    fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, what: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error| self.add(format!("`{what}`: {error}"))).ok()
    }

    fn sentence(&mut self, what: &str, text: &str) {
        if !(1..=SENTENCE).contains(&text.len()) {
            self.add(format!("`{what}` has {} bytes, not 1 to {SENTENCE}", text.len()));
        }
    }

    fn names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for name in names {
            if !is_kebab(name) {
                let name = cut(name.to_owned(), NAME);
                self.add(format!("`{name}` of `{what}` is not in kebab case: use a-z, 0-9 and single `-`, begin with a letter, at most {NAME} bytes"));
            } else if !seen.insert(name) {
                self.add(format!("`{name}` is there twice in `{what}`"));
            }
        }
    }

    fn count(&mut self, what: &str, count: usize) {
        if count > ENTRIES {
            self.add(format!("`{what}` has {count} entries, more than {ENTRIES}"));
        }
    }
}

/// The manifest as plain data, or every mistake in it.
pub(super) fn manifest(own: contract::PluginManifest) -> Result<Manifest, Vec<String>> {
    let mut mistakes = Mistakes::default();
    let name = mistakes.parsed("name", &own.name);
    let version = mistakes.parsed("version", &own.version);
    if !matches!(own.kind, contract::Kind::Connector) {
        mistakes.add("`kind` is not `connector`, which is what the component exports");
    }
    mistakes.sentence("title", &own.title);
    mistakes.sentence("description", &own.description);
    for (what, count) in [
        ("secrets", own.secrets.len()),
        ("credentials", own.credentials.len()),
        ("hosts", own.hosts.len()),
        ("capabilities", own.capabilities.len()),
    ] {
        mistakes.count(what, count);
    }
    if !mistakes.0.is_empty() && own.credentials.len() > ENTRIES {
        return Err(mistakes.0);
    }
    let settings_schema = schema::read(&own.settings_schema, &mut mistakes);
    let settings = schema::properties(&settings_schema);
    let secrets = secrets(own.secrets, &mut mistakes);
    let hosts = hosts(own.hosts, &settings, &mut mistakes);
    let credentials = credentials(own.credentials, &secrets, &hosts, &settings, &mut mistakes);
    let capabilities = capabilities(own.capabilities, &mut mistakes);
    match (name, version) {
        (Some(name), Some(version)) if mistakes.0.is_empty() => Ok(Manifest {
            name,
            version,
            kind: PluginKind::Connector,
            title: own.title,
            description: own.description,
            settings_schema,
            secrets,
            credentials,
            hosts,
            capabilities,
        }),
        _ => Err(mistakes.0),
    }
}

fn secrets(own: Vec<contract::SecretDeclaration>, mistakes: &mut Mistakes) -> Vec<SecretDeclaration> {
    mistakes.names("secrets", own.iter().map(|secret| secret.name.as_str()));
    let mut secrets = Vec::with_capacity(own.len());
    for secret in own {
        mistakes.sentence(&format!("secrets/{}/title", secret.name), &secret.title);
        if secret.help.len() > SENTENCE {
            mistakes.add(format!("the help of the secret `{}` has more than {SENTENCE} bytes", secret.name));
        }
        secrets.push(SecretDeclaration {
            name: secret.name,
            title: secret.title,
            help: secret.help,
            required: secret.required,
        });
    }
    secrets
}

fn hosts(
    own: Vec<contract::HostDeclaration>,
    settings: &HashSet<&str>,
    mistakes: &mut Mistakes,
) -> Vec<HostDeclaration> {
    let mut hosts = Vec::with_capacity(own.len());
    for host in own {
        template::check_host("hosts", &host.pattern, settings, mistakes);
        mistakes.sentence(&format!("hosts/{}/reason", cut(host.pattern.clone(), NAME)), &host.reason);
        hosts.push(HostDeclaration { pattern: host.pattern, reason: host.reason });
    }
    hosts
}

fn credentials(
    own: Vec<contract::CredentialDeclaration>,
    secrets: &[SecretDeclaration],
    hosts: &[HostDeclaration],
    settings: &HashSet<&str>,
    mistakes: &mut Mistakes,
) -> Vec<CredentialDeclaration> {
    mistakes.names("credentials", own.iter().map(|credential| credential.name.as_str()));
    let mut credentials = Vec::with_capacity(own.len());
    for credential in own {
        let name = credential.name;
        let place = format!("credentials/{}", cut(name.clone(), NAME));
        let Some(scheme) = credential::scheme(credential.scheme, &place, mistakes) else { continue };
        for secret in scheme.secrets() {
            if !secrets.iter().any(|declared| declared.name == secret) {
                mistakes
                    .add(format!("`{place}` uses the secret `{secret}`, which `secrets` does not declare"));
            }
        }
        credential::check_texts(&scheme, &place, hosts, settings, mistakes);
        if credential.hosts.is_empty() {
            mistakes.add(format!("`{place}` names no hosts: say where it may go"));
        }
        mistakes.count(&format!("{place}/hosts"), credential.hosts.len());
        for host in credential.hosts.iter().take(ENTRIES) {
            template::check_host(&format!("{place}/hosts"), host, settings, mistakes);
            if !template::is_declared(host, hosts) {
                let host = cut(host.clone(), NAME);
                mistakes.add(format!(
                    "`{place}/hosts` has `{host}`, which `hosts` does not declare: declare it there, or leave it out"
                ));
            }
        }
        credentials.push(CredentialDeclaration { name, scheme, hosts: credential.hosts });
    }
    credentials
}

fn capabilities(own: Vec<contract::Capability>, mistakes: &mut Mistakes) -> Vec<CapabilityRequest> {
    mistakes.names("capabilities", own.iter().map(|capability| capability.name.as_str()));
    let mut capabilities = Vec::with_capacity(own.len());
    for capability in own {
        let place = format!("capabilities/{}", cut(capability.name.clone(), NAME));
        mistakes.sentence(&format!("{place}/reason"), &capability.reason);
        let Some(name) = Capability::ALL.into_iter().find(|known| known.name() == capability.name) else {
            let known = Capability::ALL.map(Capability::name).join("`, `");
            mistakes.add(format!("`{place}` is no capability: there are `{known}`"));
            continue;
        };
        let (reason, required) = (capability.reason, capability.required);
        capabilities.push(CapabilityRequest { name, reason, required });
    }
    capabilities
}

fn is_kebab(name: &str) -> bool {
    name.len() <= NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests;
