//! Reading verifications: one, or a page.

use backstop_domain::{
    id::VerificationId,
    ports::{StoreError, store::VerificationFilter},
    purpose::Purpose,
    recipient::Recipient,
    verification::Status,
};

use crate::{Caller, Engine, VerificationReport};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct VerificationQuery {
    /// Only of this recipient.
    pub to: Option<Recipient>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only with this purpose.
    pub purpose: Option<Purpose>,
    /// Only older ones than this.
    pub before: Option<VerificationId>,
    /// How many, 1 to 100.
    pub limit: u32,
}

/// A page, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationPage {
    /// The verifications.
    pub verifications: Vec<VerificationReport>,
    /// Where the next page begins, if there is one.
    pub next: Option<VerificationId>,
}

/// Why nothing can be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// No such verification of this application.
    #[error("no such verification")]
    NotFound,
    /// Listing is the application's to ask.
    #[error("listing needs a secret key")]
    NeedsSecretKey,
    /// The store cannot be read now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Reads one verification.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub async fn read(&self, caller: &Caller, id: VerificationId) -> Result<VerificationReport, ReadError> {
        self.report(caller, id).await?.ok_or(ReadError::NotFound)
    }

    /// Reads a page of verifications, newest first.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub async fn list(
        &self,
        caller: &Caller,
        query: VerificationQuery,
    ) -> Result<VerificationPage, ReadError> {
        if caller.authority.is_public() {
            return Err(ReadError::NeedsSecretKey);
        }
        let ring = self.keyring();
        let now = self.clock.now();
        let limit = query.limit.clamp(1, 100);
        let filter = VerificationFilter {
            recipient: query.to.map(|to| ring.lookup("recipient", to.limit_key().as_bytes())),
            status: query.status,
            purpose: query.purpose,
            before: query.before,
            limit: limit + 1,
            now,
        };
        let mut views = self.store.list(caller.application.id, filter).await?;
        let more = views.len() > limit as usize;
        views.truncate(limit as usize);
        let verifications: Vec<_> =
            views.iter().map(|view| VerificationReport::of(view, &caller.application, now)).collect();
        let next = verifications.last().filter(|_| more).map(|last| last.id);
        Ok(VerificationPage { verifications, next })
    }

    pub(crate) async fn report(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<Option<VerificationReport>, StoreError> {
        let view = self.store.get(caller.application.id, id).await?;
        let view = view.filter(|view| caller.authority.may_see(&view.verification));
        let Some(view) = view else { return Ok(None) };
        let (row, now) = (&view.verification, self.clock.now());
        let report = VerificationReport::of(&view, &caller.application, now);
        if row.subject.is_none() {
            return Ok(Some(report));
        }
        let personal = row
            .open_personal(&self.keyring())
            .map_err(|error| StoreError::Internal(format!("verification {}: {error}", row.id)))?;
        let asked = view.deliveries.last().and_then(|delivery| delivery.ladder.as_deref());
        Ok(Some(self.told(caller, row.subject, &Recipient::restore(personal.to), asked, report)))
    }
}
