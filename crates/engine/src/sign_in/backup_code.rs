//! Signing in with a backup code: it is used up, and the person hears of it.

use std::sync::Arc;

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::{
        Factor,
        backup_code::{SubmittedBackupCode, Taken, WARN_AT},
        tries::Budget,
    },
    notice::{Detail, NoticeKind},
    ports::store::File,
};

use super::{Knock, SignInError, SignedIn, active};
use crate::{Caller, Engine, IdempotencyKey, people::Scene};

impl Engine {
    /// Signs in with a backup code.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_backup_code(
        self: &Arc<Self>,
        caller: &Caller,
        knock: &Knock,
        code: SubmittedBackupCode,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let judge = move |scene: &Scene, file: &mut File| {
            let left = take(scene, file, &code);
            if let Some(left) = left {
                used(scene, file, left);
            }
            left.is_some()
        };
        self.sign_in_guessed(caller, knock, (Factor::BackupCode, &Budget::BACKUP_CODE), judge, key).await
    }
}

/// Uses the code up. Says how many are left.
pub(super) fn take(scene: &Scene, file: &mut File, code: &SubmittedBackupCode) -> Option<usize> {
    let user = active(file)?.id;
    let context = scene.context(user, "backup_codes");
    let codes = file.user.as_mut()?.profile.ways.backup_codes.as_mut()?;
    match codes.take(&scene.ring, &context, code, scene.now) {
        Taken::Right { left } => Some(left),
        Taken::Wrong => None,
    }
}

pub(super) fn used(scene: &Scene, file: &mut File, left: usize) {
    let detail = || Detail::default().with_codes_left(u32::try_from(left).unwrap_or(u32::MAX));
    scene.record(file, EventKind::BackupCodeUsed, EventResult::Done, None);
    scene.notify(file, NoticeKind::BackupCodeUsed, detail());
    if left == WARN_AT {
        scene.notify(file, NoticeKind::BackupCodesLow, detail());
    }
}
