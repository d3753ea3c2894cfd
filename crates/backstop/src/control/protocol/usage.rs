//! What messages cost, and what became of them.

use backstop_domain::channel::Channel;
use serde::{Deserialize, Serialize};

/// What a month has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostsReply {
    /// Which, as `2026-11`.
    pub month: String,
    /// Each channel over which something was sent.
    pub channels: Vec<ChannelCosts>,
    /// The sums, one for each currency.
    pub totals: Vec<String>,
    /// Whether a part of the month is forgotten already: then the sums are too low.
    pub is_partial: bool,
}

/// What one channel has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCosts {
    /// Which.
    pub channel: Channel,
    /// By provider.
    pub providers: Vec<CostRow>,
    /// What it cost; `None`: some price is not known, or there is more than one currency.
    pub cost: Option<String>,
    /// What the same messages would have cost through one provider alone.
    pub instead: Vec<InsteadRow>,
}

/// What one provider has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRow {
    /// Which.
    pub provider: String,
    /// Messages that the vendor took.
    pub sends: u64,
    /// How many of them were free.
    pub free: u64,
    /// What each costs; several where they differ.
    pub prices: Vec<String>,
    /// What they cost; `None`: some price is not known, or there is more than one currency.
    pub cost: Option<String>,
    /// Messages of which nobody knows whether the vendor took them: not counted above.
    pub unknown: u64,
}

/// The same messages through one provider alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsteadRow {
    /// Through whom.
    pub provider: String,
    /// What they would have cost; `None`: its prices do not say.
    pub cost: Option<String>,
    /// How much less than was paid; `None`: not less, or not to be compared.
    pub saving: Option<String>,
}

/// What became of messages and verifications in a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsReply {
    /// From when, in RFC 3339.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Verifications that were started, by purpose.
    pub purposes: Vec<PurposeRow>,
    /// Messages by channel.
    pub channels: Vec<ChannelStats>,
    /// What the vendors answered.
    pub outcomes: Vec<OutcomeRow>,
}

/// Verifications for one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeRow {
    /// Which.
    pub purpose: String,
    /// Started.
    pub started: u64,
    /// The right code came.
    pub approved: u64,
    /// Still open.
    pub pending: u64,
}

/// Messages over one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// Which.
    pub channel: Channel,
    /// Messages that a vendor took.
    pub accepted: u64,
    /// Of those, the vendor says that they arrived.
    pub delivered: u64,
    /// Of those, the person got in.
    pub approved: u64,
}

/// One answer of a vendor, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// Whose.
    pub provider: String,
    /// Over which channel.
    pub channel: Channel,
    /// `accepted`, `unknown`, or the reason of the refusal.
    pub outcome: String,
    /// How often.
    pub count: u64,
    /// Of those, the vendor said later that they arrived.
    pub delivered: u64,
    /// Of those, the vendor said later that they did not arrive.
    pub undelivered: u64,
}
