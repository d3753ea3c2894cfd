//! Handing the proof of an approved verification to the application's backend, once.
//!
//! What a browser says proves nothing to a backend. The backend redeems, and learns from us who was proven and how.

use backstop_domain::{
    channel::Channel,
    id::VerificationId,
    ports::{StoreError, store::Redeemed},
    purpose::Purpose,
    template::Transaction,
    verification::NotRedeemable,
};

use crate::{Caller, Engine};

/// What was proven.
#[derive(Clone, PartialEq)]
pub struct Proof {
    /// The verification.
    pub id: VerificationId,
    /// Who, in full.
    pub to: String,
    /// What for.
    pub purpose: Purpose,
    /// Over what: the weakest channel that the code was ever handed to.
    pub channel: Option<Channel>,
    /// How, in the manner of RFC 8176.
    pub amr: Vec<&'static str>,
    /// What was approved.
    pub transaction: Option<Transaction>,
    /// The caller's own notes.
    pub metadata: Option<serde_json::Value>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("id", &self.id).field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Why nothing was redeemed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedeemError {
    /// No such verification of this application.
    #[error("no such verification")]
    NotFound,
    /// Redeeming is the application's to ask.
    #[error("redeeming needs a secret key")]
    NeedsSecretKey,
    /// It proves something else than the caller expected.
    #[error("the verification was for another purpose")]
    OtherPurpose,
    /// There is nothing to redeem.
    #[error(transparent)]
    NotRedeemable(#[from] NotRedeemable),
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Hands the proof over, once, within ten minutes of the approval, and only for the expected purpose if one is
    /// given.
    ///
    /// # Errors
    /// Says why nothing was redeemed.
    pub async fn redeem(
        &self,
        caller: &Caller,
        id: VerificationId,
        expected: Option<Purpose>,
    ) -> Result<Proof, RedeemError> {
        if caller.authority.is_public() {
            return Err(RedeemError::NeedsSecretKey);
        }
        match self.store.redeem(caller.application.id, id, expected, self.clock.now()).await? {
            Redeemed::NotFound => Err(RedeemError::NotFound),
            Redeemed::OtherPurpose => Err(RedeemError::OtherPurpose),
            Redeemed::Refused(reason) => Err(reason.into()),
            Redeemed::Redeemed { verification, weakest } => {
                let personal = verification
                    .open_personal(&self.keyring())
                    .map_err(|error| StoreError::Internal(format!("verification {id}: {error}")))?;
                Ok(Proof {
                    id,
                    to: personal.to,
                    purpose: verification.purpose,
                    channel: weakest,
                    amr: weakest.map(|channel| channel.amr().to_vec()).unwrap_or_default(),
                    transaction: personal.transaction,
                    metadata: personal.metadata,
                })
            }
        }
    }
}
