//! API keys and the keyring.

use backstop_domain::{id::ApiKeyId, keyring::KeyUse};
use serde::{Deserialize, Serialize};

use super::Private;

/// An API key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReply {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: String,
    /// Whether it is a publishable one.
    pub publishable: bool,
    /// The key. Only its hash is kept: it is shown this once.
    pub key: Private,
}

/// The API keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysReply {
    /// Oldest first, revoked ones too.
    pub keys: Vec<KeyRow>,
}

/// One API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: String,
    /// Whether it is a publishable one.
    pub publishable: bool,
    /// Its first and last characters.
    pub hint: String,
    /// When it was made, in RFC 3339.
    pub created_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// Whether a key was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeReply {
    /// Which.
    pub id: ApiKeyId,
    /// `false` if there is no such key, or it was revoked before.
    pub revoked: bool,
}

/// What joined the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateReply {
    /// The new keys.
    pub keys: Vec<RotatedKey>,
}

/// One new key of the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotatedKey {
    /// Its number.
    pub kid: u32,
    /// What it is for.
    pub key_use: KeyUse,
}
