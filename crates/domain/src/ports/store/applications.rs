//! Applications at rest, and their keys.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    application::{ApplicationId, Authority},
    audit::NewRecord,
    clock::Timestamp,
    id::ApiKeyId,
};

/// An API key as the store keeps it: its hash, never itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: ApplicationId,
    /// What it may do.
    pub authority: Authority,
    /// SHA-256 of the key, which has 128 random bits or more.
    pub hash: [u8; 32],
    /// The first and last characters, for people to recognise it by.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Applications and their keys.
#[async_trait]
pub trait Applications: Send + Sync {
    /// The number of the application of this name, made on first use.
    async fn application(&self, name: &str, now: Timestamp) -> Result<ApplicationId, StoreError>;

    /// Saves a key, and the record of it.
    async fn add_key(&self, key: ApiKey, record: NewRecord) -> Result<(), StoreError>;

    /// Every key, revoked ones too, oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Ends a key. Says whether there was such a one that was not revoked before; only then there is a record.
    async fn revoke_key(&self, id: ApiKeyId, record: NewRecord, now: Timestamp) -> Result<bool, StoreError>;
}
