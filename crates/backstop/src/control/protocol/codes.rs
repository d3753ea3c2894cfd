//! Codes that are sent and checked from the terminal.

use backstop_domain::{channel::Channel, id::VerificationId, verification::Status};
use serde::{Deserialize, Serialize};

/// A verification that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReply {
    /// Names it.
    pub id: VerificationId,
    /// Where it stands.
    pub status: Status,
    /// The channel that a vendor accepted it on, as far as that is known yet.
    pub channel_used: Option<Channel>,
    /// The provider that accepted it.
    pub provider: Option<String>,
    /// The recipient, masked.
    pub to: String,
    /// When the code dies, in RFC 3339.
    pub expires_at: String,
}

/// A code that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReply {
    /// Whether it was the code.
    pub valid: bool,
    /// Where the verification stands.
    pub status: Status,
    /// How many checks it still takes.
    pub checks_left: u32,
}

/// A verification that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReply {
    /// Names it.
    pub id: VerificationId,
    /// Where it stands.
    pub status: Status,
}
