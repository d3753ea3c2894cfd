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
    limit::Pace,
    outcome::{Rejection, VendorResponse},
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
    /// Providers that this recipient opted out of.
    pub opted_out: Vec<String>,
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

    /// Ends a delivery, if the lease still holds.
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

    /// Takes over up to `limit` open deliveries whose lease has ended: leases them to the caller and turns their
    /// `sending` attempts into `unknown`. The oldest first.
    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DeliveryTask>, StoreError>;

    /// Ends the leases that are the holder's, so that others may take over what it leaves. For a node that ends.
    async fn release(&self, holder: NodeId, now: Timestamp) -> Result<(), StoreError>;
}
