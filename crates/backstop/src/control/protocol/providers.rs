//! How the providers are, and what an operator had done to one.

use backstop_domain::{channel::Channel, id::VerificationId};
use serde::{Deserialize, Serialize};

/// How the providers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidersReply {
    /// In the configured order.
    pub providers: Vec<ProviderRow>,
    /// Whether a running service told it. If not, breakers are those that the running nodes report, and what went wrong last
    /// is known to them alone.
    pub live: bool,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// Its configured name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// Whether the configuration lets it be used.
    pub enabled: bool,
    /// Whether an operator switched it off.
    pub switched_off: bool,
    /// `closed`, `open` or `half_open`.
    pub breaker: String,
    /// Failures since its last success.
    pub consecutive_failures: u64,
    /// Why it is passed over now, or comes last.
    pub why_not: Option<String>,
    /// Routes that the vendor refuses, each with until when it is left alone.
    pub closed_routes: Vec<String>,
    /// When a vendor last accepted something, in RFC 3339.
    pub last_success: Option<String>,
    /// What last went wrong, without personal data.
    pub last_error: Option<String>,
    /// The last hour.
    pub hour: Figures,
    /// The last 24 hours.
    pub day: Figures,
    /// Of the last 24 hours, 95 of 100 answers came within so many milliseconds.
    pub p95_millis: Option<u64>,
    /// What is left in the account, where `credit_floor` has it watched.
    pub credit: Option<CreditRow>,
    /// What this month has cost, where it is counted.
    pub spend: Option<SpendRow>,
    /// Where the vendor sends receipts to, for its panel.
    pub receipts_url: Option<String>,
}

/// What became of the messages of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Handed over, and the answer or its absence is written down.
    pub answered: u64,
    /// Taken by the vendor.
    pub accepted: u64,
    /// Taken, and the person got in with that code.
    pub approved: u64,
}

/// What is left in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditRow {
    /// With its unit.
    pub balance: String,
    /// When the vendor said so, in RFC 3339.
    pub read_at: String,
    /// When it is forecast to end.
    pub ends_at: Option<String>,
    /// Whether others go first because of it.
    pub is_low: bool,
}

/// What a month has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendRow {
    /// Settled and set aside; `None`: nothing yet.
    pub spent: Option<String>,
    /// The most that it may cost.
    pub limit: Option<String>,
    /// Whether not even the cheapest message may be sent any more.
    pub is_reached: bool,
}

/// A provider was switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchReply {
    /// Which.
    pub provider: String,
    /// Whether it is used now.
    pub enabled: bool,
    /// Whether that was otherwise before.
    pub changed: bool,
    /// Channels that no provider serves any more.
    pub unserved: Vec<Channel>,
}

/// What a vendor said to a question or an errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it is well.
    pub well: bool,
    /// What was seen.
    pub finding: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// A month's limit was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReply {
    /// Whose.
    pub provider: String,
    /// The most that a month may cost.
    pub limit: String,
    /// What this month has cost; `None`: nothing is counted yet.
    pub spent: Option<String>,
    /// What became of the vendor's own limit; `None`: the vendor has none that we could set.
    pub vendor: Option<Finding>,
}

/// A look at one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReply {
    /// Which.
    pub provider: String,
    /// What its vendor said.
    pub checkup: Finding,
    /// The message, if one was asked for.
    pub sent: Option<TestSend>,
}

/// A real message through one provider alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSend {
    /// Its verification, for checking the code; `None`: nothing was started.
    pub verification: Option<VerificationId>,
    /// Who it went to, masked.
    pub to: String,
    /// How it travelled.
    pub channel: Channel,
    /// Whether the vendor took it.
    pub accepted: bool,
    /// In our words, and in the vendor's.
    pub finding: String,
    /// How long the vendor took to answer.
    pub answered_millis: Option<u64>,
}

/// An errand at a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandReply {
    /// Through which provider.
    pub provider: String,
    /// What came of it.
    pub finding: Finding,
}
