//! What we owe a recipient after a start or a resend: one entry in the outbox, leased to one worker.
//!
//! A lease says who and until when. While it runs nobody else touches the delivery; when it ends, because its holder
//! died, anybody may take the delivery over. Every write of a worker names its lease and is refused once another holds
//! it, so a worker that was only paused cannot finish old work.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    application::ApplicationId,
    attempt::UnknownState,
    channel::Channel,
    clock::Timestamp,
    id::{DeliveryId, NodeId, VerificationId},
};

/// How long a lease runs without being renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nobody has taken the message yet.
    Queued,
    /// A vendor took it.
    Sent,
    /// A vendor says that it arrived.
    Delivered,
    /// Every route refused, or there was none. It ends nothing: the verification lives on.
    Undeliverable,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Delivered, Self::Undeliverable];

    /// The word in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undeliverable => "undeliverable",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// Who works on a delivery, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The running process.
    pub holder: NodeId,
    /// When anybody may take over.
    pub until: Timestamp,
}

/// A delivery as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Names it.
    pub id: DeliveryId,
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The ladder of this delivery, where a resend asked for another than the verification's.
    pub ladder: Option<Vec<Channel>>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Who works on it; `None` once it is done.
    pub lease: Option<Lease>,
}
