//! Making and revoking backup codes. A set is shown once; a new one ends the old one whole.
//!
//! A person makes them only in a session of two ways, as one is after an authenticator app was enrolled in it: codes made with
//! less would be a way around what they stand in for.

use backstop_domain::{
    clock::Timestamp,
    event::{EventKind, EventResult},
    factor::{
        Factor,
        backup_code::{BackupCodeForm, BackupCodes},
    },
    id::UserId,
    notice::{Detail, NoticeKind},
    ports::store::Whom,
    secret::SecretString,
    token::Acr,
};

use super::{not_the_last, removed};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal, own_session},
    people::Act,
    users::many,
};

/// How many backup codes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupCodesReport {
    /// How many can still be used.
    pub left: u32,
    /// When the set was made.
    pub generated_at: Timestamp,
}

impl Engine {
    /// Makes a set of backup codes, to be shown now and never again.
    ///
    /// # Errors
    /// Says why the old set, if there is one, is still good.
    pub async fn generate_backup_codes(
        &self,
        manager: &Manager,
        user: UserId,
    ) -> Result<Vec<SecretString>, ManageError> {
        let scene = self.manager_scene(manager);
        let policy = &scene.application.sign_in;
        let form = BackupCodeForm::new(policy.backup_codes, policy.backup_code_length).unwrap_or_default();
        let context = scene.context(user, "backup_codes");
        let (shown, codes) =
            BackupCodes::generate(&context, &scene.ring, scene.random.as_ref(), scene.now, form);
        let act = Act { factor: Some(Factor::BackupCode), ..Act::on(Whom::User(user)) };
        let by = manager.clone();
        self.change(manager, &scene, act, move |scene, file| {
            if own_session(&by, &mut file.sessions).is_some_and(|session| session.acr != Acr::Aal2) {
                return Err(Denied::StepUp.into());
            }
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            let detail = Detail::default().with_codes_left(many(codes.left()));
            holder.profile.ways.backup_codes = Some(codes.clone());
            file.tries.reset();
            scene.record(file, EventKind::BackupCodesGenerated, EventResult::Done, None);
            scene.notify(file, NoticeKind::BackupCodesGenerated, detail);
            Ok(())
        })
        .await?;
        Ok(shown)
    }

    /// Takes all backup codes away.
    ///
    /// # Errors
    /// Says why they are still good.
    pub async fn revoke_backup_codes(&self, manager: &Manager, user: UserId) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            holder.profile.ways.backup_codes.take().ok_or(Refusal::NotHeld)?;
            not_the_last(&by, file)?;
            removed(&by, scene, file, Factor::BackupCode, EventKind::BackupCodesRevoked);
            Ok(())
        })
        .await
    }

    /// Says how many backup codes are left.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if none were made.
    pub async fn backup_codes(
        &self,
        manager: &Manager,
        user: UserId,
    ) -> Result<BackupCodesReport, ManageError> {
        let found = self.seen(manager, user).await?;
        let codes = found.profile.ways.backup_codes.ok_or(ManageError::NotHeld)?;
        Ok(BackupCodesReport { left: many(codes.left()), generated_at: codes.generated_at })
    }
}
