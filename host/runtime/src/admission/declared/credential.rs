//! How a credential is applied.

use std::collections::HashSet;

use http::HeaderName;
use mortise_model::manifest::{
    ClientAuthentication, CredentialScheme, HostDeclaration, KeyPlace, SignatureEncoding, SignatureHash,
};
use url::Url;

use super::{Mistakes, template};
use crate::bindings::manifest as contract;
use crate::bounds::cut;

/// The scheme as plain data.
pub(super) fn scheme(
    own: contract::CredentialScheme,
    place: &str,
    mistakes: &mut Mistakes,
) -> Option<CredentialScheme> {
    Some(match own {
        contract::CredentialScheme::Basic(own) => {
            CredentialScheme::Basic { user: own.user, password_secret: own.password_secret }
        }
        contract::CredentialScheme::Bearer(secret) => CredentialScheme::Bearer { secret },
        contract::CredentialScheme::ApiKey(own) => CredentialScheme::ApiKey {
            place: match own.place {
                contract::KeyPlace::Header(name) => KeyPlace::Header(name),
                contract::KeyPlace::Query(name) => KeyPlace::Query(name),
                contract::KeyPlace::Cookie(name) => KeyPlace::Cookie(name),
            },
            secret: own.secret,
        },
        contract::CredentialScheme::ClientCredentials(own) => CredentialScheme::ClientCredentials {
            token_url: own.token_url,
            client_id: own.client_id,
            client_secret: own.client_secret,
            scope: own.scope,
            authentication: authentication(own.authentication),
        },
        contract::CredentialScheme::RefreshToken(own) => CredentialScheme::RefreshToken {
            token_url: own.token_url,
            client_id: own.client_id,
            client_secret: own.client_secret,
            refresh_token_secret: own.refresh_token_secret,
            authentication: authentication(own.authentication),
        },
        contract::CredentialScheme::Signature(own) => CredentialScheme::Signature {
            hash: match own.hash.as_str() {
                "sha1" => SignatureHash::Sha1,
                "sha256" => SignatureHash::Sha256,
                "sha512" => SignatureHash::Sha512,
                other => {
                    let other = cut(other.to_owned(), 100);
                    mistakes.add(format!("`{place}/hash` is `{other}`, not `sha1`, `sha256` or `sha512`"));
                    return None;
                }
            },
            header: own.header,
            prefix: own.prefix,
            encoding: match own.encoding {
                contract::SignatureEncoding::Hex => SignatureEncoding::Hex,
                contract::SignatureEncoding::Base64 => SignatureEncoding::Base64,
            },
            secret: own.secret,
        },
    })
}

fn authentication(own: contract::ClientAuthentication) -> ClientAuthentication {
    match own {
        contract::ClientAuthentication::Basic => ClientAuthentication::Basic,
        contract::ClientAuthentication::Body => ClientAuthentication::Body,
    }
}

/// Checks the texts of a scheme: templates, names of headers, addresses.
pub(super) fn check_texts(
    scheme: &CredentialScheme,
    place: &str,
    hosts: &[HostDeclaration],
    settings: &HashSet<&str>,
    mistakes: &mut Mistakes,
) {
    match scheme {
        CredentialScheme::Bearer { .. } => {}
        CredentialScheme::Basic { user, .. } => {
            template::check(&format!("{place}/user"), user, settings, mistakes);
        }
        CredentialScheme::ApiKey { place: KeyPlace::Header(name), .. } => header(place, name, mistakes),
        CredentialScheme::ApiKey { place: KeyPlace::Query(name) | KeyPlace::Cookie(name), .. } => {
            mistakes.sentence(&format!("{place}/place"), name);
        }
        CredentialScheme::ClientCredentials { token_url, client_id, .. }
        | CredentialScheme::RefreshToken { token_url, client_id, .. } => {
            template::check(&format!("{place}/client-id"), client_id, settings, mistakes);
            self::token_url(place, token_url, hosts, settings, mistakes);
        }
        CredentialScheme::Signature { header: name, prefix, .. } => {
            header(place, name, mistakes);
            if http::HeaderValue::from_str(prefix).is_err() {
                mistakes.add(format!("`{place}/prefix` cannot be part of a header"));
            }
        }
    }
}

fn header(place: &str, name: &str, mistakes: &mut Mistakes) {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        let name = cut(name.to_owned(), 100);
        mistakes.add(format!("`{place}`: `{name}` is not the name of a header"));
    }
}

fn token_url(
    place: &str,
    text: &str,
    hosts: &[HostDeclaration],
    settings: &HashSet<&str>,
    mistakes: &mut Mistakes,
) {
    let what = format!("{place}/token-url");
    if template::check(&what, text, settings, mistakes).is_none() {
        return;
    }
    let address = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = address.split('/').next().unwrap_or_default();
    if authority.contains('{') {
        // Where it leads is known once the instance has settings.
        if !template::is_declared(authority, hosts) {
            mistakes.add(not_declared(&what, authority));
        }
        return;
    }
    let url = match text.parse::<Url>() {
        Ok(url) if url.scheme() == "https" || url.scheme() == "http" => url,
        _ => {
            mistakes.add(format!("`{what}` is not an absolute address: it begins with `https://`"));
            return;
        }
    };
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    let covers = |declared: &HostDeclaration| {
        template::widest(&declared.pattern).is_none_or(|pattern| pattern.covers(host, port))
    };
    if !hosts.iter().any(covers) {
        mistakes.add(not_declared(&what, host));
    }
}

fn not_declared(what: &str, host: &str) -> String {
    format!("`{what}` is at `{host}`, which `hosts` does not declare: declare it there")
}
