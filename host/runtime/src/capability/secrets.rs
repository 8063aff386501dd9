//! `secrets`: signing and verifying with secrets that the plugin does not hold.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use mortise_egress::SecretSource;
use mortise_model::plugin::Permissions;
use mortise_model::secret::SecretText;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use wasmtime::component::{Linker, Resource, ResourceTable};

use super::Host;
use crate::Call;
use crate::bindings::contract::secrets as contract;
use crate::bindings::contract::types::{Content, Error};
use crate::bounds::{HANDLES, NAME, cut};
use crate::gate::{Function, Passage, gated};
use crate::recording::Arguments;
use crate::state::CallState;

/// The secrets of one instance, and which of them are granted.
pub(crate) struct Secrets {
    source: Arc<dyn SecretSource>,
    permissions: Arc<Permissions>,
}

/// What a handle stands for.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Secret {
    pub(super) name: String,
    pub(super) value: SecretText,
}

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    contract::add_to_linker::<_, Host>(linker, |state| state)
}

pub(crate) fn bind(call: &Call) -> Secrets {
    Secrets { source: Arc::clone(&call.secrets), permissions: Arc::clone(&call.permissions) }
}

impl Secrets {
    async fn open(&self, name: String) -> Result<Secret, Error> {
        if !self.permissions.secrets.contains(&name) {
            let name = cut(name, NAME);
            return Err(Error::Denied(format!(
                "the secret `{name}` is not granted: grant it to the plugin by name"
            )));
        }
        match self.source.secret(&name).await {
            Ok(Some(value)) => Ok(Secret { name, value }),
            Ok(None) => {
                Err(Error::NotFound(format!("the secret `{name}` has no value: set it on the instance")))
            }
            Err(error) => {
                tracing::error!(%error, "a secret is not available");
                Err(Error::Retryable(contract_retry(format!("the secret `{name}` cannot be read now"))))
            }
        }
    }
}

fn contract_retry(message: String) -> crate::bindings::contract::types::Retry {
    crate::bindings::contract::types::Retry { after_ms: None, message }
}

impl Secret {
    fn sign(&self, hash: contract::Hash, data: &Content) -> wasmtime::Result<Vec<u8>> {
        let data = match data {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
        };
        match hash {
            contract::Hash::Sha1 => self.mac::<Hmac<Sha1>>(data),
            contract::Hash::Sha256 => self.mac::<Hmac<Sha256>>(data),
            contract::Hash::Sha512 => self.mac::<Hmac<Sha512>>(data),
        }
    }

    fn mac<M: Mac + KeyInit>(&self, data: &[u8]) -> wasmtime::Result<Vec<u8>> {
        let mac = <M as KeyInit>::new_from_slice(self.value.reveal().as_bytes())?;
        Ok(mac.chain_update(data).finalize().into_bytes().to_vec())
    }
}

impl contract::Host for CallState {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Secret>, Error>> {
        let tell = |asked: &mut Arguments| {
            asked.about(name.as_str()).part("name", &name);
        };
        let opened = match self.gate.enter(Function::SecretsOpen, tell)? {
            Passage::Granted => self.secrets.open(name).await,
            Passage::Denied(sentence) => Err(Error::Denied(sentence)),
            Passage::Replayed(Ok(())) => {
                // Whatever is asked of it is in the recording, too.
                return Ok(Ok(self.table.push(Secret { name, value: SecretText::new("") })?));
            }
            Passage::Replayed(Err(error)) => return Ok(Err(error)),
        };
        let handle = opened.and_then(|secret| {
            self.table.push(secret).map_err(|_| {
                Error::Quota(format!("a call holds at most {HANDLES} handles at a time: close some of them"))
            })
        });
        Ok(self.gate.leave_opened(Function::SecretsOpen, handle))
    }
}

impl contract::HostSecret for CallState {
    async fn name(&mut self, secret: Resource<Secret>) -> wasmtime::Result<String> {
        gated!(
            self,
            SecretName,
            |asked| tell_name(asked, &self.table, &secret),
            self.table.get(&secret)?.name.clone()
        )
    }

    async fn sign(
        &mut self,
        secret: Resource<Secret>,
        hash: contract::Hash,
        data: Content,
    ) -> wasmtime::Result<Vec<u8>> {
        let tell = |asked: &mut Arguments| {
            tell_name(asked, &self.table, &secret);
            asked.part("hash", &hash).part("data", &data);
        };
        gated!(self, SecretSign, tell, self.table.get(&secret)?.sign(hash, &data)?)
    }

    async fn verify(
        &mut self,
        secret: Resource<Secret>,
        hash: contract::Hash,
        data: Content,
        signature: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        let tell = |asked: &mut Arguments| {
            tell_name(asked, &self.table, &secret);
            asked.part("hash", &hash).part("data", &data).part("signature", &signature);
        };
        gated!(self, SecretVerify, tell, {
            let own = self.table.get(&secret)?.sign(hash, &data)?;
            bool::from(own.ct_eq(&signature))
        })
    }

    async fn drop(&mut self, secret: Resource<Secret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}

/// Tells which secret is asked about, by its name.
pub(super) fn tell_name(asked: &mut Arguments, table: &ResourceTable, secret: &Resource<Secret>) {
    if let Ok(secret) = table.get(secret) {
        asked.about(secret.name.as_str()).part("name", &secret.name);
    }
}
