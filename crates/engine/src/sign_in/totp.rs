//! Signing in with a code of an authenticator app.

use std::sync::Arc;

use backstop_domain::{
    code::SubmittedCode,
    factor::{Factor, totp::TotpVerdict, tries::Budget},
    ports::store::File,
};

use super::{Knock, SignInError, SignedIn, active};
use crate::{Caller, Engine, IdempotencyKey, people::Scene};

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
        let judge = move |scene: &Scene, file: &mut File| is_right(scene, file, &code);
        self.sign_in_guessed(caller, knock, (Factor::Totp, &Budget::TOTP), judge, key).await
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
