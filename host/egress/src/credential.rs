//! What a credential adds to a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use mortise_model::manifest::{CredentialScheme, KeyPlace, SignatureEncoding, SignatureHash};
use mortise_model::secret::SecretText;
use zeroize::Zeroizing;

use crate::exchange::Outgoing;
use crate::headers::header_name;
use crate::target::Target;
use crate::{BoundCredential, Delivery, EgressError, EgressErrorKind, EgressScope, SecretSource};

/// Finds the credential that a request names, if it may go to where the request goes.
pub(crate) fn find_credential<'a>(
    scope: &'a EgressScope,
    name: &str,
    target: &Target,
) -> Result<&'a BoundCredential, EgressError> {
    let Some(credential) = scope.credentials.iter().find(|credential| credential.name == name) else {
        let name: String = name.chars().take(80).collect();
        return Err(denied(format!(
            "the plugin has no credential `{}`: declare it in the manifest and grant its secrets",
            name.escape_default()
        )));
    };
    if !target.is_covered(&credential.hosts) {
        return Err(denied(format!(
            "the credential `{name}` may not go to `{0}`: add `{0}` to the credential's hosts in the manifest",
            target.authority()
        )));
    }
    Ok(credential)
}

/// Refuses a request that sets by hand what its credential sets.
pub(crate) fn check_conflict(credential: &BoundCredential, request: &Outgoing) -> Result<(), EgressError> {
    let name = &credential.name;
    let taken = match &credential.scheme {
        CredentialScheme::ApiKey { place: KeyPlace::Query(key), .. } => {
            let is_set = request.target.url.query_pairs().any(|(given, _)| given == key.as_str());
            is_set.then(|| format!("the query parameter `{key}`"))
        }
        CredentialScheme::ApiKey { place: KeyPlace::Cookie(key), .. } => {
            let is_set = cookies(request).any(|given| given == key);
            is_set.then(|| format!("the cookie `{key}`"))
        }
        CredentialScheme::ApiKey { place: KeyPlace::Header(header), .. }
        | CredentialScheme::Signature { header, .. } => {
            let is_set = request.headers.contains_key(header_name(header)?);
            is_set.then(|| format!("the header `{header}`"))
        }
        CredentialScheme::Basic { .. }
        | CredentialScheme::Bearer { .. }
        | CredentialScheme::ClientCredentials { .. }
        | CredentialScheme::RefreshToken { .. } => {
            request.headers.contains_key(AUTHORIZATION).then(|| "the header `Authorization`".to_owned())
        }
    };
    taken.map_or(Ok(()), |what| {
        Err(EgressError::new(
            EgressErrorKind::Invalid,
            Delivery::NotSent,
            format!("the credential `{name}` sets {what}: leave it out, or name no credential"),
        ))
    })
}

fn cookies(request: &Outgoing) -> impl Iterator<Item = &str> {
    let headers = request.headers.get_all(COOKIE).iter();
    let pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.map(|pair| pair.split('=').next().unwrap_or_default().trim())
}

/// Applies a credential that needs no token. OAuth schemes add nothing here.
pub(crate) async fn apply_fixed(
    scheme: &CredentialScheme,
    secrets: &dyn SecretSource,
    request: &mut Outgoing,
) -> Result<(), EgressError> {
    match scheme {
        CredentialScheme::Basic { user, password_secret } => {
            let password = read_secret(secrets, password_secret).await?;
            let value = basic(user, password.reveal());
            set_header(request, AUTHORIZATION, &value, password_secret)
        }
        CredentialScheme::Bearer { secret } => {
            let token = read_secret(secrets, secret).await?;
            apply_token(&token, secret, request)
        }
        CredentialScheme::ApiKey { place, secret } => {
            let key = read_secret(secrets, secret).await?;
            apply_key(place, &key, secret, request)
        }
        CredentialScheme::Signature { hash, header, prefix, encoding, secret } => {
            let key = read_secret(secrets, secret).await?;
            let body = request.body.as_deref().unwrap_or_default();
            let signature = sign(*hash, key.reveal().as_bytes(), body);
            let text = match encoding {
                SignatureEncoding::Hex => hex::encode(signature),
                SignatureEncoding::Base64 => BASE64.encode(signature),
            };
            set_header(request, header_name(header)?, &format!("{prefix}{text}"), secret)
        }
        CredentialScheme::ClientCredentials { .. } | CredentialScheme::RefreshToken { .. } => Ok(()),
    }
}

/// Applies a bearer token. `source` names in errors where it came from.
pub(crate) fn apply_token(
    token: &SecretText,
    source: &str,
    request: &mut Outgoing,
) -> Result<(), EgressError> {
    let value = Zeroizing::new(format!("Bearer {}", token.reveal()));
    set_header(request, AUTHORIZATION, &value, source)
}

fn apply_key(
    place: &KeyPlace,
    key: &SecretText,
    secret: &str,
    request: &mut Outgoing,
) -> Result<(), EgressError> {
    match place {
        KeyPlace::Header(name) => set_header(request, header_name(name)?, key.reveal(), secret),
        KeyPlace::Query(name) => {
            request.target.url.query_pairs_mut().append_pair(name, key.reveal());
            Ok(())
        }
        KeyPlace::Cookie(name) => {
            if key.reveal().contains([';', ',', '"', '\\', ' ']) {
                return Err(unusable(secret, "a cookie"));
            }
            let given = request.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
            let own = Zeroizing::new(format!("{name}={}", key.reveal()));
            let all = given.chain([own.as_str()]).collect::<Vec<_>>().join("; ");
            set_header(request, COOKIE, &Zeroizing::new(all), secret)
        }
    }
}

fn set_header(
    request: &mut Outgoing,
    name: HeaderName,
    value: &str,
    source: &str,
) -> Result<(), EgressError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable(source, "a header"))?;
    value.set_sensitive(true);
    request.headers.insert(name, value);
    Ok(())
}

/// The value of `Authorization` for a user and password (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
}

fn sign(hash: SignatureHash, key: &[u8], body: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104); the error of the trait is for other algorithms.
    macro_rules! hmac {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(key)
                .map(|mac| mac.chain_update(body).finalize().into_bytes().to_vec())
                .unwrap_or_default()
        };
    }
    match hash {
        SignatureHash::Sha1 => hmac!(sha1::Sha1),
        SignatureHash::Sha256 => hmac!(sha2::Sha256),
        SignatureHash::Sha512 => hmac!(sha2::Sha512),
    }
}

/// Reads a secret that a credential needs.
pub(crate) async fn read_secret(secrets: &dyn SecretSource, name: &str) -> Result<SecretText, EgressError> {
    let value = secrets
        .secret(name)
        .await
        .map_err(|error| EgressError::new(EgressErrorKind::Other, Delivery::NotSent, error.to_string()))?;
    value.filter(|value| !value.reveal().is_empty()).ok_or_else(|| {
        EgressError::new(
            EgressErrorKind::Unauthorized,
            Delivery::NotSent,
            format!("the secret `{name}` is not set: set it on the instance"),
        )
    })
}

fn unusable(source: &str, place: &str) -> EgressError {
    EgressError::new(
        EgressErrorKind::Unauthorized,
        Delivery::NotSent,
        format!("the value of `{source}` holds characters that {place} cannot carry: set it again"),
    )
}

fn denied(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Denied, Delivery::NotSent, message)
}
