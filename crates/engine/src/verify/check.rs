//! Checking a submitted code: one atomic act of the store, judged by a pure rule; or, where a vendor made the code, two acts
//! and its word between them.

use std::sync::Arc;

use backstop_domain::{
    clock::Timestamp,
    code::SubmittedCode,
    id::VerificationId,
    limit::LimitExceeded,
    ports::{
        StoreError,
        store::{CheckTarget, Checked, Once, Refusal, SubmittedCheck},
    },
    purpose::Purpose,
    recipient::Recipient,
    verification::{CheckAnswer, Judge},
};

use super::ask::Question;
use crate::{Caller, Engine, IdempotencyKey, idempotency::Held};

/// A submitted code and what it is for.
#[derive(Debug, Clone)]
pub enum CheckRequest {
    /// For one verification.
    Id(VerificationId, SubmittedCode),
    /// For all live ones of a recipient; takes a secret key or a drop-in surface.
    Recipient(Recipient, Option<Purpose>, SubmittedCode),
}

/// The answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckReport {
    /// The verification that answers.
    pub verification: VerificationId,
    /// Whether the code was right, where it stands, and how many tries are left.
    pub answer: CheckAnswer,
}

/// Why a check has no answer. Nothing was charged, unless it says so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CheckError {
    /// No such verification of this application.
    #[error("no such verification")]
    NotFound,
    /// No code of this verification has that form.
    #[error("the code has another length")]
    WrongForm,
    /// Checking by recipient is the application's to ask.
    #[error("checking by recipient needs a secret key")]
    NeedsSecretKey,
    /// A limit said no.
    #[error("limit {} is used up", .0.limit)]
    Limited(LimitExceeded),
    /// The `Idempotency-Key` came with another body before.
    #[error("the Idempotency-Key was used for another request")]
    OtherBody,
    /// A call with this `Idempotency-Key` has not answered yet.
    #[error("a call with this Idempotency-Key is in progress")]
    InProgress,
    /// The vendor that made the code did not answer; the check was charged, and the same key asks again uncharged.
    #[error("the provider that checks this code did not answer")]
    NoAnswer,
    /// The vendor that made the code is being asked about another check of this verification. Nothing was charged.
    #[error("another check of this verification is with its provider")]
    Busy {
        /// When the next one can be taken.
        until: Timestamp,
    },
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Checks a submitted code.
    ///
    /// # Errors
    /// Says why the code was not looked at.
    pub async fn check(
        self: &Arc<Self>,
        caller: &Caller,
        request: CheckRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<CheckReport, CheckError> {
        if let CheckRequest::Recipient(..) = request
            && caller.authority.is_public()
            && caller.surface.is_none()
        {
            return Err(CheckError::NeedsSecretKey);
        }
        let held = self.hold(caller, key).map_err(|_| CheckError::InProgress)?;
        self.check_held(caller, request, held.as_ref()).await
    }

    /// The same, for a caller who may, under a key that is held already.
    pub(crate) async fn check_held(
        self: &Arc<Self>,
        caller: &Caller,
        request: CheckRequest,
        held: Option<&Held<'_>>,
    ) -> Result<CheckReport, CheckError> {
        let ring = self.keyring();
        let (target, judge, code) = match request {
            CheckRequest::Id(id, submitted) => {
                (CheckTarget::Id(id), Judge::new(ring, submitted.clone()), submitted)
            }
            CheckRequest::Recipient(to, purpose, submitted) => {
                let recipient = ring.lookup("recipient", to.limit_key().as_bytes());
                let judge = Judge::new(ring, submitted.clone()).only_for(to);
                (CheckTarget::Recipient { recipient, purpose }, judge, submitted)
            }
        };
        let checked = self
            .store
            .check(SubmittedCheck {
                application: caller.application.id,
                target,
                judge,
                limits: caller.application.limits.clone(),
                authority: caller.authority,
                idempotency: Held::of(held),
                now: self.clock.now(),
            })
            .await;
        let checked = match self.noting(checked)? {
            Once::Done(Checked::Ask { verification, provider, checking }) => {
                let application = caller.application.id;
                self.ask(Question { application, verification, provider, checking, code }).await?
            }
            checked => checked,
        };
        if let Once::Done(Checked::Answer { verification, answer: CheckAnswer { valid: true, .. } }) =
            &checked
        {
            self.learn_approval(caller.application.id, *verification);
        }
        match checked {
            Once::OtherBody => Err(CheckError::OtherBody),
            Once::Done(checked) | Once::Before(checked) => match checked {
                Checked::Answer { verification, answer } => Ok(CheckReport { verification, answer }),
                Checked::WrongForm => Err(CheckError::WrongForm),
                Checked::Refused(Refusal(limit)) => Err(CheckError::Limited(limit)),
                Checked::NotFound => Err(CheckError::NotFound),
                Checked::Busy { until } => Err(CheckError::Busy { until }),
                // A conclusion asks nothing.
                Checked::Ask { .. } => Err(CheckError::NoAnswer),
            },
        }
    }
}
