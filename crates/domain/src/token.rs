//! Stub.
use crate::{
    clock::Timestamp,
    id::{SessionId, UserId},
};
use serde::{Deserialize, Serialize};

/// Stub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Stub.
    pub id: SessionId,
    /// Stub.
    pub user: UserId,
    /// Stub.
    pub expires_at: Timestamp,
}
