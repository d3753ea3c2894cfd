//! The audit log at rest.
//!
//! A record is appended in the transaction of the change that it tells of: every act that changes something of weight takes
//! its [`NewRecord`]s along, and if they cannot be written, the change is not made. What the chain holds is never changed or
//! deleted; only the personal details beside it can be erased.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    application::ApplicationId,
    audit::{Checkpoint, Head, NewRecord, Record, SealedDetail},
    clock::Timestamp,
    factor::failures::Failures,
    id::UserId,
};

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Appends records of events that change nothing else.
    async fn record(&self, records: Vec<NewRecord>) -> Result<(), StoreError>;

    /// Where the chain ends.
    async fn audit_head(&self) -> Result<Head, StoreError>;

    /// The records after number `after`, in order, `limit` at the most.
    async fn audit_page(&self, after: u64, limit: u32) -> Result<Vec<Record>, StoreError>;

    /// The details that are left of the records from `first` to `last`, in order.
    async fn audit_details(&self, first: u64, last: u64) -> Result<Vec<SealedDetail>, StoreError>;

    /// The tries to sign in that failed at an application after one moment and up to another: the newest, `most` at the most.
    async fn failures(
        &self,
        application: ApplicationId,
        span: (Timestamp, Timestamp),
        most: u64,
    ) -> Result<Failures, StoreError>;

    /// The uses of emergency access that were recorded after a moment, and their reviews, in order.
    async fn emergency_uses(&self, after: Timestamp) -> Result<Vec<Record>, StoreError>;

    /// Keeps a checkpoint. One that is there for the same record stays as it is.
    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), StoreError>;

    /// The checkpoints of records after number `after`, in order, `limit` at the most.
    async fn checkpoints(&self, after: u64, limit: u32) -> Result<Vec<Checkpoint>, StoreError>;

    /// The newest checkpoint.
    async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError>;

    /// Deletes the details that belong to a user. The chain stays whole. Says how many there were.
    async fn erase_audit_details(&self, user: UserId) -> Result<u64, StoreError>;
}
