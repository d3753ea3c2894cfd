//! Verifications at rest: starting, checking, ending, reading.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Idempotency, NewAttempt, Once, OptOuts, StoreError};
use crate::{
    application::{ApplicationId, Authority},
    attempt::Attempt,
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, Lease},
    id::{DeliveryId, VerificationId},
    keyring::LookupHash,
    limit::{LimitExceeded, LimitName, Limits, Rule},
    purpose::Purpose,
    verification::{CheckAnswer, Checking, Judge, NotRedeemable, Status, Verification},
};

/// A start, with everything decided that does not depend on other rows.
#[derive(Debug, Clone)]
pub struct NewVerification {
    /// The row to insert unless the start joins one.
    pub verification: Verification,
    /// Its first delivery (or, if it joins, one more of the other verification).
    pub delivery: DeliveryId,
    /// Who will work on the delivery.
    pub lease: Lease,
    /// The attempt to write down in the same act, if the verification is new and its recipient has not opted out of the
    /// provider. It takes no place of a pace and sets no money aside: an attempt through a provider that has either is begun
    /// on its own.
    pub first_attempt: Option<NewAttempt>,
    /// The limits to charge.
    pub rules: Vec<Rule>,
    /// The wait between two deliveries of one verification, for joining.
    pub resend_after: std::time::Duration,
    /// The caller's key, if it sent one.
    pub idempotency: Option<Idempotency>,
}

/// What a start led to. Small, and without personal data: this is what an `Idempotency-Key` replays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Opened {
    /// There is a delivery to make.
    Opened {
        /// The new verification, or the one that was joined.
        verification: VerificationId,
        /// The delivery.
        delivery: DeliveryId,
        /// What the recipient opted out of, so that a new verification can go out without being read again. A replay sends
        /// nothing and knows none.
        #[serde(skip)]
        opted_out: OptOuts,
        /// Whether the first attempt is written down: send it.
        #[serde(skip)]
        begun: bool,
    },
    /// Nothing was written.
    Refused(Refusal),
}

/// Why a call was refused by a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(String, i64)", try_from = "(String, i64)")]
pub struct Refusal(pub LimitExceeded);

/// A second delivery of a verification.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The ladder to take instead of the verification's.
    pub ladder: Option<Vec<Channel>>,
    /// Who will work on it.
    pub lease: Lease,
    /// The limits to charge.
    pub rules: Vec<Rule>,
    /// On whose word.
    pub authority: Authority,
    /// The keyed hash of the network it was asked for from, for giving the charge back.
    pub network: Option<LookupHash>,
    /// The wait between two deliveries of one verification.
    pub resend_after: std::time::Duration,
    /// The caller's key, if it sent one.
    pub idempotency: Option<Idempotency>,
    /// The present moment.
    pub now: Timestamp,
}

/// What a resend led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Resent {
    /// There is a delivery to make.
    Queued(DeliveryId),
    /// A limit said no; nothing was written.
    Refused(Refusal),
    /// The verification has ended; nothing was written.
    Ended(Status),
    /// There is no such verification.
    NotFound,
}

/// Which verifications a submitted code is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckTarget {
    /// One, by its id.
    Id(VerificationId),
    /// All live ones of this recipient and, if given, this purpose. Charged once; at most one is approved. For a public
    /// caller only those that public callers started: a stranger's guess never counts against the application's own.
    Recipient {
        /// The keyed hash of the recipient.
        recipient: LookupHash,
        /// What the code must be for; `None`: anything.
        purpose: Option<Purpose>,
    },
}

/// One submitted code.
#[derive(Debug, Clone)]
pub struct SubmittedCheck {
    /// Whose verifications.
    pub application: ApplicationId,
    /// Which of them.
    pub target: CheckTarget,
    /// The pure rule that compares.
    pub judge: Judge,
    /// Hourly and daily budget of checks, by recipient: made into rules once the recipient is known.
    pub limits: Limits,
    /// On whose word.
    pub authority: Authority,
    /// The caller's key, if it sent one.
    pub idempotency: Option<Idempotency>,
    /// The present moment.
    pub now: Timestamp,
}

/// What a check led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Checked {
    /// It was taken, or the verification had ended before.
    Answer {
        /// The verification that answers: the approved one, or the newest.
        verification: VerificationId,
        /// The answer.
        answer: CheckAnswer,
    },
    /// No code of this verification has that form; nothing was charged.
    WrongForm,
    /// The budget of checks is used up; the code was not looked at.
    Refused(Refusal),
    /// There is no such verification.
    NotFound,
    /// It is charged, and only the vendor that made the code can judge it: ask, then [`Verifications::conclude`].
    #[serde(skip)]
    Ask {
        /// The verification.
        verification: VerificationId,
        /// The provider to ask.
        provider: String,
        /// The asking, for the conclusion.
        checking: Checking,
    },
    /// The vendor is being asked about another check of this verification, or gave no answer; nothing was charged.
    #[serde(skip)]
    Busy {
        /// When the next one can be taken.
        until: Timestamp,
    },
}

/// What a vendor said of a check that was charged before.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// Whose verification.
    pub application: ApplicationId,
    /// Which.
    pub verification: VerificationId,
    /// The asking.
    pub checking: Checking,
    /// Whether the code was right; `None`: the vendor gave no answer.
    pub right: Option<bool>,
    /// The present moment.
    pub now: Timestamp,
}

/// A verification with what became of its deliveries.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationView {
    /// The row.
    pub verification: Verification,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Their attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct VerificationFilter {
    /// Only of this recipient.
    pub recipient: Option<LookupHash>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only with this purpose.
    pub purpose: Option<Purpose>,
    /// Only older ones than this (the cursor).
    pub before: Option<VerificationId>,
    /// How many at the most.
    pub limit: u32,
    /// The present moment, which decides what is expired.
    pub now: Timestamp,
}

/// What a cancel led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceled {
    /// It was pending and is canceled now, or was canceled before.
    Canceled,
    /// It had ended in another way.
    Ended(Status),
    /// There is no such verification.
    NotFound,
}

/// What a redeem led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Redeemed {
    /// Here is the proof; no other call will get it.
    Redeemed {
        /// The verification.
        verification: Box<Verification>,
        /// The weakest channel that the code was ever handed to.
        weakest: Option<Channel>,
    },
    /// Nothing to hand over.
    Refused(NotRedeemable),
    /// The caller expected another purpose; nothing was redeemed.
    OtherPurpose,
    /// There is no such verification.
    NotFound,
}

/// Verifications: starting, checking, ending, reading.
#[async_trait]
pub trait Verifications: Send + Sync {
    /// Saves the verification, its charges and its first delivery, or joins a pending equal one, or nothing. `now` is
    /// the verification's `created_at`.
    async fn open(&self, new: NewVerification) -> Result<Once<Opened>, StoreError>;

    /// Saves one more delivery and its charges, or nothing.
    async fn resend(&self, new: NewDelivery) -> Result<Once<Resent>, StoreError>;

    /// Charges one submitted code, compares it and, if it is right, approves: one act, so that racing checks cannot
    /// share a count and only one can win. An approval gives the network's charges of that verification back. One whose
    /// code a vendor made is charged and marked, and answers [`Checked::Ask`].
    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError>;

    /// Ends a check that a vendor was asked about: approves if it is right, and still pending, and still this one. What
    /// it answers is what the check's `Idempotency-Key` gets again. Without an answer of the vendor the check stays
    /// charged, and the next one may be taken.
    async fn conclude(&self, conclusion: Conclusion) -> Result<Once<Checked>, StoreError>;

    /// Ends a pending verification.
    async fn cancel(
        &self,
        application: ApplicationId,
        id: VerificationId,
        now: Timestamp,
    ) -> Result<Canceled, StoreError>;

    /// Hands the proof of an approved verification over, once, if its purpose is the expected one.
    async fn redeem(
        &self,
        application: ApplicationId,
        id: VerificationId,
        expected: Option<Purpose>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError>;

    /// Reads one.
    async fn get(
        &self,
        application: ApplicationId,
        id: VerificationId,
    ) -> Result<Option<VerificationView>, StoreError>;

    /// Reads a page, newest first.
    async fn list(
        &self,
        application: ApplicationId,
        filter: VerificationFilter,
    ) -> Result<Vec<VerificationView>, StoreError>;

    /// Writes the end of those that ran out, wipes their custom codes and forgets old answers; some of each a call. Says
    /// how many it ended; 0 only if there is nothing left to do.
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Deletes verifications that were started before `before`, with all that belongs to them; some of them a call, so
    /// that traffic does not wait. Says how many; 0 if there is nothing left to do, or another node is doing it.
    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u64, StoreError>;
}

impl From<Refusal> for (String, i64) {
    fn from(Refusal(exceeded): Refusal) -> Self {
        (exceeded.limit.as_str().to_owned(), exceeded.retry_at.as_millis())
    }
}

impl TryFrom<(String, i64)> for Refusal {
    type Error = String;
    fn try_from((name, retry_at): (String, i64)) -> Result<Self, String> {
        let limit = LimitName::parse(&name).ok_or_else(|| format!("unknown limit {name}"))?;
        Ok(Self(LimitExceeded { limit, retry_at: Timestamp::from_millis(retry_at) }))
    }
}
