//! Enrolling an authenticator app. A seed is shown once; it becomes the factor by its first right code, and until then the one
//! before it stays good.

use backstop_domain::{
    clock::Timestamp,
    code::SubmittedCode,
    event::EventKind,
    factor::{
        Factor, qr,
        totp::{ENROLMENT_LIFE, Totp, TotpConfirmation},
    },
    id::UserId,
    ports::{
        StoreError,
        store::{File, Whom},
    },
    secret::SecretString,
    user::User,
};

use super::{bound, not_the_last, removed, replaced, showed};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal},
    people::{Act, Scene},
};

/// A new seed, to be shown now and never again.
pub struct TotpEnrolled {
    /// In base32, for people who cannot scan.
    pub secret: SecretString,
    /// The `otpauth://` address that apps scan.
    pub uri: SecretString,
    /// The same as a picture; it holds the seed.
    pub qr_svg: String,
    /// The same as a picture; it holds the seed.
    pub qr_png: Vec<u8>,
    /// Until when the first code must have come.
    pub expires_at: Timestamp,
}

/// The pictures hold the seed.
impl std::fmt::Debug for TotpEnrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpEnrolled").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins to enrol an authenticator app. One that is in use stays in use.
    ///
    /// # Errors
    /// Says why nothing was begun.
    pub async fn enrol_totp(&self, manager: &Manager, user: UserId) -> Result<TotpEnrolled, ManageError> {
        let scene = self.manager_scene(manager);
        let found = self.may_begin(manager, &scene, user).await?;
        let context = scene.context(user, "totp");
        let (totp, secret) = Totp::enrol(&context, &scene.ring, scene.random.as_ref(), scene.now);
        let expires_at = totp.created_at + ENROLMENT_LIFE;
        let account = account(&scene, &found);
        let uri = secret.provisioning_uri(&scene.application.brand, &account);
        let unshown =
            |error| StoreError::Internal(format!("an otpauth address does not fit a QR code: {error}"));
        let (qr_svg, qr_png) = (qr::svg(&uri).map_err(unshown)?, qr::png(&uri).map_err(unshown)?);
        self.change(manager, &scene, Act::on(Whom::User(user)), move |_, file| {
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            holder.profile.ways.totp_enrolment = Some(totp.clone());
            Ok(())
        })
        .await?;
        Ok(TotpEnrolled { secret: secret.base32(), uri, qr_svg, qr_png, expires_at })
    }

    /// Takes an authenticator app into use by its first code.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if there is nothing to confirm, or its ten minutes are over.
    pub async fn confirm_totp(
        &self,
        manager: &Manager,
        user: UserId,
        code: SubmittedCode,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let act = Act { factor: Some(Factor::Totp), ..Act::on(Whom::User(user)) };
        let by = manager.clone();
        self.change(manager, &scene, act, move |scene, file| confirm(&by, scene, file, &code)).await
    }

    /// Takes the authenticator app away, and an enrolment with it.
    ///
    /// # Errors
    /// Says why it is still there.
    pub async fn remove_totp(&self, manager: &Manager, user: UserId) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            holder.profile.ways.totp_enrolment = None;
            holder.profile.ways.totp.take().ok_or(Refusal::NotHeld)?;
            not_the_last(&by, file)?;
            removed(&by, scene, file, Factor::Totp, EventKind::TotpRemoved);
            Ok(())
        })
        .await
    }
}

fn confirm(manager: &Manager, scene: &Scene, file: &mut File, code: &SubmittedCode) -> Result<(), Refusal> {
    let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
    let context = scene.context(holder.id, "totp");
    let mut totp = holder.profile.ways.totp_enrolment.take().ok_or(Refusal::NotHeld)?;
    let skew = scene.application.sign_in.totp_skew;
    match totp.confirm(&scene.ring, &context, code, scene.now, skew) {
        Ok(TotpConfirmation::Confirmed) => {}
        Ok(TotpConfirmation::Wrong) => return Err(Refusal::NotRight),
        Ok(TotpConfirmation::NotOpen) => return Err(Refusal::NotHeld),
        Err(error) => {
            tracing::error!(user.id = %holder.id, %error, "the seed of an enrolment does not open");
            return Err(Refusal::NotHeld);
        }
    }
    let before = holder.profile.ways.totp.replace(totp);
    showed(manager, scene, file, Factor::Totp);
    if before.is_some() {
        replaced(manager, scene, file);
    }
    bound(scene, file, Factor::Totp, EventKind::TotpEnrolled);
    Ok(())
}

/// What the person knows their account by: an address of theirs.
pub(super) fn account(scene: &Scene, user: &User) -> String {
    let address = user.confirmed().find_map(|address| user.open(&scene.ring, address).ok());
    address.map_or_else(|| user.id.to_string(), |address| address.expose().to_owned())
}
