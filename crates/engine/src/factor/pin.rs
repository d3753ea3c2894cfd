//! Setting and removing the PIN of a trusted device.

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::{
        Factor,
        pin::{DevicePin, Pin},
        trusted_device::Device,
    },
    id::{DeviceId, UserId},
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{File, Whom},
    },
    recipient::Recipient,
    secret::SecretString,
};

use super::{bound, devices};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal, end_others},
    people::Act,
};

impl Engine {
    /// Sets the PIN of a device, or sets it again: its days and its wrong tries start afresh.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if the device is not trusted any more.
    pub async fn set_pin(
        &self,
        manager: &Manager,
        user: UserId,
        device: DeviceId,
        pin: &SecretString,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let found = self.may_begin(manager, &scene, user).await?;
        let trusted = found.profile.ways.devices.iter().any(|one| one.id == device && one.is_live(scene.now));
        if !trusted {
            return Err(ManageError::NotHeld);
        }
        let addresses = &found.profile.addresses;
        let opened: Vec<Recipient> =
            addresses.iter().filter_map(|address| found.open(&scene.ring, address).ok()).collect();
        let known: Vec<&str> = opened.iter().map(Recipient::expose).collect();
        let length = usize::from(scene.application.sign_in.pin_length);
        let pin = Pin::choose(pin.expose(), length, &known).map_err(|error| ManageError::of("pin", error))?;
        let (ring, random) = (scene.ring.clone(), scene.random.clone());
        let hash = self.compute(move || pin.hash(&ring, device, random.as_ref())).await?;
        let hash = hash.map_err(|error| StoreError::Internal(error.to_string()))?;
        let act = Act { factor: Some(Factor::Pin), ..Act::on(Whom::User(user)) };
        self.change(manager, &scene, act, move |scene, file| {
            let held = held(file, device)?;
            if !held.is_live(scene.now) {
                return Err(Refusal::NotHeld);
            }
            held.pin = Some(DevicePin::set(hash.clone(), scene.application.sign_in.pin_ttl, scene.now));
            bound(scene, file, Factor::Pin, EventKind::PinSet);
            Ok(())
        })
        .await
    }

    /// Takes the PIN of a device away, and the trust in the device with it; other devices stay as they are.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if there is none.
    pub async fn remove_pin(
        &self,
        manager: &Manager,
        user: UserId,
        device: DeviceId,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            held(file, device)?.pin.take().ok_or(Refusal::NotHeld)?;
            scene.record(file, EventKind::PinRemoved, EventResult::Done, None);
            devices::take(scene, file, device)?;
            let detail = Detail::default().with_factor(Factor::Pin.as_str());
            scene.notify(file, NoticeKind::FactorRemoved, detail);
            end_others(&by, scene, file);
            Ok(())
        })
        .await
    }
}

fn held(file: &mut File, device: DeviceId) -> Result<&mut Device, Refusal> {
    let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
    holder.profile.ways.devices.iter_mut().find(|one| one.id == device).ok_or(Refusal::NotHeld)
}
