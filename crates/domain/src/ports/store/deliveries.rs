//! The outbox at rest: what is owed, who works on it, what was tried.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    application::ApplicationId,
    attempt::{Attempt, AttemptState},
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{AttemptId, DeliveryId, NodeId, VerificationId},
    keyring::LookupHash,
    limit::Pace,
    outcome::{Rejection, VendorResponse},
    price::Price,
    receipt::{InboundWord, Receipt},
    verification::Verification,
};

/// An attempt to write down before it is sent.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Names it.
    pub id: AttemptId,
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// Over which channel.
    pub channel: Channel,
    /// Through which provider.
    pub provider: String,
    /// In which round.
    pub round: u32,
    /// How many messages the provider may get; a place is taken in the same act.
    pub pace: Vec<Pace>,
    /// What it will cost, where the provider's money is counted; set aside in the same act.
    pub reservation: Option<Reservation>,
    /// Why this route was chosen, as JSON.
    pub decision: Option<String>,
    /// Renews the worker's lease.
    pub lease: Lease,
    /// The present moment.
    pub now: Timestamp,
}

/// Whether an attempt may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is written down: send it.
    Send,
    /// The verification is no longer pending, or has had all the messages that one may have: stop.
    Ended,
    /// Another worker holds the delivery: stop.
    LeaseLost,
    /// The provider has had as many messages as it may get; nothing was written.
    Paced {
        /// When the next place is free.
        until: Timestamp,
    },
    /// The provider's money of this month is spent or set aside; nothing was written.
    Capped {
        /// When the next month begins.
        until: Timestamp,
    },
}

/// Money for one message through a provider whose month is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// What the message costs by the list.
    pub price: Price,
    /// The most that a month may cost; settled and set aside together never pass it.
    pub cap: Option<Price>,
    /// Messages of a month that cost nothing.
    pub free_per_month: u32,
    /// The moment that decides which month it is: when the attempt was written down.
    pub at: Timestamp,
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The vendor surely did not take the message.
    GivenBack,
    /// Nobody knows: it stays set aside.
    Kept,
    /// It cost this: what the vendor says, or the list's price where it says none. At the list's price a free message costs
    /// nothing.
    Cost(Price),
}

/// An answer to write down.
#[derive(Debug, Clone)]
pub struct AttemptResult {
    /// Which attempt.
    pub id: AttemptId,
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// Where it stands now.
    pub state: AttemptState,
    /// `accepted`, `unknown`, or the reason of the refusal.
    pub outcome: String,
    /// The refusal.
    pub rejection: Option<Rejection>,
    /// The vendor's id for the message.
    pub vendor_id: Option<String>,
    /// The vendor's answer.
    pub vendor_response: Option<VendorResponse>,
    /// What it cost.
    pub price: Option<String>,
    /// Never hear from this provider again: the person opted out of it.
    pub opt_out: bool,
    /// The vendor's ids by which receipts will name the message, where the vendor does not give our own name back.
    pub handles: Vec<String>,
    /// What became of the money that was set aside.
    pub settlement: Option<(Reservation, Settlement)>,
    /// A delivery that this answer ends keeps its lease until then: if neither a receipt nor a check comes, recovery finds
    /// it and the plan decides what silence means.
    pub silent_at: Option<Timestamp>,
    /// Whether the worker goes on with a delivery that was sent before: its lease stays.
    pub goes_on: bool,
    /// The state of the delivery after this, where it changes; a final one ends the lease.
    pub delivery_state: Option<DeliveryState>,
    /// The present moment.
    pub now: Timestamp,
}

/// A delivery to work on, with all that a worker needs to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryTask {
    /// The delivery, leased to the caller.
    pub delivery: Delivery,
    /// Its verification.
    pub verification: Verification,
    /// All attempts of the verification, oldest first.
    pub attempts: Vec<Attempt>,
    /// What this recipient opted out of.
    pub opted_out: OptOuts,
}

/// What a recipient does not want to hear from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptOuts {
    /// Providers that said so for this application.
    pub providers: Vec<String>,
    /// Channels over which the person told us to stop, for every application.
    pub channels: Vec<Channel>,
}

impl OptOuts {
    /// Whether nothing may go this way.
    pub fn forbid(&self, channel: Channel, provider: &str) -> bool {
        self.channels.contains(&channel) || self.providers.iter().any(|name| name == provider)
    }
}

/// A vendor's later word, to be written down.
#[derive(Debug, Clone)]
pub struct NewReceipt {
    /// Through which provider it came: it can be about this provider's attempts alone.
    pub provider: String,
    /// What it says.
    pub receipt: Receipt,
    /// Whether the provider's money is counted, so that a price that it names is settled.
    pub counted: bool,
    /// The lease of whoever goes on with the delivery, if it has to go on.
    pub lease: Lease,
    /// The present moment.
    pub now: Timestamp,
}

/// What a receipt led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Noted {
    /// This provider has no such attempt; nothing was written.
    Unknown,
    /// It was written down, or was known.
    Noted {
        /// The attempt as it stands now.
        attempt: Box<Attempt>,
        /// Whether it stands further on than before.
        news: bool,
        /// Whether the delivery is open again, leased to the caller: the message did not arrive, it was the latest attempt,
        /// nothing else of the delivery arrived or is on its way, and the code still waits. At most once an attempt.
        goes_on: bool,
    },
}

/// Deliveries: what is owed, and what was tried.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Reads a delivery that `holder` has leased. `None` if it is done, or leased to another.
    async fn task(
        &self,
        application: ApplicationId,
        verification: VerificationId,
        delivery: DeliveryId,
        holder: NodeId,
    ) -> Result<Option<DeliveryTask>, StoreError>;

    /// Writes an attempt down, if the lease still holds and the verification is still pending. A lease held by the
    /// caller is renewed even if it ran out and nobody took it.
    async fn begin_attempt(&self, attempt: NewAttempt) -> Result<Begun, StoreError>;

    /// Writes a vendor's answer down. An attempt moves forward only: an answer to one that recovery called `unknown`
    /// is written, an answer to one that a receipt settled changes nothing but the vendor's words. `delivery_state` is
    /// written whoever holds the lease: a vendor has taken the message, and that is a fact.
    async fn finish_attempt(&self, result: AttemptResult) -> Result<(), StoreError>;

    /// Writes a receipt down. An attempt moves forward only: `sending`, `unknown`, `accepted`, then `rejected` or `undelivered`,
    /// and `delivered` above all. It approves nothing. Delivered: the delivery is, and its lease ends. A receipt for what
    /// cannot arrive any more may open the delivery again, see [`Noted`]. An opt-out in it is kept.
    async fn note(&self, receipt: NewReceipt) -> Result<Noted, StoreError>;

    /// Keeps that a person told us to stop, or to go on, over a channel.
    async fn heed(
        &self,
        recipient: LookupHash,
        channel: Channel,
        word: InboundWord,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a delivery, if the lease still holds. `sent` is written only if a vendor has a message of it, or if it has no
    /// attempt at all: then it is a decoy's.
    async fn finish(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        holder: NodeId,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Renews leases. Says which of them are no longer the caller's.
    async fn renew(
        &self,
        deliveries: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        lease: Lease,
    ) -> Result<Vec<DeliveryId>, StoreError>;

    /// Takes over up to `limit` deliveries whose lease has ended: leases them to the caller and turns their `sending`
    /// attempts into `unknown`. The oldest first. One that a vendor took stays `sent`: whoever held it died over another
    /// attempt, or it was silent.
    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DeliveryTask>, StoreError>;

    /// Ends the leases that are the holder's, so that others may take over what it leaves. For a node that ends.
    async fn release(&self, holder: NodeId, now: Timestamp) -> Result<(), StoreError>;
}
