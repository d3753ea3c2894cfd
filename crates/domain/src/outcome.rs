//! The one vocabulary for every vendor's answer. The router knows only these words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What became of one hand-over to a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor took the message, no more than that.
    Accepted {
        /// The vendor's own id for it, where it gave one.
        vendor_id: Option<String>,
    },
    /// The vendor surely did not take it.
    Rejected(Rejection),
    /// Sent, and no answer that says which: a fact, not a failure of ours.
    Unknown,
}

/// A definite refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// What else it holds for.
    pub scope: Scope,
    /// When the vendor says to come back.
    pub retry_after: Option<Duration>,
}

/// Why a vendor refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No such number or mailbox.
    InvalidRecipient,
    /// The person told this sender to stop.
    OptedOut,
    /// The number has no account on this channel, or cannot take it.
    NotOnChannel,
    /// Our credentials, sender, template or request are wrong.
    Misconfigured,
    /// The account has no money.
    OutOfCredit,
    /// Too many requests.
    RateLimited,
    /// The vendor is down, or says that it did not take the message.
    Unavailable,
}

impl Reason {
    /// The word in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "invalid_recipient",
            Self::OptedOut => "opted_out",
            Self::NotOnChannel => "not_on_channel",
            Self::Misconfigured => "misconfigured",
            Self::OutOfCredit => "out_of_credit",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    /// The scope that a refusal for this reason has unless the vendor says otherwise.
    const fn usual_scope(self) -> Scope {
        match self {
            Self::InvalidRecipient | Self::OptedOut | Self::NotOnChannel => Scope::Recipient,
            Self::Misconfigured | Self::OutOfCredit | Self::RateLimited | Self::Unavailable => {
                Scope::Provider
            }
        }
    }
}

/// How far a refusal reaches. Only [`Scope::Provider`] touches the breaker: else anybody who types a foreign number
/// could switch a vendor off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole account: wrong credentials, no credit.
    Provider,
    /// This route alone: country not enabled, template not approved.
    Route,
    /// This recipient alone.
    Recipient,
}

impl Outcome {
    /// A refusal with the scope that its reason usually has.
    pub const fn rejected(reason: Reason) -> Self {
        Self::Rejected(Rejection { reason, scope: reason.usual_scope(), retry_after: None })
    }

    /// A refusal that holds for `scope`.
    pub const fn rejected_for(reason: Reason, scope: Scope) -> Self {
        Self::Rejected(Rejection { reason, scope, retry_after: None })
    }

    /// Adds the vendor's word on when to come back.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(Rejection { retry_after, ..rejection }),
            other => other,
        }
    }

    /// The word in JSON, SQL and logs: `accepted`, `unknown`, or the reason.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Rejected(rejection) => rejection.reason.as_str(),
            Self::Unknown => "unknown",
        }
    }
}

/// The most characters of a vendor's answer that are kept.
pub const VENDOR_RESPONSE_MAX: usize = 2048;

/// A vendor's answer as it is kept: redacted by the adapter, bounded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorResponse {
    /// Whether the vendor took the message.
    pub success: bool,
    /// What it said.
    pub response: String,
}

impl VendorResponse {
    /// Keeps the first [`VENDOR_RESPONSE_MAX`] characters of an answer.
    pub fn new(success: bool, response: &str) -> Self {
        Self { success, response: response.chars().take(VENDOR_RESPONSE_MAX).collect() }
    }
}
