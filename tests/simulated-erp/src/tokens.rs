//! Access tokens: issued, checked, expired.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many live tokens are kept; one more drops them all, and their holders ask again.
const MAX_TOKENS: usize = 10_000;

/// The tokens that are alive.
#[derive(Debug)]
pub(crate) struct Tokens {
    lifetime: Duration,
    uses: Option<u32>,
    live: Mutex<HashMap<String, Lease>>,
}

/// What is left of a token's life.
#[derive(Debug)]
struct Lease {
    expires: Instant,
    uses_left: Option<u32>,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration, uses: Option<u32>) -> Self {
        Self { lifetime, uses, live: Mutex::default() }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A new token.
    pub(crate) fn issue(&self) -> String {
        let token = format!("blt_{:032x}", rand::random::<u128>());
        let now = Instant::now();
        let mut live = self.live();
        live.retain(|_, lease| now < lease.expires);
        if MAX_TOKENS <= live.len() {
            live.clear();
        }
        let lease = Lease { expires: now + self.lifetime, uses_left: self.uses };
        live.insert(token.clone(), lease);
        token
    }

    /// Whether the token is alive; counts one use of it.
    pub(crate) fn admit(&self, token: &str) -> bool {
        let mut live = self.live();
        let Some(lease) = live.get_mut(token) else {
            return false;
        };
        if lease.expires <= Instant::now() || lease.uses_left == Some(0) {
            live.remove(token);
            return false;
        }
        lease.uses_left = lease.uses_left.map(|left| left - 1);
        true
    }

    /// Ends the life of every token.
    pub(crate) fn expire_all(&self) {
        self.live().clear();
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn a_token_is_admitted_until_it_is_expired() {
        let tokens = Tokens::new(LONG, None);
        let token = tokens.issue();

        assert!(tokens.admit(&token));
        tokens.expire_all();
        assert!(!tokens.admit(&token));
    }

    #[test]
    fn a_token_of_two_uses_is_admitted_twice() {
        let tokens = Tokens::new(LONG, Some(2));
        let token = tokens.issue();

        assert_eq!([(); 3].map(|()| tokens.admit(&token)), [true, true, false]);
    }

    #[test]
    fn a_token_without_life_is_never_admitted() {
        let tokens = Tokens::new(Duration::ZERO, None);

        assert!(!tokens.admit(&tokens.issue()));
    }
}
