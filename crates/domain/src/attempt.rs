//! One hand-over of a delivery to one provider.
//!
//! The row exists before the request leaves. A crash turns `sending` into `unknown`: nobody can tell any more, so the
//! next route is taken and this attempt is never sent again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    application::ApplicationId,
    channel::Channel,
    clock::Timestamp,
    id::{AttemptId, DeliveryId, VerificationId},
    outcome::{Outcome, Rejection, VendorResponse},
};

/// Where an attempt stands. It moves forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Written down; the request may have left.
    Sending,
    /// The vendor took it.
    Accepted,
    /// The vendor says that it arrived.
    Delivered,
    /// The vendor says that it did not arrive.
    Undelivered,
    /// The vendor refused it.
    Rejected,
    /// Sent, and nobody can say what became of it.
    Unknown,
}

/// The store holds a word that is not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown state")]
pub struct UnknownState;

impl AttemptState {
    const ALL: [Self; 6] =
        [Self::Sending, Self::Accepted, Self::Delivered, Self::Undelivered, Self::Rejected, Self::Unknown];

    /// The word in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// The state after the vendor's answer.
    pub const fn after(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted { .. } => Self::Accepted,
            Outcome::Rejected(_) => Self::Rejected,
            Outcome::Unknown => Self::Unknown,
        }
    }

    /// Whether the vendor has the message, or may have it: such an attempt counts as a message to the person.
    pub const fn may_have_reached(self) -> bool {
        matches!(self, Self::Sending | Self::Accepted | Self::Delivered | Self::Undelivered | Self::Unknown)
    }
}

impl fmt::Display for AttemptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AttemptState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// An attempt as the store holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Names it; sent to the vendor where the vendor takes a reference.
    pub id: AttemptId,
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// How it travels.
    pub channel: Channel,
    /// Through whom, by the configured name.
    pub provider: String,
    /// Which round through the plan, from 0.
    pub round: u32,
    /// Where it stands.
    pub state: AttemptState,
    /// `accepted`, `unknown`, or the reason of the refusal; `None` while sending.
    pub outcome: Option<String>,
    /// The refusal in full, where there was one.
    pub rejection: Option<Rejection>,
    /// The vendor's id for the message.
    pub vendor_id: Option<String>,
    /// The vendor's answer, redacted and bounded.
    pub vendor_response: Option<VendorResponse>,
    /// What it cost, as `0.0079 USD`, where that is known.
    pub price: Option<String>,
    /// The vendor's later word, redacted and bounded.
    pub receipt: Option<String>,
    /// Why this route was chosen, as JSON; `None` where there was no choice.
    pub decision: Option<String>,
    /// When it was written down.
    pub started_at: Timestamp,
    /// When the answer was written down.
    pub finished_at: Option<Timestamp>,
}
