//! What would be tried, what was tried, and why.

use backstop_domain::{
    attempt::AttemptState, channel::Channel, id::VerificationId, ranking::Decision, verification::Status,
};
use serde::{Deserialize, Serialize};

/// What would be tried for a recipient now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteReply {
    /// The recipient, masked.
    pub to: String,
    /// The numbering region of its number.
    pub region: Option<String>,
    /// For which application.
    pub application: String,
    /// For which purpose.
    pub purpose: String,
    /// Why nothing would be sent at all.
    pub refused: Option<String>,
    /// Each channel of the ladder, in order.
    pub ladder: Vec<RungRow>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RungRow {
    /// Which.
    pub channel: Channel,
    /// Why it would not be used; `None`: it would.
    pub refused: Option<String>,
    /// Its providers, in order, and why; `None`: it was not asked.
    pub decision: Option<Decision>,
}

/// What was tried for a verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedReply {
    /// Which.
    pub id: VerificationId,
    /// The recipient, masked.
    pub to: String,
    /// Where it stands.
    pub status: Status,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// How it travelled.
    pub channel: Channel,
    /// Through whom.
    pub provider: String,
    /// Where it stands.
    pub state: AttemptState,
    /// In our words; `None` while sending.
    pub outcome: Option<String>,
    /// What it cost.
    pub price: Option<String>,
    /// When it was written down, in RFC 3339.
    pub started_at: String,
    /// How long the vendor took to answer.
    pub answered_millis: Option<u64>,
    /// Why it went this way; `None`: there was no choice.
    pub decision: Option<Recorded>,
}

/// A decision as it was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recorded {
    /// It reads.
    Decision(Decision),
    /// Another version wrote it.
    Unreadable(String),
}
