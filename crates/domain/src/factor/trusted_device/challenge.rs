//! What a device with a key signs to prove itself: fresh, bound to it, and good once.
//!
//! A challenge is `dc_` and 96 characters: 160 random bits, when it was made, and a MAC over that, the application and the
//! device. Nothing is stored when one is made, and one for a device that does not exist looks like any other. That it counts
//! only once is remembered by the device itself: it answers no challenge as old as the last one it answered.

use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{CROCKFORD, DeviceId, UserId},
    keyring::Keyring,
    ports::Random,
};

/// How long a challenge can be answered.
pub const LIFE: Duration = Duration::from_secs(300);
/// How far the clocks of two nodes that are ready may be apart.
const SKEW: Duration = Duration::from_secs(5);

const PREFIX: &str = "dc_";
const NONCE: usize = 20;
const MAC: usize = 32;
/// Nonce, time, MAC: 60 bytes are 96 characters without a bit to spare.
const BYTES: usize = NONCE + 8 + MAC;
const CHARACTERS: usize = BYTES * 8 / 5;

/// A challenge. It is no secret. One that was [parsed](DeviceChallenge::parse) only claims to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChallenge {
    nonce: [u8; NONCE],
    issued_at: Timestamp,
    mac: [u8; MAC],
}

/// The text cannot be a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a device challenge")]
pub struct InvalidChallenge;

/// Why a challenge is not one to answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeRefused {
    /// We did not make it for this application and device.
    #[error("the challenge was not made for this device")]
    Foreign,
    /// It was made too long ago, or by a clock that ran ahead.
    #[error("the challenge is over")]
    Over,
}

impl DeviceChallenge {
    /// Makes a challenge for a device. For one that does not exist, make one for a random id.
    pub fn issue(
        ring: &Keyring,
        application: ApplicationId,
        device: DeviceId,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        Self { nonce, issued_at: now, mac: mac(ring, application, device, &nonce, now) }
    }

    /// Reads a challenge.
    ///
    /// # Errors
    /// [`InvalidChallenge`] if none is spelled like this.
    pub fn parse(text: &str) -> Result<Self, InvalidChallenge> {
        let body =
            text.strip_prefix(PREFIX).filter(|body| body.len() == CHARACTERS).ok_or(InvalidChallenge)?;
        let mut bytes = [0; BYTES];
        CROCKFORD.decode_mut(body.as_bytes(), &mut bytes).map_err(|_| InvalidChallenge)?;
        Self::from_bytes(&bytes).ok_or(InvalidChallenge)
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Option<Self> {
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let (millis, rest) = rest.split_first_chunk::<8>()?;
        let issued_at = Timestamp::from_millis(i64::from_be_bytes(*millis));
        Some(Self { nonce: *nonce, issued_at, mac: rest.try_into().ok()? })
    }

    /// When it claims to have been made.
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Until when it can be answered.
    pub fn expires_at(&self) -> Timestamp {
        self.issued_at + LIFE
    }

    /// Whether it is one to answer at `now` by this device.
    ///
    /// # Errors
    /// [`ChallengeRefused`].
    pub fn judge(
        &self,
        ring: &Keyring,
        application: ApplicationId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<(), ChallengeRefused> {
        let ours = mac(ring, application, device, &self.nonce, self.issued_at);
        if !bool::from(self.mac.ct_eq(&ours)) {
            return Err(ChallengeRefused::Foreign);
        }
        let fresh = now < self.expires_at() && self.issued_at <= now + SKEW;
        if fresh { Ok(()) } else { Err(ChallengeRefused::Over) }
    }
}

impl std::fmt::Display for DeviceChallenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; BYTES];
        bytes[..NONCE].copy_from_slice(&self.nonce);
        bytes[NONCE..NONCE + 8].copy_from_slice(&self.issued_at.as_millis().to_be_bytes());
        bytes[NONCE + 8..].copy_from_slice(&self.mac);
        write!(f, "{PREFIX}{}", CROCKFORD.encode(&bytes))
    }
}

fn mac(
    ring: &Keyring,
    application: ApplicationId,
    device: DeviceId,
    nonce: &[u8; NONCE],
    issued_at: Timestamp,
) -> [u8; MAC] {
    let parts: [&[u8]; 4] =
        [&application.0.to_be_bytes(), device.as_bytes(), nonce, &issued_at.as_millis().to_be_bytes()];
    ring.token_mac("device challenge v1", &parts)
}

/// What the device signs: four lines without a line break at the end, in UTF-8. None of them can hold a line break, so no
/// two proofs share their bytes.
///
/// ```text
/// backstop device proof v1
/// dc_… the challenge as it was given
/// dev_… the device
/// usr_… the person
/// ```
pub fn proof_message(challenge: &DeviceChallenge, device: DeviceId, user: UserId) -> Vec<u8> {
    format!("backstop device proof v1\n{challenge}\n{device}\n{user}").into_bytes()
}
