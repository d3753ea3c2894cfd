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

use super::{Knock, Proven, SignInError, SignedIn, active, charge, give_back, let_in, refused};
use crate::{
    Caller, Engine, IdempotencyKey,
    people::{Act, Scene},
};

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
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let (whom, first) = self.whom(&scene, knock)?;
        let network = self.network_hash(caller.network);
        let act = Act {
            factor: Some(Factor::BackupCode),
            network,
            idempotency: held.as_ref().map(|held| held.idempotency),
            ..Act::on(whom)
        };
        let outcome = self
            .person(&scene, act, move |scene, file| {
                let charged = match charge(scene, file, &Budget::BACKUP_CODE, network.is_some()) {
                    Ok(charged) => charged,
                    Err(locked) => return locked.into(),
                };
                let Some(left) = take(scene, file, &code) else {
                    return refused(scene, file, Factor::BackupCode);
                };
                give_back(file, charged);
                used(scene, file, left);
                let_in(scene, file, first.as_ref(), Proven::by(Factor::BackupCode), None)
            })
            .await?;
        self.answer(&scene, outcome)
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
