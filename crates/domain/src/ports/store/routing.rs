//! What routing knows beside the outbox, alike on all nodes: what became of messages, what a month has cost, and what an
//! operator switched.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    attempt::AttemptState, audit::NewRecord, channel::Channel, clock::Timestamp, price::Price,
    purpose::Purpose, ranking::Observation, spend::SpendBook, verification::Status,
};

/// What an operator set at run time; it wins over the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSwitch {
    /// Whose, by the configured name.
    pub provider: String,
    /// Whether it is used; `None`: as configured.
    pub enabled: Option<bool>,
    /// The most that a month may cost; `None`: as configured.
    pub monthly_spend_limit: Option<Price>,
    /// When it was set.
    pub changed_at: Timestamp,
}

/// How many attempts were alike, for counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Through whom.
    pub provider: String,
    /// Over which channel.
    pub channel: Channel,
    /// Where they stand.
    pub state: AttemptState,
    /// Our word for the vendor's answer; `None` while sending.
    pub outcome: Option<String>,
    /// Whether the code of the verification was approved, and this was the last attempt that a vendor took.
    pub approved: bool,
    /// What each of them cost.
    pub price: Option<String>,
    /// How long the vendor took to answer, rounded up to the next of 50, 100, 200, 400 ms and so on; `None` while sending.
    pub answered_within: Option<Duration>,
    /// How many.
    pub count: u64,
}

/// How many verifications were alike, for counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What they prove.
    pub purpose: Purpose,
    /// Where they stand; what nobody has marked as expired yet is pending.
    pub status: Status,
    /// How many.
    pub count: u64,
}

/// See the module.
#[async_trait]
pub trait Routing: Send + Sync {
    /// Adds observations, and reads what any node added after `since`: with an overlap of some seconds, so that nothing
    /// committed late is missed; reading one twice is harmless. What is older than a day is dropped.
    async fn observe(
        &self,
        mine: Vec<Observation>,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Observation>, StoreError>;

    /// The books of the month of `now`, by provider; those alone whose money is counted.
    async fn spending(&self, now: Timestamp) -> Result<Vec<(String, SpendBook)>, StoreError>;

    /// What operators set.
    async fn switches(&self) -> Result<Vec<ProviderSwitch>, StoreError>;

    /// Sets what is `Some` in it and keeps the rest as it was; writes the record of it.
    async fn switch(&self, switch: ProviderSwitch, record: NewRecord) -> Result<(), StoreError>;

    /// Counts the attempts that were written down from `from` until before `to`. Reads beside the traffic.
    async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Usage>, StoreError>;

    /// Counts the verifications that were started from `from` until before `to`. Reads beside the traffic.
    async fn standings(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Standing>, StoreError>;
}
