//! What starts, checks and ends may read and write.

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    channel::Channel,
    clock::Timestamp,
    delivery::Lease,
    id::{DeliveryId, VerificationId},
    keyring::LookupHash,
    limit::{LimitExceeded, Rule},
    ports::store::{NewAttempt, OptOuts},
    verification::{Verdict, Verification},
};

use crate::{
    error::Result,
    memory::{Memory, Remembered},
};

/// A delivery on its way into the outbox, which is also a charge.
#[derive(Debug, Clone)]
pub(crate) struct Charged {
    pub(crate) application: ApplicationId,
    pub(crate) verification: VerificationId,
    pub(crate) id: DeliveryId,
    pub(crate) at: Timestamp,
    pub(crate) ladder: Option<Vec<Channel>>,
    pub(crate) lease: Lease,
    pub(crate) recipient: LookupHash,
    pub(crate) network: Option<LookupHash>,
    pub(crate) public: bool,
}

/// What is kept of a submitted code beside the count: never the code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakenCheck {
    pub(crate) at: Timestamp,
    pub(crate) public: bool,
    /// Whether this row is the charge: a code held against several is charged once.
    pub(crate) charged: bool,
    pub(crate) verdict: Verdict,
}

/// The rows of verifications and the memory that belongs to them, inside one transaction.
pub(crate) trait Ledger {
    /// Charges, live verifications and answers: of everybody, or of those whom the batch concerns.
    fn memory(&self) -> &Memory;
    /// Notes the moment that a caller lives in.
    fn see(&mut self, now: Timestamp);
    /// Charges all `rules`, or none of them.
    fn charge(
        &mut self,
        rules: &[Rule],
        public: bool,
        now: Timestamp,
    ) -> std::result::Result<(), LimitExceeded>;
    /// Gives the network's charges of an approved verification back: whoever got in was no flood.
    fn give_back(&mut self, application: ApplicationId, verification: VerificationId) -> Result<()>;
    /// Keeps the answer of a key for a minute.
    fn remember(&mut self, key: LookupHash, remembered: Remembered) -> Result<()>;

    /// One verification.
    fn verification(&self, application: ApplicationId, id: VerificationId) -> Result<Option<Verification>>;
    /// When the latest delivery of a verification was asked for.
    fn latest_delivery(&self, application: ApplicationId, of: VerificationId) -> Result<Option<Timestamp>>;
    /// The attempts of a verification, oldest first.
    fn attempts(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>>;
    /// What a recipient opted out of.
    fn opted_out(&self, application: ApplicationId, recipient: LookupHash) -> Result<OptOuts>;

    /// Writes a new verification; a pending one takes its place among the live.
    fn add_verification(&mut self, row: &Verification) -> Result<()>;
    /// Writes a new delivery, leased from its first moment.
    fn add_delivery(&mut self, row: Charged) -> Result<()>;
    /// Writes the first attempt of a new verification, `sending`.
    fn add_first_attempt(&mut self, new: &NewAttempt) -> Result<()>;
    /// Writes what a check made of a verification, and the check itself. One that is not pending any more gives its place
    /// among the live up. Fails if the row is not where the check left from.
    fn take_check(&mut self, row: &Verification, check: TakenCheck) -> Result<()>;
    /// Writes that the vendor of a pending verification is being asked, about a check that was counted before.
    fn mark_check(&mut self, row: &Verification) -> Result<()>;
    /// Writes what the vendor made of the check that was counted last. One that is not pending any more gives its place
    /// among the live up.
    fn conclude_check(&mut self, row: &Verification) -> Result<()>;
    /// Writes the end of a pending verification at the application's word.
    fn cancel(&mut self, row: &Verification) -> Result<()>;
    /// Writes that the proof was handed over.
    fn redeem(&mut self, row: &Verification) -> Result<()>;
}
