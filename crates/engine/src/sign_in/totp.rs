//! Signing in with a code of an authenticator app.

use std::sync::Arc;

use backstop_domain::{
    code::SubmittedCode,
    factor::{Factor, totp::TotpVerdict, tries::Budget},
    ports::store::File,
};

use super::{Knock, Proven, SignInError, SignedIn, active, charge, give_back, let_in, refused};
use crate::{
    Caller, Engine, IdempotencyKey,
    people::{Act, Scene},
};

impl Engine {
    /// Signs in with a TOTP code.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_totp(
        self: &Arc<Self>,
        caller: &Caller,
        knock: &Knock,
        code: SubmittedCode,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let (whom, first) = self.whom(&scene, knock)?;
        let network = self.network_hash(caller.network);
        let act = Act {
            factor: Some(Factor::Totp),
            network,
            idempotency: held.as_ref().map(|held| held.idempotency),
            ..Act::on(whom)
        };
        let outcome = self
            .person(&scene, act, move |scene, file| {
                let charged = match charge(scene, file, &Budget::TOTP, network.is_some()) {
                    Ok(charged) => charged,
                    Err(locked) => return locked.into(),
                };
                if !is_right(scene, file, &code) {
                    return refused(scene, file, Factor::Totp);
                }
                give_back(file, charged);
                let_in(scene, file, first.as_ref(), Proven::by(Factor::Totp), None)
            })
            .await?;
        self.answer(&scene, outcome)
    }
}

/// Judges the code and uses it up.
pub(super) fn is_right(scene: &Scene, file: &mut File, code: &SubmittedCode) -> bool {
    let Some(user) = active(file).map(|user| user.id) else { return false };
    let context = scene.context(user, "totp");
    let totp = file.user.as_mut().and_then(|user| user.profile.ways.totp.as_mut());
    let skew = scene.application.sign_in.totp_skew;
    match totp.map(|totp| totp.accept(&scene.ring, &context, code, scene.now, skew)) {
        Some(Ok(verdict)) => verdict == TotpVerdict::Right,
        Some(Err(error)) => {
            tracing::error!(user.id = %user, %error, "the seed of an authenticator does not open");
            false
        }
        None => false,
    }
}
