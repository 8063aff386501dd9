//! Ids as types of their own, so that a tenant's id cannot stand where an instance's belongs.
//!
//! Ids the host makes are a prefix, an underscore and a version 7 UUID in 32 hexadecimal digits (RFC 9562): they
//! sort by the time they were made. Ids of business objects are whole numbers, counted per tenant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind} id: expected {expected}")]
pub struct InvalidId {
    kind: &'static str,
    expected: &'static str,
    text: String,
}

impl InvalidId {
    fn new(kind: &'static str, expected: &'static str, text: &str) -> Self {
        Self { kind, expected, text: text.chars().take(80).collect() }
    }
}

macro_rules! generated_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new id. No two calls answer the same.
            #[allow(clippy::new_without_default, reason = "a default that differs each time surprises")]
            pub fn new() -> Self {
                Self(format!(concat!($prefix, "_{}"), Uuid::now_v7().simple()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix(concat!($prefix, "_"));
                match digits {
                    Some(digits) if is_simple_uuid(digits) => Ok(Self(text.to_owned())),
                    _ => Err(InvalidId::new(
                        $kind,
                        concat!("`", $prefix, "_` and 32 lower-case hexadecimal digits"),
                        text,
                    )),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_simple_uuid(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

generated_id!(
    /// A tenant's link through a connector to one deployment of another system.
    InstanceId, "instance", "ins"
);
generated_id!(
    /// One execution of work, with a beginning and an end.
    RunId, "run", "run"
);
generated_id!(
    /// Work that waits for a worker.
    JobId, "job", "job"
);
generated_id!(
    /// A cron schedule.
    ScheduleId, "schedule", "sch"
);
generated_id!(
    /// An item that failed, whether it will be tried again or not.
    ItemId, "item", "itm"
);
generated_id!(
    /// A webhook that was taken in.
    DeliveryId, "delivery", "dlv"
);
generated_id!(
    /// An OAuth client.
    ClientId, "client", "cli"
);
generated_id!(
    /// An API key. The key's secret is not part of it.
    ApiKeyId, "API key", "key"
);
generated_id!(
    /// One HTTP request to the host.
    RequestId, "request", "req"
);

/// A tenant: one organisation on the host. 1 to 63 of `a-z`, `0-9` and `-`, starting with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// The host's own tenant: tenants, clients, keys and tokens are kept here. No person can create or enter it.
    pub fn system() -> Self {
        Self("$system".to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A plugin's name, `publisher/plugin`, each part 1 to 63 of `a-z`, `0-9` and `-`, starting with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginName(String);

impl PluginName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if is_slug(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("tenant", "1 to 63 of a-z, 0-9 and `-`, starting with a letter", text))
        }
    }
}

impl FromStr for PluginName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once('/') {
            Some((publisher, plugin)) if is_slug(publisher) && is_slug(plugin) => Ok(Self(text.to_owned())),
            _ => Err(InvalidId::new(
                "plugin",
                "`publisher/plugin`, each part 1 to 63 of a-z, 0-9 and `-`, starting with a letter",
                text,
            )),
        }
    }
}

fn is_slug(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_conversions!(TenantId);
text_conversions!(PluginName);

/// The SHA-256 of some bytes: how components and other blobs are addressed. As text, `sha256:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits without the prefix: fit for a file's name.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("digest", "`sha256:` and 64 hexadecimal digits", text);
        let digits = text.strip_prefix("sha256:").ok_or_else(invalid)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| invalid())?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

numbered_id!(
    /// An account, counted per tenant from 1.
    AccountId
);
numbered_id!(
    /// An invoice, counted per tenant from 1.
    InvoiceId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_reads_back_from_its_text() {
        let id = RunId::new();
        assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_what_was_expected() {
        let message = RunId::new().to_string().parse::<InstanceId>().unwrap_err().to_string();
        assert!(message.contains("is not a valid instance id: expected `ins_`"), "{message}");
    }

    #[test]
    fn the_system_tenant_cannot_be_named_by_a_person() {
        assert!("$system".parse::<TenantId>().is_err());
        assert!(serde_json::from_str::<TenantId>("\"$system\"").is_err());
    }

    #[test]
    fn plugin_names_have_a_publisher_and_a_plugin() {
        for (text, valid) in [
            ("acme/erp", true),
            ("acme", false),
            ("acme/", false),
            ("/erp", false),
            ("a/b/c", false),
            ("Acme/erp", false),
            ("1acme/erp", false),
            ("acme/erp-2", true),
        ] {
            assert_eq!(text.parse::<PluginName>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn a_digest_reads_back_from_its_text() {
        let digest = Digest::of(b"");
        assert_eq!(
            digest.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("sha256:00".parse::<Digest>().is_err());
    }
}
