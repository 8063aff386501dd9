//! Asking a token endpoint for an access token (RFC 6749).

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use mortise_model::manifest::{ClientAuthentication, CredentialScheme};
use mortise_model::secret::SecretText;
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::credential::{basic, read_secret};
use crate::exchange::{Answer, Outgoing};
use crate::target::Target;
use crate::{Delivery, EgressError, EgressErrorKind, Method, SecretSource};

/// Bytes of a token endpoint's answer.
pub(crate) const MAX_TOKEN_ANSWER: u32 = 64 << 10;

/// What is asked for, with the secrets it takes.
pub(crate) struct TokenRequest {
    pub(crate) token_url: String,
    client_id: String,
    client_secret: Option<SecretText>,
    authentication: ClientAuthentication,
    grant: TokenGrant,
}

enum TokenGrant {
    ClientCredentials { scope: Option<String> },
    RefreshToken { secret: String, token: SecretText },
}

/// What a token endpoint gave.
pub(crate) struct IssuedToken {
    pub(crate) access_token: SecretText,
    /// How long it is good for, where the endpoint says so.
    pub(crate) expires_in: Option<Duration>,
    /// A refresh token that takes the place of the one that was sent.
    pub(crate) refresh_token: Option<SecretText>,
}

impl TokenRequest {
    /// Whether a scheme takes a token.
    pub(crate) fn is_needed(scheme: &CredentialScheme) -> bool {
        matches!(scheme, CredentialScheme::ClientCredentials { .. } | CredentialScheme::RefreshToken { .. })
    }

    /// Reads the secrets that a scheme needs. None when the scheme takes no token.
    pub(crate) async fn prepare(
        scheme: &CredentialScheme,
        secrets: &dyn SecretSource,
    ) -> Result<Option<Self>, EgressError> {
        match scheme {
            CredentialScheme::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                authentication,
            } => Ok(Some(Self {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                client_secret: Some(read_secret(secrets, client_secret).await?),
                authentication: *authentication,
                grant: TokenGrant::ClientCredentials { scope: scope.clone() },
            })),
            CredentialScheme::RefreshToken {
                token_url,
                client_id,
                client_secret,
                refresh_token_secret,
                authentication,
            } => Ok(Some(Self {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                client_secret: match client_secret {
                    Some(name) => Some(read_secret(secrets, name).await?),
                    None => None,
                },
                authentication: *authentication,
                grant: TokenGrant::RefreshToken {
                    secret: refresh_token_secret.clone(),
                    token: read_secret(secrets, refresh_token_secret).await?,
                },
            })),
            _ => Ok(None),
        }
    }

    /// The values of the secrets, in a fixed order.
    pub(crate) fn secret_values(&self) -> impl Iterator<Item = &SecretText> {
        let refresh_token = match &self.grant {
            TokenGrant::RefreshToken { token, .. } => Some(token),
            TokenGrant::ClientCredentials { .. } => None,
        };
        self.client_secret.iter().chain(refresh_token)
    }

    /// The name of the secret that holds the refresh token.
    pub(crate) fn refresh_token_secret(&self) -> Option<&str> {
        match &self.grant {
            TokenGrant::RefreshToken { secret, .. } => Some(secret),
            TokenGrant::ClientCredentials { .. } => None,
        }
    }

    /// The request after the refresh token was rotated.
    pub(crate) fn rotated(&mut self, new: SecretText) {
        if let TokenGrant::RefreshToken { token, .. } = &mut self.grant {
            *token = new;
        }
    }

    /// The request on the wire.
    pub(crate) fn to_outgoing(&self, target: Target) -> Result<Outgoing, EgressError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut form = form_urlencoded::Serializer::new(String::new());
        match &self.grant {
            TokenGrant::ClientCredentials { scope } => {
                form.append_pair("grant_type", "client_credentials");
                if let Some(scope) = scope {
                    form.append_pair("scope", scope);
                }
            }
            TokenGrant::RefreshToken { token, .. } => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.reveal());
            }
        }
        match (&self.client_secret, self.authentication) {
            (Some(secret), ClientAuthentication::Basic) => {
                // RFC 6749, 2.3.1: both are form-encoded before they are joined.
                let value = basic(&form_encoded(&self.client_id), &form_encoded(secret.reveal()));
                let mut value = HeaderValue::from_str(&value).map_err(|_| {
                    EgressError::new(
                        EgressErrorKind::Invalid,
                        Delivery::NotSent,
                        "the client id cannot be sent in a header",
                    )
                })?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            (Some(secret), ClientAuthentication::Body) => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.reveal());
            }
            (None, _) => {
                form.append_pair("client_id", &self.client_id);
            }
        }
        let body = Zeroizing::new(form.finish());
        Ok(Outgoing {
            method: Method::Post,
            target,
            headers,
            body: Some(Bytes::copy_from_slice(body.as_bytes())),
        })
    }
}

fn form_encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

/// Reads a token endpoint's answer. `host` is for errors.
pub(crate) fn read_answer(answer: Answer, host: &str) -> Result<IssuedToken, EgressError> {
    #[derive(Deserialize)]
    struct Success {
        access_token: SecretText,
        token_type: Option<String>,
        expires_in: Option<ExpiresIn>,
        refresh_token: Option<SecretText>,
    }

    /// Seconds; some endpoints send them as text.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ExpiresIn {
        Number(f64),
        Text(String),
    }

    let Answer { status, body, .. } = answer;
    if status != 200 {
        return Err(refusal(status, &body, host));
    }
    let success: Success = serde_json::from_slice(&body).map_err(|_| {
        protocol(format!("the token endpoint at `{host}` answered 200 without a JSON `access_token`"))
    })?;
    if success.access_token.reveal().is_empty() {
        return Err(protocol(format!("the token endpoint at `{host}` answered an empty `access_token`")));
    }
    if success.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(protocol(format!(
            "the token endpoint at `{host}` gives tokens that are not bearer tokens"
        )));
    }
    let seconds = success.expires_in.and_then(|expires_in| match expires_in {
        ExpiresIn::Number(seconds) => Some(seconds),
        ExpiresIn::Text(text) => text.trim().parse().ok(),
    });
    Ok(IssuedToken {
        access_token: success.access_token,
        expires_in: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        refresh_token: success.refresh_token.filter(|token| !token.reveal().is_empty()),
    })
}

fn refusal(status: u16, body: &[u8], host: &str) -> EgressError {
    #[derive(Deserialize)]
    struct Failure {
        error: String,
    }
    let (kind, advice) = match status {
        400 | 401 | 403 => {
            (EgressErrorKind::Unauthorized, ": check the client id and the secrets of the instance")
        }
        500..=599 | 429 => (EgressErrorKind::Connection, ": try again later"),
        _ => (EgressErrorKind::Protocol, ": check the token address"),
    };
    // A code of another form is left out: an endpoint that echoes what it was sent would put a secret here.
    let code = serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.error);
    let code = code.filter(|code| {
        (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    let code = code.map_or_else(String::new, |code| format!(" with `{code}`"));
    EgressError::new(
        kind,
        Delivery::NotSent,
        format!("the token endpoint at `{host}` answered {status}{code}{advice}"),
    )
}

fn protocol(message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Protocol, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<IssuedToken, EgressError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        read_answer(Answer { status, headers: HeaderMap::new(), body }, "id.example")
    }

    #[test]
    fn lifetimes_are_read_as_number_or_text_and_nonsense_is_none() {
        for (expires_in, seconds) in [
            ("60", Some(60)),
            ("\"90\"", Some(90)),
            ("-1", None),
            ("\"x\"", None),
            ("1e300", None),
            ("null", None),
        ] {
            let token =
                read(200, &format!(r#"{{"access_token":"a","expires_in":{expires_in}}}"#)).ok().unwrap();
            assert_eq!(token.expires_in, seconds.map(Duration::from_secs), "{expires_in}");
        }
    }

    #[test]
    fn refusals_carry_the_code_and_never_more() {
        let error = read(400, r#"{"error":"invalid_grant","error_description":"s3cret"}"#).err().unwrap();
        assert_eq!(error.kind, EgressErrorKind::Unauthorized);
        assert!(error.message.contains("`invalid_grant`") && !error.message.contains("s3cret"));
        let error = read(401, r#"{"error":"S3cret-9"}"#).err().unwrap();
        assert!(!error.message.contains("S3cret"), "{}", error.message);
        for (status, kind) in [
            (503, EgressErrorKind::Connection),
            (404, EgressErrorKind::Protocol),
            (302, EgressErrorKind::Protocol),
            (403, EgressErrorKind::Unauthorized),
        ] {
            let error = read(status, "").err().unwrap();
            assert_eq!((error.kind, error.delivery), (kind, Delivery::NotSent), "{status}");
        }
    }

    #[test]
    fn answers_that_are_no_bearer_tokens_are_refused() {
        for body in ["", "{}", "[]", r#"{"access_token":""}"#, r#"{"access_token":"a","token_type":"mac"}"#] {
            assert_eq!(read(200, body).err().unwrap().kind, EgressErrorKind::Protocol, "{body}");
        }
        assert!(read(200, r#"{"access_token":"a","token_type":"Bearer"}"#).is_ok());
    }
}
