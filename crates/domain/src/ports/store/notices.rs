//! Notices at rest: what people, operators and applications have still to be told.
//!
//! Each waits in the line of its target and is leased to one node while it is sent. A node that dies leaves its lease to end,
//! and another sends again, under the same id: at least once.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    delivery::Lease,
    id::{NodeId, NoticeId},
    notice::{Line, NewNotice},
};

/// A notice to send now, leased to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// The notice.
    pub notice: NewNotice,
    /// Which try this is, from 1; those that a crash cut off count.
    pub tries: u32,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was taken.
    Sent,
    /// It was not; it is due again then.
    Again {
        /// When.
        due_at: Timestamp,
    },
    /// It was not, and that was the last try.
    Failed,
}

/// Notices: what has still to be told.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Writes notices down that belong to no other change; all of them or none.
    async fn post_notices(&self, notices: Vec<NewNotice>) -> Result<(), StoreError>;

    /// Leases up to `limit` notices of a line that are due and that nobody works on, the longest due first.
    async fn due_notices(
        &self,
        line: Line,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueNotice>, StoreError>;

    /// Writes down what became of a try and ends its lease. Says whether the lease was still the caller's; if not, nothing is
    /// changed. An end wipes the address.
    async fn settle_notice(
        &self,
        application: ApplicationId,
        id: NoticeId,
        holder: NodeId,
        settled: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes some of what happened before `before`, ended or not. Says how many.
    async fn forget_notices(&self, before: Timestamp) -> Result<u64, StoreError>;
}
