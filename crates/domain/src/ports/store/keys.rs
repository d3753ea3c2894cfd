//! The keyring at rest.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    audit::NewRecord,
    clock::Timestamp,
    keyring::{KeyUse, Kid},
};

/// A ring key as the store keeps it: sealed under the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Names it.
    pub kid: Kid,
    /// What it is for.
    pub key_use: KeyUse,
    /// The sealed key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The keyring at rest.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The fingerprint of the root key that this store belongs to; `None` in an empty store.
    async fn root_fingerprint(&self) -> Result<Option<String>, StoreError>;

    /// Gives an empty store its root key's fingerprint and first keys, in one act. Says whether it was still empty.
    async fn initialize(&self, fingerprint: &str, keys: Vec<WrappedKey>) -> Result<bool, StoreError>;

    /// The keyring.
    async fn ring(&self) -> Result<Vec<WrappedKey>, StoreError>;

    /// Adds keys and the record of it, or none: a number that is taken is an error. So of those who add the next number at
    /// the same time one does.
    async fn add_ring_keys(&self, keys: Vec<WrappedKey>, record: NewRecord) -> Result<(), StoreError>;
}
