//! What attempts, answers and leases may read and write.

use std::time::Duration;

use backstop_domain::{
    application::ApplicationId,
    attempt::AttemptState,
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::{DeliveryId, NodeId, VerificationId},
    limit::PaceBook,
    ports::store::{AttemptResult, NewAttempt},
    receipt::AttemptReference,
};

use crate::error::Result;

/// Names a delivery's row.
pub(crate) type DeliveryKey = (ApplicationId, VerificationId, DeliveryId);

/// What decides whether an attempt may leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) leased_until: Timestamp,
    /// The verification is pending, and has room for one more message.
    pub(crate) may_send: bool,
}

/// The rows of deliveries and attempts, inside one transaction.
pub(crate) trait Outbox {
    /// Notes the moment that a caller lives in.
    fn see(&mut self, now: Timestamp);

    /// How a delivery of this holder stands; `None` if it is another's or done.
    fn standing(&self, new: &NewAttempt) -> Result<Option<Standing>>;
    /// Where an attempt stands.
    fn attempt_state(&self, of: &AttemptResult) -> Result<Option<AttemptState>>;
    /// Where the attempts of a delivery stand.
    fn states(&self, of: DeliveryKey) -> Result<Vec<AttemptState>>;
    /// Where a delivery stands and who has it.
    fn delivery(&self, key: DeliveryKey) -> Result<Option<(DeliveryState, Option<Lease>)>>;

    /// The places taken in a span of a provider.
    fn places(&self, provider: &str, span: Duration) -> Result<PaceBook>;
    /// Writes them.
    fn keep_places(&mut self, provider: &str, span: Duration, book: PaceBook) -> Result<()>;
    /// Writes a new attempt, `sending`, numbered within its verification.
    fn add_attempt(&mut self, new: &NewAttempt) -> Result<()>;
    /// Renews a lease. Says whether it is still the holder's.
    fn renew(&mut self, key: DeliveryKey, lease: Lease) -> Result<bool>;
    /// Writes an answer that moves the attempt forward.
    fn settle(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()>;
    /// Keeps only the vendor's words of an answer that moves nothing; and its id and price, where none was known.
    fn keep_words(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()>;
    /// Keeps the ids by which receipts will name the attempt. Of two attempts with one name the newer has it.
    fn keep_handles(&mut self, result: &AttemptResult) -> Result<()>;
    /// Notes that the recipient opted out of the attempt's provider.
    fn opt_out(&mut self, of: AttemptReference, at: Timestamp) -> Result<()>;
    /// Writes the state of a delivery. Its lease ends with it, or with the last of its attempts that is still being sent:
    /// until then a crash must leave somebody to call that attempt unknown. With `rests_until` the lease does not end but
    /// becomes [`nobody`]'s until then.
    fn end(&mut self, key: DeliveryKey, state: DeliveryState, rests_until: Option<Timestamp>) -> Result<()>;
}

/// Whether a delivery is leased to `holder`.
pub(crate) fn held_by(lease: Option<Lease>, holder: NodeId) -> bool {
    lease.is_some_and(|lease| lease.holder == holder)
}

/// The holder of a lease that only marks the moment at which silence is to be looked at: no worker has it, so none can send
/// under it, renew it or give it up.
pub(crate) fn nobody() -> NodeId {
    NodeId::first_at(Timestamp::from_millis(0))
}
