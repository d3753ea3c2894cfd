//! The port that events leave through: one receiver of signed posts.

use std::time::Duration;

use async_trait::async_trait;

use crate::{clock::Timestamp, id::NoticeId};

/// What became of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notified {
    /// The receiver has it.
    Taken,
    /// It has not, or nobody knows: it must be posted again.
    Refused {
        /// The status of the answer, where there was one.
        status: Option<u16>,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver wants nothing any more.
    Gone,
}

/// A receiver of events.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Posts one event, signed at `at`. Ends within a bounded time. The id is the same over every try.
    async fn notify(&self, id: NoticeId, body: &[u8], at: Timestamp) -> Notified;
}
