//! The code by SMS that stands in for an authenticator app, on the word of an application that signs its people in itself.
//!
//! An ordinary verification of a purpose of its own, tied to the user: it is charged like any, and its approval signs nobody in
//! here. It goes to a telephone and to nothing else of the user's. A check proves this user's code and no other's, even
//! where two users wait at one number.

use std::{collections::BTreeMap, sync::Arc};

use backstop_domain::{
    code::SubmittedCode,
    id::{UserId, VerificationId},
    ports::{StoreError, store::VerificationView},
    purpose::Purpose,
    recipient::Recipient,
    user::{User, UserStatus},
    verification::Subject,
};

use crate::{
    Engine, IdempotencyKey,
    manage::{Denied, ManageError, Manager},
    verify::{CheckError, CheckRequest, Selection, SignInStart, StartError, Started},
};

/// Why no code was sent or checked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SmsBackupError {
    /// The application does not want it.
    #[error("the application has no SMS backup")]
    Off,
    /// It is not the caller's to do, or the user has no telephone.
    #[error(transparent)]
    Manage(#[from] ManageError),
    /// The code could not be sent.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The code could not be checked.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl From<StoreError> for SmsBackupError {
    fn from(error: StoreError) -> Self {
        Self::Manage(error.into())
    }
}

impl Engine {
    /// Sends a code to the user's telephone, or to the one that the application names. The application's to do.
    ///
    /// # Errors
    /// Says why none is sent.
    pub async fn start_sms_backup(
        self: &Arc<Self>,
        manager: &Manager,
        user: UserId,
        phone: Option<Recipient>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Started, SmsBackupError> {
        let found = self.served_by_sms(manager, user).await?;
        let request = SignInStart {
            to: phone.map_or_else(|| self.telephone_of(&found), Ok)?,
            subject: Subject::User(user),
            fallback_to: BTreeMap::new(),
            selection: Selection::Ladder,
            purpose: Purpose::sms_backup(),
            locale: found.profile.locale.clone(),
            transaction: None,
            session: None,
            wait: false,
        };
        Ok(self.start_sign_in(&manager.caller, request, key).await?)
    }

    /// Says whether the code is right: for one verification, or for whatever is live for the user's own telephone.
    ///
    /// # Errors
    /// Says why the code was not looked at.
    pub async fn check_sms_backup(
        self: &Arc<Self>,
        manager: &Manager,
        user: UserId,
        code: SubmittedCode,
        verification: Option<VerificationId>,
        key: Option<&IdempotencyKey>,
    ) -> Result<bool, SmsBackupError> {
        let found = self.served_by_sms(manager, user).await?;
        let request = match verification {
            Some(id) => {
                if !self.is_sms_backup_of(manager, user, id).await? {
                    return Err(CheckError::NotFound.into());
                }
                CheckRequest::Id(id, code)
            }
            None => CheckRequest::Recipient(self.telephone_of(&found)?, Some(Purpose::sms_backup()), code),
        };
        match self.check(&manager.caller, request, key).await {
            Ok(report) => Ok(report.answer.valid
                && (verification.is_some()
                    || self.is_sms_backup_of(manager, user, report.verification).await?)),
            Err(CheckError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn served_by_sms(&self, manager: &Manager, user: UserId) -> Result<User, SmsBackupError> {
        if manager.is_person() {
            return Err(ManageError::from(Denied::NeedsSecretKey).into());
        }
        if !manager.caller.application.sign_in.sms_backup {
            return Err(SmsBackupError::Off);
        }
        let found = self.seen(manager, user).await?;
        match found.status {
            UserStatus::Active => Ok(found),
            UserStatus::Suspended => Err(ManageError::of("user", "the user is suspended").into()),
        }
    }

    /// The user's first confirmed telephone.
    fn telephone_of(&self, user: &User) -> Result<Recipient, SmsBackupError> {
        let address = user.confirmed().find(|address| address.phone).ok_or(ManageError::NotHeld)?;
        user.open(&self.keyring(), address).map_err(|error| {
            StoreError::Internal(format!("an address of user {} does not open: {error}", user.id)).into()
        })
    }

    async fn is_sms_backup_of(
        &self,
        manager: &Manager,
        user: UserId,
        verification: VerificationId,
    ) -> Result<bool, StoreError> {
        let view = self.noting(self.store.get(manager.caller.application.id, verification).await)?;
        Ok(view.is_some_and(|VerificationView { verification, .. }| {
            verification.subject == Some(Subject::User(user)) && verification.purpose == Purpose::sms_backup()
        }))
    }
}
