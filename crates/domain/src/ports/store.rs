//! The port that facts are kept behind. One method is one atomic act: what it says it did is durable when it returns,
//! and what it refused left no trace.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    application::{ApplicationId, Authority},
    attempt::Attempt,
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{ApiKeyId, AttemptId, DeliveryId, NodeId, VerificationId},
    keyring::{KeyUse, Kid, LookupHash},
    limit::{LimitExceeded, Rule},
    outcome::{Rejection, VendorResponse},
    purpose::Purpose,
    verification::{CheckAnswer, Judge, NotRedeemable, Status, Verification},
};

/// What can go wrong in a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be written or read now: full, locked, gone, overloaded. Nothing was changed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A row holds what no version of this program writes.
    #[error("bad row in {table}.{column} ({key}): {problem}")]
    BadRow {
        /// Where.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A statement failed in a way that only a mistake of ours explains.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// A caller's `Idempotency-Key`, with all that must be equal for the first answer to be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Keyed hash of key, credential, method and route.
    pub key: LookupHash,
    /// Keyed hash of the body.
    pub body: LookupHash,
}

/// What an act with an `Idempotency-Key` led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Once<T> {
    /// It was done now.
    Done(T),
    /// It was done within the last minute; this is what it answered then.
    Before(T),
    /// The key was used for another body.
    OtherBody,
}

/// How long an `Idempotency-Key` is remembered.
pub const IDEMPOTENCY_WINDOW: std::time::Duration = std::time::Duration::from_secs(60);

/// A start, with everything decided that does not depend on other rows.
#[derive(Debug, Clone)]
pub struct NewVerification {
    /// The row to insert unless the start joins one.
    pub verification: Verification,
    /// Its first delivery (or, if it joins, one more of the other verification).
    pub delivery: DeliveryId,
    /// Who will work on the delivery.
    pub lease: Lease,
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
    /// All live ones of this recipient and, if given, this purpose. Charged once; at most one is approved.
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
    pub limits: crate::limit::Limits,
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
    /// share a count and only one can win. An approval gives the network's charges of that verification back.
    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError>;

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

    /// Writes the end of those that ran out and wipes their custom codes; a few hundred a call. Says how many.
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError>;
}

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
    /// The verification is no longer pending: stop.
    Ended,
    /// Another worker holds the delivery: stop.
    LeaseLost,
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
    pub state: crate::attempt::AttemptState,
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
}

/// An API key as the store keeps it: its hash, never itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: ApplicationId,
    /// What it may do.
    pub authority: Authority,
    /// SHA-256 of the key, which has 128 random bits or more.
    pub hash: [u8; 32],
    /// The first and last characters, for people to recognise it by.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Applications and their keys.
#[async_trait]
pub trait Applications: Send + Sync {
    /// The number of the application of this name, made on first use.
    async fn application(&self, name: &str, now: Timestamp) -> Result<ApplicationId, StoreError>;

    /// Saves a key.
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// Every key, revoked ones too, oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Ends a key. Says whether there was such a one that was not revoked before.
    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError>;
}

/// A ring key as the store keeps it: sealed under the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Names it.
    pub kid: Kid,
    /// What it is for.
    pub key_use: KeyUse,
    /// The sealed key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The keyring at rest.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The fingerprint of the root key that this store belongs to; `None` in an empty store.
    async fn root_fingerprint(&self) -> Result<Option<String>, StoreError>;

    /// Gives an empty store its root key's fingerprint and first keys, in one act. Says whether it was still empty.
    async fn initialize(&self, fingerprint: &str, keys: Vec<WrappedKey>) -> Result<bool, StoreError>;

    /// The keyring.
    async fn ring(&self) -> Result<Vec<WrappedKey>, StoreError>;

    /// Adds keys.
    async fn add_ring_keys(&self, keys: Vec<WrappedKey>) -> Result<(), StoreError>;
}

/// The whole store.
pub trait Store: Verifications + Deliveries + Applications + Keys {}
impl<T: Verifications + Deliveries + Applications + Keys> Store for T {}

impl From<Refusal> for (String, i64) {
    fn from(Refusal(exceeded): Refusal) -> Self {
        (exceeded.limit.as_str().to_owned(), exceeded.retry_at.as_millis())
    }
}

impl TryFrom<(String, i64)> for Refusal {
    type Error = String;
    fn try_from((name, retry_at): (String, i64)) -> Result<Self, String> {
        let limit = crate::limit::LimitName::parse(&name).ok_or_else(|| format!("unknown limit {name}"))?;
        Ok(Self(LimitExceeded { limit, retry_at: Timestamp::from_millis(retry_at) }))
    }
}
