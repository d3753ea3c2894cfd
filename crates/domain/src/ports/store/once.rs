//! Doing a thing once however often it is asked for.

use crate::keyring::LookupHash;

/// A caller's `Idempotency-Key`, with all that must be equal for the first answer to be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Keyed hash of key, credential, method and route.
    pub key: LookupHash,
    /// Keyed hash of the body.
    pub body: LookupHash,
}

/// What an act with an `Idempotency-Key` led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Once<T> {
    /// It was done now.
    Done(T),
    /// It was done within the last minute; this is what it answered then.
    Before(T),
    /// The key was used for another body.
    OtherBody,
}

/// How long an `Idempotency-Key` is remembered.
pub const IDEMPOTENCY_WINDOW: std::time::Duration = std::time::Duration::from_secs(60);
