//! Signing in with a device that was remembered: by the token that it keeps, or by a signature of its own key.
//!
//! A token names its person and a challenge its device, both under a MAC of ours, so what we did not make is refused before anything
//! is loaded or charged. A token that was replaced is a copy for certain: the device is forgotten, its sessions end, and the person
//! hears of it. A token alone skips a code; it is neither of two ways, nor a fresh proof of somebody who is signed in.

use std::sync::Arc;

use backstop_domain::{
    clock::Timestamp,
    event::{EventKind, EventResult},
    factor::{
        BARE_DEVICE, Factor,
        tries::Budget,
        trusted_device::{
            DeviceUse, ExternalDeviceId, Presented, challenge::DeviceChallenge, token::DeviceToken,
        },
    },
    id::DeviceId,
    keyring::LookupHash,
    notice::{Detail, NoticeKind},
    ports::store::{File, Whom},
    secret::SecretString,
    token::{mfa::MfaToken, session::EndReason},
};

use super::{
    Knock, Outcome, Proven, SignInError, SignedIn, Worth, active, charge, charge_network, give_back, let_in,
    refused, tokens,
};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// A challenge for a device to sign.
#[derive(Debug, Clone)]
pub struct DeviceChallengeReport {
    /// The challenge.
    pub challenge: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

/// A device that shows itself.
#[derive(Debug, Clone)]
pub struct DeviceSignIn {
    /// Whose it says it is. A token says so itself; both must agree.
    pub knock: Option<Knock>,
    /// What the application calls the device, if it says so.
    pub external_id: Option<ExternalDeviceId>,
    /// The proof.
    pub proof: DeviceProof,
    /// Whether to answer with the next token.
    pub rotate: bool,
}

/// How a device proves itself.
#[derive(Debug, Clone)]
pub enum DeviceProof {
    /// By the token that it was given.
    Token(SecretString),
    /// By its key.
    Signature {
        /// Which device.
        device: DeviceId,
        /// The challenge that was signed.
        challenge: String,
        /// The signature of the device's key.
        signature: Vec<u8>,
    },
}

/// A proof that is in form: its token or challenge is one of ours.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) whom: Whom,
    pub(super) first: Option<MfaToken>,
    pub(super) device: DeviceId,
    address: Option<LookupHash>,
    external_id: Option<ExternalDeviceId>,
    proof: Proof,
    rotate: bool,
}

#[derive(Debug, Clone)]
enum Proof {
    Token(DeviceToken),
    Signature(DeviceChallenge, Vec<u8>),
}

/// What a device showed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// The person's own, with the generation of the next token.
    Genuine { next: Option<u32> },
    /// A copy, or robbed of its token.
    Replayed,
    /// The person's own, and its trust has ended.
    Expired,
    /// None of theirs.
    Not,
}

impl Shown {
    /// Whether the device shows its own key.
    pub(super) fn by_key(&self) -> bool {
        matches!(self.proof, Proof::Signature(..))
    }

    /// Whether the person holds such a device.
    pub(super) fn is_held(&self, file: &File) -> bool {
        active(file)
            .is_some_and(|user| user.profile.ways.devices.iter().any(|device| device.id == self.device))
    }

    /// Judges the proof and writes down that it was used.
    pub(super) fn judge(&self, scene: &Scene, file: &mut File, how: DeviceUse) -> Judged {
        if active(file).is_none() {
            return Judged::Not;
        }
        let Some(user) = &mut file.user else { return Judged::Not };
        let owner = (scene.application.id, user.id);
        if self.address.is_some_and(|hash| !user.confirmed().any(|address| address.hash == hash)) {
            return Judged::Not;
        }
        let device = user.profile.ways.devices.iter_mut().find(|device| device.id == self.device);
        let Some(device) = device else { return Judged::Not };
        if self.external_id.is_some() && self.external_id != device.external_id {
            return Judged::Not;
        }
        match &self.proof {
            Proof::Token(token) => {
                match device.present(&scene.ring, owner, token, how, scene.now, self.rotate) {
                    Presented::Good { next } => Judged::Genuine { next: next.map(|next| next.generation()) },
                    Presented::Replayed => Judged::Replayed,
                    Presented::Expired => Judged::Expired,
                    Presented::Forged => Judged::Not,
                }
            }
            Proof::Signature(challenge, signature) => {
                let proven = device.prove(&scene.ring, owner, (challenge, signature), how, scene.now);
                if proven.is_ok() { Judged::Genuine { next: None } } else { Judged::Not }
            }
        }
    }

    /// Forgets a device whose token is in two hands.
    pub(super) fn forget(&self, scene: &Scene, file: &mut File) {
        let Some(user) = &mut file.user else { return };
        let gone = user.profile.ways.devices.extract_if(.., |device| device.id == self.device).next();
        let Some(gone) = gone else { return };
        scene.record(file, EventKind::DeviceReplayed, EventResult::Done, None);
        let id = gone.id.to_string();
        tokens::end(scene, file, |session| session.device.as_deref() == Some(&id), EndReason::Reuse);
        let detail = Detail::default().with_device(gone.name.as_str());
        scene.notify(file, NoticeKind::DeviceReplayed, detail);
    }

    /// Adds the next token's generation to an answer that lets in.
    pub(super) fn hand_out(&self, next: Option<u32>, mut outcome: Outcome) -> Outcome {
        if let (Outcome::In { device, .. }, Some(next)) = (&mut outcome, next) {
            *device = Some((self.device, next));
        }
        outcome
    }
}

impl Engine {
    /// A challenge for a device, whether or not there is such a device.
    pub fn device_challenge(&self, caller: &Caller, device: DeviceId) -> DeviceChallengeReport {
        let (ring, now) = (self.keyring(), self.clock.now());
        let application = caller.application.id;
        let challenge = DeviceChallenge::issue(&ring, application, device, now, self.random.as_ref());
        DeviceChallengeReport { expires_at: challenge.expires_at(), challenge: challenge.to_string() }
    }

    /// Signs in with a trusted device.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_device(
        self: &Arc<Self>,
        caller: &Caller,
        request: DeviceSignIn,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let shown = self.shown(&scene, request, Factor::TrustedDevice)?;
        if shown.first.as_ref().is_some_and(|first| first.session.is_some()) {
            return Err(SignInError::Refused);
        }
        let network = self.network_hash(caller.network);
        let act = Act {
            factor: Some(Factor::TrustedDevice),
            network,
            idempotency: Held::of(held.as_ref()),
            ..Act::on(shown.whom)
        };
        let outcome =
            self.person(&scene, act, move |scene, file| sign_in(scene, file, &shown, network.is_some()));
        self.answer(&scene, outcome.await?)
    }

    /// Reads what a device shows. What is none of ours is refused here, and charged to nobody.
    pub(super) fn shown(
        &self,
        scene: &Scene,
        request: DeviceSignIn,
        way: Factor,
    ) -> Result<Shown, SignInError> {
        let knocked = request.knock.as_ref().map(|knock| self.whom(scene, knock, Some(way))).transpose()?;
        let (application, ring) = (scene.application.id, &scene.ring);
        let address = match knocked {
            Some((Whom::Address(hash), _)) => Some(hash),
            _ => None,
        };
        let (whom, device, proof) = match request.proof {
            DeviceProof::Token(text) => {
                let token = DeviceToken::parse(text.expose()).map_err(|_| SignInError::Refused)?;
                // Where a first way was gone before, a token is not enough for a second.
                let is_second = knocked.as_ref().is_some_and(|(_, first)| first.is_some());
                if is_second || !token.is_genuine(ring, application) {
                    return Err(SignInError::Refused);
                }
                (Whom::User(token.user()), token.device(), Proof::Token(token))
            }
            DeviceProof::Signature { device, challenge, signature } => {
                let challenge = DeviceChallenge::parse(&challenge).map_err(|_| SignInError::Refused)?;
                challenge.judge(ring, application, device, scene.now).map_err(|_| SignInError::Refused)?;
                let Some((whom, _)) = knocked else {
                    return Err(SignInError::OutOfBounds {
                        field: "phone",
                        problem: "a signature says which device, not whose: give phone, email or mfa_token",
                    });
                };
                (whom, device, Proof::Signature(challenge, signature))
            }
        };
        let first = knocked.and_then(|(_, first)| first);
        Ok(Shown {
            whom,
            first,
            device,
            address,
            external_id: request.external_id,
            proof,
            rotate: request.rotate,
        })
    }
}

fn sign_in(scene: &Scene, file: &mut File, shown: &Shown, from: bool) -> Outcome {
    if !shown.is_held(file) {
        // Nobody can use up the tries of a person by devices that they do not hold.
        return match charge_network(scene, file, from) {
            Ok(_) => refused(scene, file, Factor::TrustedDevice),
            Err(locked) => locked.into(),
        };
    }
    let charged = match charge(scene, file, &Budget::TRUSTED_DEVICE, from) {
        Ok(charged) => charged,
        Err(locked) => return locked.into(),
    };
    match shown.judge(scene, file, DeviceUse::Alone) {
        Judged::Genuine { next } => {
            give_back(file, charged);
            let mut proven = Proven { device: Some(shown.device), ..Proven::by(Factor::TrustedDevice) };
            if !shown.by_key() {
                proven.worth = Worth::None;
                proven.amr = vec![BARE_DEVICE.to_owned()];
            }
            shown.hand_out(next, let_in(scene, file, shown.first.as_ref(), proven, None))
        }
        Judged::Replayed => {
            shown.forget(scene, file);
            refused(scene, file, Factor::TrustedDevice)
        }
        Judged::Expired => {
            // No guess: an app that shows it again and again must not shut the person's other devices out.
            give_back(file, charged);
            refused(scene, file, Factor::TrustedDevice)
        }
        Judged::Not => refused(scene, file, Factor::TrustedDevice),
    }
}
