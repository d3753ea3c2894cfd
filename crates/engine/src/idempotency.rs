//! `Idempotency-Key`: the same key, body and credential within a minute get the first answer.
//!
//! What was done is remembered by the store, in the transaction that did it. What is being done is known here, so that
//! a second call beside the first hears "in progress" and does nothing.

use std::collections::HashSet;

use backstop_domain::{application::network_of, keyring::Keyring, ports::store::Idempotency};
use parking_lot::Mutex;

use crate::{Caller, Engine};

/// A caller's key with what it belongs to.
#[derive(Clone)]
pub struct IdempotencyKey {
    /// The header's value.
    pub key: String,
    /// Method and path.
    pub route: String,
    /// The raw body.
    pub body: Vec<u8>,
}

/// The body holds recipients and codes.
impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[idempotency key]")
    }
}

/// Keys of calls that have not answered yet.
#[derive(Debug, Default)]
pub(crate) struct InProgress(Mutex<HashSet<[u8; 16]>>);

/// Holds a key until the call has answered.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    in_progress: &'a InProgress,
    key: [u8; 16],
    /// What the store needs to know.
    pub(crate) idempotency: Idempotency,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.in_progress.0.lock().remove(&self.key);
    }
}

/// Another call with this key has not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Engine {
    /// Takes the key for the time of a call. A public caller's key also matches on its origin and network, since its
    /// credential is in every page.
    pub(crate) fn hold(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Held<'_>>, Busy> {
        let Some(key) = key else { return Ok(None) };
        let ring = self.keyring();
        let mut parts: Vec<Vec<u8>> =
            vec![caller.credential.0.to_vec(), key.route.clone().into_bytes(), key.key.clone().into_bytes()];
        if caller.authority.is_public() {
            parts.push(caller.origin.clone().unwrap_or_default().into_bytes());
            parts.push(caller.network.map(network_of).unwrap_or_default().into_bytes());
        }
        let hash = ring.lookup("idempotency", &joined(&parts));
        let idempotency = Idempotency { key: hash, body: ring.lookup("idempotency body", &key.body) };
        if self.in_progress.0.lock().insert(hash.0) {
            Ok(Some(Held { in_progress: &self.in_progress, key: hash.0, idempotency }))
        } else {
            Err(Busy)
        }
    }
}

/// Length-prefixed, so that no two lists of parts read the same.
pub(crate) fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

impl Held<'_> {
    pub(crate) fn of(held: Option<&Self>) -> Option<Idempotency> {
        held.map(|held| held.idempotency)
    }

    /// For an act beside the one that answers, by a name of its own: it is done once, however often the call comes.
    pub(crate) fn beside(held: Option<&Self>, ring: &Keyring, act: &str) -> Option<Idempotency> {
        held.map(|held| Idempotency {
            key: ring.lookup(&format!("idempotency of {act}"), &held.idempotency.key.0),
            ..held.idempotency
        })
    }
}
