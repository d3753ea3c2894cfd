//! The port to a place outside the store that keeps the checkpoints of the audit log.
//!
//! Whoever can write the store can also cut the log's end off together with its checkpoints. A copy somewhere else shows it.

use async_trait::async_trait;

use crate::audit::Checkpoint;

/// Keeps checkpoints where a change of the store does not reach.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Keeps one more, durably.
    ///
    /// # Errors
    /// In one clause, why it could not be kept.
    async fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String>;

    /// All that were kept, in the order of keeping.
    ///
    /// # Errors
    /// In one clause, why they cannot be read.
    async fn kept(&self) -> Result<Vec<Checkpoint>, String>;
}
