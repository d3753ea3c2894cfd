//! Asking a vendor about a code that it made, between the act that charged the check and the act that ends it.
//!
//! The vendor's word counts in the answer to this very question and nowhere else. The question goes on though the caller
//! has gone, because the vendor uses a right code up. Without an answer within [`Checking::LIMIT`] the check stays charged,
//! and the same `Idempotency-Key` asks again; a crash here leaves what the first act wrote.

use std::sync::Arc;

use backstop_domain::{
    application::ApplicationId,
    code::SubmittedCode,
    id::VerificationId,
    ports::{
        StoreError,
        provider::{VendorCheck, VendorVerdict},
        store::{Checked, Conclusion, Once},
    },
    verification::Checking,
};
use futures::{
    channel::oneshot,
    future::{self, Either},
};

use super::check::CheckError;
use crate::Engine;

/// How long to wait before a store that could not be written is tried again.
const STORE_PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// A check that was charged and that only the vendor can judge.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) application: ApplicationId,
    pub(super) verification: VerificationId,
    pub(super) provider: String,
    pub(super) checking: Checking,
    pub(super) code: SubmittedCode,
}

impl Engine {
    /// Asks, and writes the verdict down.
    pub(super) async fn ask(self: &Arc<Self>, question: Question) -> Result<Once<Checked>, CheckError> {
        let (tell, told) = oneshot::channel();
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move {
            // Whoever went away does not want to know.
            let _ = tell.send(engine.ask_and_conclude(question).await);
        }));
        told.await.unwrap_or_else(|_| Err(StoreError::Internal("a question was dropped".into()).into()))
    }

    async fn ask_and_conclude(&self, question: Question) -> Result<Once<Checked>, CheckError> {
        let right = match self.verdict(&question).await? {
            VendorVerdict::Right => Some(true),
            VendorVerdict::Wrong | VendorVerdict::Gone => Some(false),
            VendorVerdict::Unknown(why) => {
                tracing::warn!(verification.id = %question.verification, provider.name = %question.provider, why, "a vendor did not say whether a code is right");
                None
            }
        };
        let concluded = self.conclude(&question, right).await?;
        match concluded {
            Once::Done(Checked::Busy { .. }) if right.is_none() => Err(CheckError::NoAnswer),
            other => Ok(other),
        }
    }

    /// What the vendor says, in time.
    async fn verdict(&self, question: &Question) -> Result<VendorVerdict, CheckError> {
        let Question { application, verification, provider, code, .. } = question;
        let unknown = |why: &str| Ok(VendorVerdict::Unknown(why.to_owned()));
        let view = self.store.get(*application, *verification).await?.ok_or(CheckError::NotFound)?;
        let through = |attempt: &&backstop_domain::attempt::Attempt| {
            attempt.provider == *provider && attempt.state.may_have_reached()
        };
        let Some(latest) = view.attempts.iter().rev().find(through) else {
            // It never made a code for this, so none can be right.
            return Ok(VendorVerdict::Gone);
        };
        let row = &view.verification;
        let personal = row
            .open_personal(&self.keyring())
            .map_err(|error| StoreError::Internal(format!("verification {}: {error}", row.id)))?;
        let Some(to) = personal.recipient_for(latest.channel) else {
            return unknown("its recipient is gone");
        };
        let Some(vendor) = self.routes.provider(provider) else {
            return unknown("it is not configured any more");
        };
        let Some(checker) = vendor.checker() else { return unknown("it does not check codes any more") };
        let check = VendorCheck {
            to,
            channel: latest.channel,
            vendor_id: latest.vendor_id.clone(),
            code: code.clone(),
        };
        Ok(match future::select(checker.check(&check), self.tasks.sleep(Checking::LIMIT)).await {
            Either::Left((verdict, _)) => verdict,
            Either::Right(_) => {
                let limit = Checking::LIMIT.as_secs();
                VendorVerdict::Unknown(format!("no answer within {limit} s"))
            }
        })
    }

    /// Writes the verdict down; again while the store cannot be written and nobody else may ask: a right code does not come
    /// twice.
    async fn conclude(&self, question: &Question, right: Option<bool>) -> Result<Once<Checked>, StoreError> {
        loop {
            let now = self.clock.now();
            let conclusion = Conclusion {
                application: question.application,
                verification: question.verification,
                checking: question.checking,
                right,
                now,
            };
            match self.noting(self.store.conclude(conclusion).await) {
                Err(error) if error.passes() && now + STORE_PAUSE < question.checking.until => {
                    self.tasks.sleep(STORE_PAUSE).await;
                }
                concluded => return concluded,
            }
        }
    }
}
