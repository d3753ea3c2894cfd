//! Ending a pending verification at the application's word.

use backstop_domain::{
    id::VerificationId,
    ports::{StoreError, store::Canceled},
    verification::Status,
};

use crate::{Caller, Engine, VerificationReport};

/// Why nothing was canceled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CancelError {
    /// No such verification of this application.
    #[error("no such verification")]
    NotFound,
    /// Canceling is the application's to ask.
    #[error("canceling needs a secret key")]
    NeedsSecretKey,
    /// It had ended in another way.
    #[error("the verification has ended: {0}")]
    Ended(Status),
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Ends a pending verification; canceling twice is well.
    ///
    /// # Errors
    /// Says why nothing was canceled.
    pub async fn cancel(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationReport, CancelError> {
        if caller.authority.is_public() {
            return Err(CancelError::NeedsSecretKey);
        }
        match self.store.cancel(caller.application.id, id, self.clock.now()).await? {
            Canceled::Canceled => self.report(caller, id).await?.ok_or(CancelError::NotFound),
            Canceled::Ended(status) => Err(CancelError::Ended(status)),
            Canceled::NotFound => Err(CancelError::NotFound),
        }
    }
}
