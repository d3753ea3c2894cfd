//! Signing in with a device and its PIN: both are needed, and without the device no PIN is looked at.
//!
//! Two acts with the slow hash between them. The first has the device prove itself and charges the try; the second has it prove
//! itself again, which uses a signature up, and judges the PIN. So of two tries with one signature one counts, and both are charged.
//! That a PIN is locked is told to whoever proved the device, and to nobody else.

use std::sync::Arc;

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::{
        Factor,
        pin::{Pin, PinHash, PinVerdict},
        tries::Budget,
        trusted_device::DeviceUse,
    },
    id::DeviceId,
    notice::{Detail, NoticeKind},
    ports::store::{File, Once},
    secret::SecretString,
    user::User,
};

use super::{
    Charged, DeviceSignIn, Outcome, Proven, SignInError, SignedIn, Worth, charge, charge_network,
    device::{Judged, Shown},
    give_back, let_in, refused,
};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// What a slow hash said, and of which one.
struct Verdict {
    against: Option<PinHash>,
    right: bool,
}

impl Engine {
    /// Signs in with a trusted device and its PIN.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_pin(
        self: &Arc<Self>,
        caller: &Caller,
        request: DeviceSignIn,
        pin: SecretString,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let pin = Pin::parse(pin.expose())
            .map_err(|_| SignInError::OutOfBounds { field: "pin", problem: "must be 4 to 6 digits" })?;
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let shown = self.shown(&scene, request, Factor::Pin)?;
        let network = self.network_hash(caller.network);
        let act =
            |idempotency| Act { factor: Some(Factor::Pin), network, idempotency, ..Act::on(shown.whom) };
        let asking = shown.clone();
        let charged = self.person(
            &scene,
            act(Held::beside(held.as_ref(), &scene.ring, "a guess")),
            move |scene, file| ask(scene, file, &asking, network.is_some()),
        );
        let charged = match charged.await? {
            Once::OtherBody => return Err(SignInError::OtherBody),
            Once::Done(Ok(charged)) | Once::Before(Ok(charged)) => charged,
            Once::Done(Err(other)) | Once::Before(Err(other)) => {
                return self.answer(&scene, Once::Done(other));
            }
        };
        let found = self.noting(self.store.find(scene.application.id, shown.whom).await)?;
        let against = found.as_ref().and_then(|user| stored(user, shown.device)).cloned();
        let (ring, random, device) = (scene.ring.clone(), self.random.clone(), shown.device);
        let verdict = self.compute(move || {
            let right = match &against {
                Some(hash) => hash.verify(&ring, device, &pin),
                // Where there is none, hashing takes as long as trying.
                None => pin.hash(&ring, device, random.as_ref()).is_err(),
            };
            Verdict { right: right && against.is_some(), against }
        });
        let verdict = verdict.await?;
        let act = act(Held::of(held.as_ref()));
        let outcome =
            self.person(&scene, act, move |scene, file| conclude(scene, file, &shown, &verdict, charged));
        self.answer(&scene, outcome.await?)
    }
}

fn stored(user: &User, device: DeviceId) -> Option<&PinHash> {
    let device = user.profile.ways.devices.iter().find(|one| one.id == device)?;
    device.pin.as_ref().map(|pin| &pin.hash)
}

/// Charges a try, if the device proves itself. Its proof is not used up yet.
fn ask(scene: &Scene, file: &mut File, shown: &Shown, from: bool) -> Result<Charged, Outcome> {
    let unused = file.user.clone();
    let judged = shown.judge(scene, file, DeviceUse::WithPin);
    file.user = unused;
    if let Judged::Genuine { .. } = judged {
        return charge(scene, file, &Budget::PIN, from).map_err(Outcome::from);
    }
    charge_network(scene, file, from)?;
    if judged == Judged::Replayed {
        shown.forget(scene, file);
    }
    Err(refused(scene, file, Factor::Pin))
}

fn conclude(scene: &Scene, file: &mut File, shown: &Shown, verdict: &Verdict, charged: Charged) -> Outcome {
    let next = match shown.judge(scene, file, DeviceUse::WithPin) {
        Judged::Genuine { next } => next,
        Judged::Replayed => {
            shown.forget(scene, file);
            return refused(scene, file, Factor::Pin);
        }
        Judged::Expired | Judged::Not => return refused(scene, file, Factor::Pin),
    };
    match judge(scene, file, shown.device, verdict) {
        Some(PinVerdict::Right) => {
            give_back(file, charged);
            let mut proven = Proven { device: Some(shown.device), ..Proven::by(Factor::Pin) };
            if shown.by_key() {
                proven.worth = Worth::Both;
                proven.amr.extend(Proven::by(Factor::TrustedDevice).amr);
            }
            shown.hand_out(next, let_in(scene, file, shown.first.as_ref(), proven, None))
        }
        Some(PinVerdict::Locked { until }) => Outcome::Locked { until: Some(until) },
        Some(PinVerdict::Disabled) => Outcome::Locked { until: None },
        Some(PinVerdict::Wrong { .. } | PinVerdict::Expired) | None => refused(scene, file, Factor::Pin),
    }
}

/// Judges the PIN and counts the try; tells of it if that locked it. `None`: there is none, or it was set anew meanwhile.
fn judge(scene: &Scene, file: &mut File, device: DeviceId, verdict: &Verdict) -> Option<PinVerdict> {
    let device = file.user.as_mut()?.profile.ways.devices.iter_mut().find(|one| one.id == device)?;
    let name = device.name.as_str().to_owned();
    let pin = device.pin.as_mut().filter(|pin| Some(&pin.hash) == verdict.against.as_ref())?;
    let failures = pin.failures_in_all;
    let judged = pin.judge(verdict.right, scene.now);
    let locks = matches!(judged, PinVerdict::Locked { .. } | PinVerdict::Disabled);
    if locks && pin.failures_in_all > failures {
        scene.record(file, EventKind::PinLocked, EventResult::Done, None);
        let detail = Detail::default().with_factor(Factor::Pin.as_str()).with_device(&name);
        scene.notify(file, NoticeKind::SignInLocked, detail);
    }
    Some(judged)
}
