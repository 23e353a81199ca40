//! The short memory of tokens that were found good, so that a call costs neither a signature nor
//! a query.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use oubli_domain::Time;
use sha2::{Digest, Sha256};

use super::principal::Principal;

/// How long a token is believed after its owner was looked up. A revocation on another node shows
/// within this time and that of one call, 5 seconds together.
const BELIEVED_SECONDS: i64 = 4;

/// How many tokens are remembered at most; each is some hundred bytes.
const TOKENS: u64 = 50_000;

/// What the cache knows a token by: nobody can use it in place of the token.
type Key = [u8; 32];

#[derive(Clone, Debug)]
struct Verified {
    principal: Principal,
    /// The first second, since 1970, at which the token has expired.
    expires: i64,
    checked_at: Time,
    generation: u64,
}

/// The tokens that this process found good lately.
///
/// Every revocation and sign-out starts a new generation, in which no older entry counts. That
/// voids the entries of others too, which costs each of them one query; in return there is no
/// moment at which a check that began before a revocation can leave an entry that outlives it.
#[derive(Debug)]
pub(crate) struct VerifiedTokens {
    tokens: Cache<Key, Verified>,
    generation: AtomicU64,
}

impl VerifiedTokens {
    pub(crate) fn new() -> Self {
        // The injected clock decides; the cache's own, which never steps back, bounds the harm
        // when the machine's clock does.
        let believed = Duration::from_secs(BELIEVED_SECONDS.unsigned_abs());
        let tokens = Cache::builder().max_capacity(TOKENS).time_to_live(believed).build();
        Self { tokens, generation: AtomicU64::new(0) }
    }

    pub(crate) fn key(token: &str) -> Key {
        Sha256::digest(token).into()
    }

    /// The generation to be read before a token's owner is looked up.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Whom a token belongs to, when that is known and still counts at `now`.
    pub(crate) fn get(&self, key: &Key, now: Time) -> Option<Principal> {
        let held = self.tokens.get(key)?;
        let believed = held.checked_at..held.checked_at.plus_seconds(BELIEVED_SECONDS);
        let counts = held.generation == self.generation()
            && believed.contains(&now)
            && now.seconds() < held.expires;
        counts.then_some(held.principal)
    }

    /// Remembers a token whose owner was looked up at `checked_at` in `generation`.
    pub(crate) fn put(
        &self,
        key: Key,
        principal: Principal,
        expires: i64,
        checked_at: Time,
        generation: u64,
    ) {
        self.tokens.insert(key, Verified { principal, expires, checked_at, generation });
    }

    /// Forgets every token. Call it once a revocation or the end of a session is committed.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}
