//! Handing out offline grants: for a device with a key, on a fresh sign-in, told to the audit log.

use backstop_domain::{
    clock::Timestamp,
    event::{Event, EventKind},
    id::{DeviceId, UserId},
    offline::{self, Audience, GrantRefused, OfflineClaims},
    ports::{
        StoreError,
        store::{File, Whom},
    },
    secret::SecretString,
    token::jws,
    user::UserStatus,
};

use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal},
    people::{Act, Scene},
};

/// A grant to be used where there is no network.
#[derive(Debug)]
pub struct OfflineGrant {
    /// The token. Worth nothing without the device's key.
    pub token: SecretString,
    /// When it ends. Nothing ends it before.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Grants a person's device to be shown to `audience`.
    ///
    /// # Errors
    /// Says why there is no grant.
    pub async fn offline_grant(
        &self,
        manager: &Manager,
        user: UserId,
        device: DeviceId,
        audience: Audience,
    ) -> Result<OfflineGrant, ManageError> {
        let scene = self.manager_scene(manager);
        let issuer = self.issuer().to_owned();
        let claims = self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            grant(scene, file, &issuer, (device, &audience))
        });
        let claims = claims.await?;
        let unsigned = |error| StoreError::Internal(format!("a grant cannot be signed: {error}"));
        let token = jws::sign(&scene.ring, &claims).map_err(unsigned)?;
        Ok(OfflineGrant { token, expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)) })
    }
}

fn grant(
    scene: &Scene,
    file: &mut File,
    issuer: &str,
    (device, audience): (DeviceId, &Audience),
) -> Result<OfflineClaims, Refusal> {
    let holder = file.user.as_ref().ok_or(Denied::NotFound)?;
    if holder.status != UserStatus::Active {
        return Err(Refusal::Suspended);
    }
    let held = holder.profile.ways.devices.iter().find(|one| one.id == device).ok_or(Refusal::NotHeld)?;
    let (life, random) = (scene.application.sign_in.offline_grant_ttl, scene.random.as_ref());
    let claims = offline::grant(issuer, (holder.id, held), audience.clone(), life, scene.now, random);
    let claims = claims.map_err(|refused| match refused {
        GrantRefused::NoKey => Refusal::NoDeviceKey,
        GrantRefused::NotTrusted | GrantRefused::Life => Refusal::NotTrusted,
    })?;
    let event = Event::new(scene.now, EventKind::OfflineGranted, scene.actor.clone());
    scene.record_with(file, event.with_object(claims.jti.clone()));
    Ok(claims)
}
