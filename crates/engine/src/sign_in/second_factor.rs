//! The second way: which ones a person holds, and asking for one anew before something sensitive.

use backstop_domain::{
    factor::{
        Factor,
        trusted_device::{Device, DeviceUse},
    },
    token::mfa::{MfaPurpose, MfaToken},
    user::User,
};

use super::{Challenge, SignInError};
use crate::{Engine, manage::Manager, people::Scene};

/// The ways of a person that are other than the first, the usual ones first. Of devices only those with a key: what lies in a
/// browser's storage skips a code and is no second way.
pub(super) fn ways(scene: &Scene, user: &User, first: Option<Factor>) -> Vec<Factor> {
    let ways = &user.profile.ways;
    let lives = |device: &Device, how| device.public_key.is_some() && scene.now < device.good_until(how);
    let has_phone = user.confirmed().any(|address| address.phone);
    let held = [
        (Factor::Totp, ways.totp.is_some()),
        (Factor::Passkey, ways.passkeys.as_ref().is_some_and(|passkeys| !passkeys.held().is_empty())),
        (
            Factor::Otp,
            user.confirmed().next().is_some() && (scene.application.sign_in.sms_backup || !has_phone),
        ),
        (Factor::TrustedDevice, ways.devices.iter().any(|device| lives(device, DeviceUse::Alone))),
        (
            Factor::Pin,
            ways.devices.iter().any(|device| device.pin.is_some() && lives(device, DeviceUse::WithPin)),
        ),
        (Factor::BackupCode, ways.backup_codes.as_ref().is_some_and(|codes| codes.left() > 0)),
        (Factor::Password, ways.password.is_some()),
    ];
    held.into_iter()
        .filter(|(factor, held)| *held && Some(*factor) != first)
        .map(|(factor, _)| factor)
        .collect()
}

impl Engine {
    /// Asks a signed-in person for a way in once more: the session is fresh again after it.
    ///
    /// # Errors
    /// If the session has ended.
    pub async fn step_up(&self, manager: &Manager) -> Result<Challenge, SignInError> {
        let scene = self.manager_scene(manager);
        let (user, session) = manager.session().ok_or(SignInError::Refused)?;
        let found = self.live_session(&scene, user, session).await?.ok_or(SignInError::Refused)?;
        let mfa = MfaToken {
            user: found.0.id,
            session: Some(session),
            first: String::new(),
            amr: Vec::new(),
            purpose: MfaPurpose::StepUp,
            issued_at: scene.now,
            proof: None,
        };
        // Every way that they hold may do it, but for a device alone.
        let held = ways(&scene, &found.0, Some(Factor::TrustedDevice));
        Ok(Challenge {
            expires_at: mfa.expires_at(),
            mfa_token: mfa.seal(&scene.ring, scene.application.id, scene.random.as_ref()),
            ways: held,
        })
    }
}
