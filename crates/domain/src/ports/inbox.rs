//! The port that the development pages look through: what would have been sent, and what is broken on purpose.
//! Production has none.

use serde::{Deserialize, Serialize};

use super::BoxFuture;
use crate::{
    channel::Channel,
    clock::Timestamp,
    id::{AttemptId, VerificationId},
};

/// How a pretend provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// Takes messages and shows them.
    #[default]
    Works,
    /// Takes them after some seconds.
    Slow,
    /// Takes the connection and never answers.
    Hangs,
    /// Refuses every message.
    Refuses,
    /// Takes them and loses them.
    Loses,
    /// Refuses for want of credit.
    OutOfCredit,
}

impl Outage {
    /// Every behaviour, in the order of the switches.
    pub const ALL: [Self; 6] =
        [Self::Works, Self::Slow, Self::Hangs, Self::Refuses, Self::Loses, Self::OutOfCredit];
}

/// A message that would have been sent. Development only: it holds the code and the recipient in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Who it was for, in full.
    pub to: String,
    /// How it travelled.
    pub channel: Channel,
    /// Through which pretend provider.
    pub provider: String,
    /// The subject, for mail.
    pub subject: String,
    /// The text as the person would read it.
    pub text: String,
    /// The code in it; empty for a notice.
    pub code: String,
    /// Its verification; none for a notice.
    pub verification: Option<VerificationId>,
    /// Its attempt.
    pub attempt: AttemptId,
    /// When it arrived here.
    pub at: Timestamp,
    /// Whether the provider was told to lose it: the person would never see it.
    pub lost: bool,
}

/// A pretend provider and its switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PretendProvider {
    /// Its configured name.
    pub name: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// How it behaves now.
    pub outage: Outage,
}

/// The development inbox.
pub trait Inbox: Send + Sync {
    /// The newest messages first, `limit` at the most.
    fn messages(&self, limit: usize) -> Vec<InboxMessage>;

    /// The pretend providers in the configured order.
    fn providers(&self) -> Vec<PretendProvider>;

    /// Switches one. Says whether there is one of that name.
    fn switch(&self, provider: &str, outage: Outage) -> bool;

    /// Forgets every message.
    fn clear(&self);

    /// A number that changes whenever anything above does.
    fn version(&self) -> u64;

    /// Ends when the version is no longer `seen`.
    fn changed(&self, seen: u64) -> BoxFuture<'_, ()>;
}
