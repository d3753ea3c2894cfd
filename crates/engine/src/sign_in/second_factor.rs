//! The second way: which two ways are two, which of them a person holds, and asking for one anew before something sensitive.

use backstop_domain::{
    factor::{
        Factor,
        trusted_device::{Device, DeviceUse},
    },
    token::{
        Acr,
        mfa::{MfaPurpose, MfaToken},
        session::Session,
    },
    user::User,
};

use super::{Challenge, Proven, SignInError, Worth, needs_second};
use crate::{Engine, manage::Manager, people::Scene};

/// Whether `first` and `second` are two ways: not the same, not two things that one knows, and no code that is sent in the place of
/// one of the authenticator app where the application does not want that.
fn are_two(scene: &Scene, user: &User, first: Factor, second: Factor) -> bool {
    let is_known = |way| matches!(way, Factor::Password | Factor::Pin);
    match (first, second) {
        // As a second way a PIN comes with its device's key.
        (Factor::Pin, Factor::Password) => false,
        (Factor::Otp, other) | (other, Factor::Otp) if is_known(other) => {
            scene.application.sign_in.sms_backup || user.profile.ways.totp.is_none()
        }
        (first, second) => first != second,
    }
}

/// Whether a token that asks for one more way asks for this one.
pub(super) fn is_asked(scene: &Scene, user: &User, token: &MfaToken, way: Factor) -> bool {
    match (token.session, token.first) {
        // What would do beside a password: whoever needs two ways proves themselves anew by something that they have.
        (Some(_), _) => !needs_second(user) || are_two(scene, user, Factor::Password, way),
        (None, Some(first)) => are_two(scene, user, first, way),
        (None, None) => true,
    }
}

/// The ways that a person still has to go with this token, the usual ones first.
pub(super) fn asked(scene: &Scene, user: &User, token: &MfaToken) -> Vec<Factor> {
    let mut ways = held(scene, user);
    ways.retain(|way| is_asked(scene, user, token, *way));
    // To prove themselves again a person goes any way but the device alone.
    ways.retain(|way| token.session.is_none() || *way != Factor::TrustedDevice);
    ways
}

/// Adds a way to a session: beside one of another kind it makes it a session of two ways.
pub(crate) fn shown(scene: &Scene, user: &User, session: &mut Session, proven: &Proven) {
    let is_second = Factor::told_by(&session.amr).any(|before| are_two(scene, user, before, proven.factor));
    if proven.worth == Worth::Both || is_second {
        session.acr = Acr::Aal2;
    }
    for word in &proven.amr {
        if !session.amr.contains(word) {
            session.amr.push(word.clone());
        }
    }
}

/// What a person holds to be asked for. Of devices only those with a key: what lies in a browser's storage is no second way.
pub(super) fn held(scene: &Scene, user: &User) -> Vec<Factor> {
    let ways = &user.profile.ways;
    let lives = |device: &Device, how| device.public_key.is_some() && scene.now < device.good_until(how);
    let held = [
        (Factor::Totp, ways.totp.is_some()),
        (Factor::Passkey, ways.passkeys.as_ref().is_some_and(|passkeys| !passkeys.held().is_empty())),
        (Factor::Otp, user.confirmed().next().is_some()),
        (Factor::TrustedDevice, ways.devices.iter().any(|device| lives(device, DeviceUse::Alone))),
        (
            Factor::Pin,
            ways.devices.iter().any(|device| device.pin.is_some() && lives(device, DeviceUse::WithPin)),
        ),
        (Factor::BackupCode, ways.backup_codes.as_ref().is_some_and(|codes| codes.left() > 0)),
        (Factor::Password, ways.password.is_some()),
    ];
    held.into_iter().filter(|(_, held)| *held).map(|(factor, _)| factor).collect()
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
            first: None,
            amr: Vec::new(),
            purpose: MfaPurpose::StepUp,
            issued_at: scene.now,
            proof: None,
        };
        Ok(Challenge {
            expires_at: mfa.expires_at(),
            mfa_token: mfa.seal(&scene.ring, scene.application.id, scene.random.as_ref()),
            ways: asked(&scene, &found.0, &mfa),
        })
    }
}
