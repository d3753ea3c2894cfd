//! Trusted devices: "remember this device", so that the next sign-in needs no code.
//!
//! A device proves itself by a secret [token](token) that it was given, or better by a signature of its own [key](key) over
//! a fresh [challenge](challenge). Trust ends 30 days after the strong sign-in that began it, however often it is used.
//! Neither token nor challenge is stored: both are MACs of the keyring, so a stolen database holds nothing to present.
//! What is stored is the number of the token in use, its generation. Each use can hand out another, with a number of its own;
//! the one in use stays good until one of those is first used, so an answer that got lost costs nothing. That one use ends
//! all that were handed out before it: of an owner and a thief who both go on, the second is noticed. Whoever presents an
//! ended one is a thief, or was robbed.
//!
//! Everything here changes one [`Device`] of a person that the store has locked, so of two racing uses one is the first.

pub mod challenge;
pub mod key;
mod name;
pub mod token;

#[cfg(test)]
mod tests;

pub use name::{DeviceName, ExternalDeviceId, InvalidDevice};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    challenge::{ChallengeRefused, DeviceChallenge, proof_message},
    key::DeviceKey,
    token::DeviceToken,
};
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    factor::pin::DevicePin,
    id::{DeviceId, UserId},
    keyring::Keyring,
    ports::Random,
};

/// How long a device is trusted after the strong sign-in.
pub const TRUST: Duration = Duration::from_secs(30 * 86_400);
/// How long a token stays good after a later one was used: for two honest uses at once.
pub const GRACE: Duration = Duration::from_secs(10);
/// The most devices of one person.
pub const MAX_DEVICES: usize = 20;

/// What a strong sign-in says of the device to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDevice {
    /// What the person calls it.
    pub name: DeviceName,
    /// What the application calls it, if it does.
    pub external_id: Option<ExternalDeviceId>,
    /// Its own key, if it has one.
    pub public_key: Option<DeviceKey>,
    /// The network it was seen in, masked.
    pub network: Option<String>,
}

/// A device that a person trusts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Names it.
    pub id: DeviceId,
    /// What the person calls it.
    pub name: DeviceName,
    /// What the application calls it, if it does.
    pub external_id: Option<ExternalDeviceId>,
    /// When it was remembered.
    pub created_at: Timestamp,
    /// From when on it needs a strong sign-in.
    pub trusted_until: Timestamp,
    /// When it last proved itself.
    pub last_seen_at: Timestamp,
    /// The network it was last seen in, masked.
    pub network: Option<String>,
    /// The generation of the token in use.
    pub generation: u32,
    /// The last generation that was handed out.
    pub handed_out: u32,
    /// What the first use of the token in use ended.
    pub superseded: Option<Superseded>,
    /// Its own key, if it has one.
    pub public_key: Option<DeviceKey>,
    /// When the last challenge that it answered was made. Only later ones count.
    pub last_challenge_at: Option<Timestamp>,
    /// Its PIN, if one is set.
    pub pin: Option<DevicePin>,
}

/// The tokens that ended at once: all of these generations but the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// When.
    pub at: Timestamp,
    /// The one that was in use before. Those before it had ended earlier.
    pub from: u32,
    /// The last one that had been handed out.
    pub to: u32,
}

/// What a device proves itself for, which says how long it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceUse {
    /// To sign in by itself: as long as it is trusted.
    Alone,
    /// Beside its PIN: as long as the PIN lives, if that is longer.
    WithPin,
}

/// What became of a token.
#[derive(Debug, Clone)]
pub enum Presented {
    /// It is the device.
    Good {
        /// The token to hand out. What was presented stays good until this is used.
        next: Option<DeviceToken>,
    },
    /// It was the device's, and a later one was used since: one of the two has it from the other. The caller forgets the
    /// device and raises an alert.
    Replayed,
    /// It is the device, and its days are over.
    Expired,
    /// It was never ours, or is another device's. Nothing changed.
    Forged,
}

/// Why a signature proves nothing. Towards the public all are alike. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    /// The device has no key.
    #[error("the device has no key")]
    NoKey,
    /// The challenge is not one to answer now.
    #[error(transparent)]
    Challenge(#[from] ChallengeRefused),
    /// This or a later challenge was answered before.
    #[error("this or a later challenge was answered before")]
    Used,
    /// The key did not make the signature over this challenge, device and person.
    #[error("the signature is not the device key's")]
    Signature,
    /// It is the device, and its days are over.
    #[error("the device is no longer trusted")]
    Expired,
}

impl Device {
    /// Remembers a device after a strong sign-in at `now`, for `life`.
    pub fn remember(new: NewDevice, life: Duration, now: Timestamp, random: &dyn Random) -> Self {
        Self {
            id: DeviceId::new(now, random),
            name: new.name,
            external_id: new.external_id,
            created_at: now,
            trusted_until: now + life,
            last_seen_at: now,
            network: new.network,
            generation: 0,
            handed_out: 0,
            superseded: None,
            public_key: new.public_key,
            last_challenge_at: None,
            pin: None,
        }
    }

    /// The token of the generation in use, to hand out when the device is remembered.
    pub fn token(&self, ring: &Keyring, owner: (ApplicationId, UserId)) -> DeviceToken {
        DeviceToken::issue(ring, owner.0, owner.1, self.id, self.generation)
    }

    /// Until when it can prove itself for this.
    pub fn good_until(&self, how: DeviceUse) -> Timestamp {
        match (how, &self.pin) {
            (DeviceUse::WithPin, Some(pin)) => self.trusted_until.max(pin.expires_at),
            _ => self.trusted_until,
        }
    }

    /// Whether the device can still prove itself for anything.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.good_until(DeviceUse::WithPin)
    }

    /// Judges a token that was presented for this device of `owner`. With `rotate` a good one is answered by another.
    ///
    /// Good are the one in use and those handed out since its first use. One with a number that we do not remember is
    /// possible only after the store was put back to an older state; we made it, so it is good too.
    pub fn present(
        &mut self,
        ring: &Keyring,
        owner: (ApplicationId, UserId),
        token: &DeviceToken,
        how: DeviceUse,
        now: Timestamp,
        rotate: bool,
    ) -> Presented {
        let ours = token.user() == owner.1 && token.device() == self.id;
        if !ours || !token.is_genuine(ring, owner.0) {
            return Presented::Forged;
        }
        let presented = token.generation();
        let fresh = presented > self.superseded.map_or(self.generation, |ended| ended.to);
        let just_ended = |ended: Superseded| presented >= ended.from && now.since(ended.at) <= GRACE;
        if presented != self.generation && !fresh && !self.superseded.is_some_and(just_ended) {
            return Presented::Replayed;
        }
        if now >= self.good_until(how) {
            return Presented::Expired;
        }
        if fresh {
            self.handed_out = self.handed_out.max(presented);
            self.superseded = Some(Superseded { at: now, from: self.generation, to: self.handed_out });
            self.generation = presented;
        }
        self.last_seen_at = self.last_seen_at.max(now);
        let next = if rotate { self.handed_out.checked_add(1) } else { None };
        self.handed_out = next.unwrap_or(self.handed_out);
        let issue = |generation| DeviceToken::issue(ring, owner.0, owner.1, self.id, generation);
        Presented::Good { next: next.map(issue) }
    }

    /// Judges a signature of the device's key over [`proof_message`]. Each challenge counts once, and none after a later
    /// one did; one that failed is not used up, so nobody else can use up a person's.
    ///
    /// # Errors
    /// [`ProofRefused`].
    pub fn prove(
        &mut self,
        ring: &Keyring,
        owner: (ApplicationId, UserId),
        (challenge, signature): (&DeviceChallenge, &[u8]),
        how: DeviceUse,
        now: Timestamp,
    ) -> Result<(), ProofRefused> {
        let key = self.public_key.as_ref().ok_or(ProofRefused::NoKey)?;
        challenge.judge(ring, owner.0, self.id, now)?;
        if self.last_challenge_at.is_some_and(|last| challenge.issued_at() <= last) {
            return Err(ProofRefused::Used);
        }
        if !key.verify(&proof_message(challenge, self.id, owner.1), signature) {
            return Err(ProofRefused::Signature);
        }
        if now >= self.good_until(how) {
            return Err(ProofRefused::Expired);
        }
        self.last_challenge_at = Some(challenge.issued_at());
        self.last_seen_at = self.last_seen_at.max(now);
        Ok(())
    }
}

/// Adds a device to those of a person and returns the ones that go: those whose days are over, the one that the application
/// calls the same, and past [`MAX_DEVICES`] the one that was not seen for longest.
pub fn keep(devices: &mut Vec<Device>, device: Device, now: Timestamp) -> Vec<Device> {
    let replaced = |old: &Device| old.external_id.is_some() && old.external_id == device.external_id;
    let mut gone: Vec<Device> = devices.extract_if(.., |old| !old.is_live(now) || replaced(old)).collect();
    while devices.len() >= MAX_DEVICES
        && let Some(place) = (0..devices.len()).min_by_key(|place| devices[*place].last_seen_at)
    {
        gone.push(devices.remove(place));
    }
    devices.push(device);
    gone
}
