//! Listing and revoking trusted devices. A device becomes one at a sign-in, never here.

use backstop_domain::{
    clock::Timestamp,
    event::{Event, EventKind},
    factor::{
        Factor,
        trusted_device::{Device, DeviceName, ExternalDeviceId},
    },
    id::{DeviceId, UserId},
    notice::{Detail, NoticeKind},
    ports::store::{File, Whom},
};

use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal, end_others},
    people::{Act, Scene},
};

/// A trusted device as its person reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceReport {
    /// Names it.
    pub id: DeviceId,
    /// What the person calls it.
    pub name: DeviceName,
    /// What the application calls it.
    pub external_id: Option<ExternalDeviceId>,
    /// When it was remembered.
    pub created_at: Timestamp,
    /// From when on it needs a strong sign-in.
    pub trusted_until: Timestamp,
    /// When it last proved itself.
    pub last_seen_at: Timestamp,
    /// The network it was last seen in, masked.
    pub network: Option<String>,
    /// Whether it proves itself by a key of its own.
    pub has_key: bool,
    /// Whether it can still prove itself for anything.
    pub is_live: bool,
    /// Its PIN, if one is set.
    pub pin: Option<PinReport>,
}

/// A PIN as its person reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinReport {
    /// When it was set.
    pub set_at: Timestamp,
    /// From when on it must be set again.
    pub expires_at: Timestamp,
    /// Until when it is locked, if it is.
    pub locked_until: Option<Timestamp>,
}

impl DeviceReport {
    fn of(device: &Device, now: Timestamp) -> Self {
        Self {
            id: device.id,
            name: device.name.clone(),
            external_id: device.external_id.clone(),
            created_at: device.created_at,
            trusted_until: device.trusted_until,
            last_seen_at: device.last_seen_at,
            network: device.network.clone(),
            has_key: device.public_key.is_some(),
            is_live: device.is_live(now),
            pin: device.pin.as_ref().map(|pin| PinReport {
                set_at: pin.set_at,
                expires_at: pin.expires_at,
                locked_until: pin.locked_until.filter(|until| *until > now),
            }),
        }
    }
}

impl Engine {
    /// The devices that a person trusts, oldest first.
    ///
    /// # Errors
    /// Says why they cannot be read.
    pub async fn devices(&self, manager: &Manager, user: UserId) -> Result<Vec<DeviceReport>, ManageError> {
        let (found, now) = (self.seen(manager, user).await?, self.clock.now());
        Ok(found.profile.ways.devices.iter().map(|device| DeviceReport::of(device, now)).collect())
    }

    /// Trusts a device no more, on every node from the next call on.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if there is no such device.
    pub async fn revoke_device(
        &self,
        manager: &Manager,
        user: UserId,
        device: DeviceId,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            let gone = take(scene, file, device)?;
            let detail = Detail::default().with_factor(Factor::TrustedDevice.as_str());
            scene.notify(file, NoticeKind::FactorRemoved, detail.with_device(gone.name.as_str()));
            end_others(&by, scene, file);
            Ok(())
        })
        .await
    }
}

/// Takes a device from whoever trusts it.
pub(super) fn take(scene: &Scene, file: &mut File, device: DeviceId) -> Result<Device, Refusal> {
    let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
    let devices = &mut holder.profile.ways.devices;
    let place = devices.iter().position(|one| one.id == device).ok_or(Refusal::NotHeld)?;
    let gone = devices.remove(place);
    let event = Event::new(scene.now, EventKind::DeviceRevoked, scene.actor.clone());
    scene.record_with(file, event.with_object(gone.id.to_string()));
    Ok(gone)
}
