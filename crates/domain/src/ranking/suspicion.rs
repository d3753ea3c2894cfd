//! Receipts that cannot be true: a provider says that nearly everything arrives, and far fewer people sign in than with
//! the others of the same channel and country.

use serde::{Deserialize, Serialize};

use super::{belief::Learned, delay::millis, window::Window};
use crate::{channel::Channel, clock::Timestamp, recipient::Region};

/// Answers that an arm must have given, and the one that it is held against.
const LEAST_WEIGHT: f64 = 50.0;
/// Attempts this old should have their receipt.
const RECEIPT_BY_MILLIS: i64 = 60_000;
/// A provider claims delivery if so much of what it was sent is said to have arrived.
const CLAIMED: f64 = 0.7;
/// Its approvals are far fewer if they are surely below this part of the best other's.
const FAR_BELOW: f64 = 0.6;
const SURELY: f64 = 0.95;

/// What operators should hear about a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose.
    pub provider: String,
    /// On which channel.
    pub channel: Channel,
    /// The country, in two letters.
    pub region: Option<String>,
    /// Whether it is under suspicion from now on, or no longer.
    pub suspect: bool,
    /// The share that its receipts call delivered.
    pub delivered: f64,
    /// The share of its messages that were approved.
    pub approved: f64,
    /// The same of the best other provider.
    pub others: f64,
    /// When it was found.
    pub at: Timestamp,
}

impl Event {
    pub(super) fn region(region: Option<Region>) -> Option<String> {
        region.map(|region| region.to_string())
    }
}

/// The share of a window that its receipts call delivered; `None` while there is too little.
pub(super) fn claimed(window: &Window, now: Timestamp) -> Option<f64> {
    let old = || window.rows().filter(|row| millis(row.sent_at, now) >= RECEIPT_BY_MILLIS);
    let (all, delivered) = (old().count(), old().filter(|row| row.delivered).count());
    #[expect(clippy::cast_precision_loss, reason = "at most a window's length")]
    let (all, delivered) = (all as f64, delivered as f64);
    (all >= LEAST_WEIGHT).then(|| delivered / all)
}

/// Whether an arm that claims this share of deliveries is under suspicion beside the best other.
pub(super) fn suspect(arm: &Learned, claimed: f64, others: &Learned) -> bool {
    claimed >= CLAIMED
        && arm.weight >= LEAST_WEIGHT
        && others.weight >= LEAST_WEIGHT
        && arm.belief.below(others.belief.mean() * FAR_BELOW) >= SURELY
}
