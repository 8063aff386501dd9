//! The contract's functions as the in-memory host answers them. Same names and types as the generated ones.

use std::cell::RefCell;
use std::rc::Rc;

use crate::testing::state::State;

thread_local! {
    static CURRENT: RefCell<Vec<Rc<RefCell<State>>>> = const { RefCell::new(Vec::new()) };
}

/// Makes `state` the host of this thread while `work` runs.
pub(crate) fn during<T>(state: &Rc<RefCell<State>>, work: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(Vec::pop);
        }
    }
    CURRENT.with_borrow_mut(|hosts| hosts.push(Rc::clone(state)));
    let _leave = Leave;
    work()
}

fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    let current = CURRENT.with_borrow(|hosts| hosts.last().cloned());
    match current {
        Some(state) => work(&mut state.borrow_mut()),
        None => panic!("there is no host: call the plugin through `mortise_sdk::testing::Host`"),
    }
}

pub(crate) mod context {
    use super::with;
    use crate::bindings::mortise::plugin::context::Call;

    pub(crate) fn current() -> Call {
        with(|state| state.call.clone())
    }

    pub(crate) fn is_cancelled() -> bool {
        with(|state| state.pages_left == Some(0))
    }

    pub(crate) fn now() -> String {
        with(|state| state.now.clone())
    }
}

pub(crate) mod http {
    use std::cell::RefCell;

    use super::with;
    use crate::bindings::mortise::plugin::http::{Delivery, HttpError, HttpErrorKind, Request, Response};
    use crate::testing::state::Delivered;

    /// A request whose answer is there and was not read yet.
    #[derive(Debug)]
    pub(crate) struct Pending(RefCell<Option<Delivered>>);

    impl Pending {
        #[expect(clippy::unused_self, reason = "the generated method has the same shape")]
        pub(crate) fn is_ready(&self) -> bool {
            true
        }

        pub(crate) fn wait(&self) -> Delivered {
            let Some(answer) = self.0.take() else {
                return Err(HttpError {
                    kind: HttpErrorKind::Invalid,
                    delivery: Delivery::NotSent,
                    retry_after_ms: None,
                    message: "the answer was read already".to_owned(),
                });
            };
            with(super::State::answered);
            answer
        }
    }

    impl Drop for Pending {
        fn drop(&mut self) {
            if self.0.take().is_some() {
                with(super::State::answered);
            }
        }
    }

    pub(crate) fn send(request: &Request) -> Result<Response, HttpError> {
        start(request)?.wait()
    }

    pub(crate) fn start(request: &Request) -> Result<Pending, HttpError> {
        let (sent, far_side) = with(|state| state.admit(request))?;
        let answer = (far_side.borrow_mut())(&sent);
        with(super::State::asked);
        Ok(Pending(RefCell::new(Some(answer.delivered(request.expect)))))
    }

    pub(crate) fn wait_any(requests: &[&Pending]) -> Vec<u32> {
        (0..).zip(requests).map(|(position, _)| position).collect()
    }
}

pub(crate) mod log {
    use super::with;
    use crate::bindings::mortise::plugin::log::Level;
    use crate::bindings::mortise::plugin::types::NameValue;
    use crate::testing::LogLine;

    pub(crate) fn write(level: Level, message: &str, fields: &[NameValue]) {
        let fields = fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
        with(|state| state.logs.push(LogLine { level, message: message.to_owned(), fields }));
    }
}

pub(crate) mod secrets {
    use hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;
    use sha2::{Sha256, Sha512};

    use super::with;
    use crate::bindings::mortise::plugin::secrets::Hash;
    use crate::bindings::mortise::plugin::types::{Content, Error};

    /// A secret with its value.
    #[derive(Debug)]
    pub(crate) struct Secret {
        name: String,
        value: Vec<u8>,
    }

    pub(crate) fn open(name: &str) -> Result<Secret, Error> {
        with(|state| {
            if let Some(refusal) = state.grant.refuses_secret(name) {
                return Err(Error::Denied(refusal));
            }
            match state.secrets.get(name) {
                Some(value) => Ok(Secret { name: name.to_owned(), value: value.clone() }),
                None => Err(Error::NotFound(format!("the secret `{name}` has no value"))),
            }
        })
    }

    impl Secret {
        pub(crate) fn name(&self) -> String {
            self.name.clone()
        }

        pub(crate) fn sign(&self, hash: Hash, data: &Content) -> Vec<u8> {
            match hash {
                Hash::Sha1 => hmac::<Hmac<Sha1>>(&self.value, data).finalize().into_bytes().to_vec(),
                Hash::Sha256 => hmac::<Hmac<Sha256>>(&self.value, data).finalize().into_bytes().to_vec(),
                Hash::Sha512 => hmac::<Hmac<Sha512>>(&self.value, data).finalize().into_bytes().to_vec(),
            }
        }

        pub(crate) fn verify(&self, hash: Hash, data: &Content, signature: &[u8]) -> bool {
            match hash {
                Hash::Sha1 => hmac::<Hmac<Sha1>>(&self.value, data).verify_slice(signature).is_ok(),
                Hash::Sha256 => hmac::<Hmac<Sha256>>(&self.value, data).verify_slice(signature).is_ok(),
                Hash::Sha512 => hmac::<Hmac<Sha512>>(&self.value, data).verify_slice(signature).is_ok(),
            }
        }
    }

    fn hmac<M: Mac + KeyInit>(key: &[u8], data: &Content) -> M {
        match <M as KeyInit>::new_from_slice(key) {
            Ok(mac) => mac.chain_update(data.as_bytes()),
            Err(error) => panic!("an HMAC takes a key of any length: {error}"),
        }
    }

    #[cfg(feature = "secret-reveal")]
    pub(crate) fn reveal(secret: &Secret) -> Result<Vec<u8>, Error> {
        use crate::manifest::Capability;
        match with(|state| state.grant.refuses(Capability::SecretReveal)) {
            Some(refusal) => Err(Error::Denied(refusal)),
            None => Ok(secret.value.clone()),
        }
    }
}

pub(crate) mod settings {
    use super::with;

    pub(crate) fn get(name: &str) -> Option<String> {
        with(|state| state.settings.get(name).map(ToString::to_string))
    }

    pub(crate) fn all() -> String {
        with(|state| serde_json::Value::Object(state.settings.clone()).to_string())
    }
}

pub(crate) mod sink {
    use super::with;
    use crate::bindings::mortise::plugin::sink::{Page, Receipt};
    use crate::bindings::mortise::plugin::types::Error;

    pub(crate) fn commit(page: &Page) -> Result<Receipt, Error> {
        with(|state| state.commit(page))
    }
}

pub(crate) mod storage {
    use super::with;
    use crate::bindings::mortise::plugin::storage::{Entry, KeyPage, Swap};
    use crate::bindings::mortise::plugin::types::{Content, Error};
    use crate::manifest::Capability;
    use crate::testing::storage::Storage;

    fn granted<T>(work: impl FnOnce(&mut Storage) -> Result<T, Error>) -> Result<T, Error> {
        with(|state| match state.grant.refuses(Capability::Storage) {
            Some(refusal) => Err(Error::Denied(refusal)),
            None => work(&mut state.storage),
        })
    }

    pub(crate) fn get(key: &str) -> Result<Option<Entry>, Error> {
        granted(|storage| storage.get(key))
    }

    pub(crate) fn set(key: &str, value: &Content) -> Result<String, Error> {
        granted(|storage| storage.set(key, value))
    }

    pub(crate) fn delete(key: &str) -> Result<(), Error> {
        granted(|storage| storage.delete(key))
    }

    pub(crate) fn compare_and_swap(
        key: &str,
        expected: Option<&str>,
        value: &Content,
    ) -> Result<Swap, Error> {
        granted(|storage| storage.compare_and_swap(key, expected, value))
    }

    pub(crate) fn list_keys(prefix: &str, cursor: Option<&str>, limit: u32) -> Result<KeyPage, Error> {
        granted(|storage| storage.list_keys(prefix, cursor, limit))
    }
}
