//! The secret that a remembered device keeps: `dt_` and 128 characters.
//!
//! It says in the clear whose device it is and of which generation, so it is looked up without an index, and it ends in a
//! MAC of 256 bits over that and the application. It is stored nowhere. Whoever changes a character has garbage; whoever
//! has an older one has it for certain from us.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    application::ApplicationId,
    id::{self, CROCKFORD, DeviceId, UserId},
    keyring::Keyring,
    secret::SecretString,
};

const PREFIX: &str = "dt_";
const MAC: usize = 32;
/// User, device, generation, MAC: 80 bytes are 128 characters without a bit to spare, so each token has one spelling.
const BYTES: usize = 2 * id::BYTES + 4 + MAC;
const CHARACTERS: usize = BYTES * 8 / 5;

/// A device's token. Never prints, is wiped on drop. One that was [parsed](DeviceToken::parse) only claims to be genuine.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DeviceToken {
    #[zeroize(skip)]
    user: UserId,
    #[zeroize(skip)]
    device: DeviceId,
    generation: u32,
    mac: [u8; MAC],
}

/// The text cannot be a device token. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a device token")]
pub struct InvalidDeviceToken;

impl DeviceToken {
    /// Makes the token of one generation: always the same.
    pub fn issue(
        ring: &Keyring,
        application: ApplicationId,
        user: UserId,
        device: DeviceId,
        generation: u32,
    ) -> Self {
        let parts: [&[u8]; 4] =
            [&application.0.to_be_bytes(), user.as_bytes(), device.as_bytes(), &generation.to_be_bytes()];
        Self { user, device, generation, mac: ring.token_mac("device token v1", &parts) }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`InvalidDeviceToken`] if no token is spelled like this; nothing is to be charged then.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceToken> {
        let body =
            text.strip_prefix(PREFIX).filter(|body| body.len() == CHARACTERS).ok_or(InvalidDeviceToken)?;
        let mut bytes = [0; BYTES];
        CROCKFORD.decode_mut(body.as_bytes(), &mut bytes).map_err(|_| InvalidDeviceToken)?;
        let token = Self::from_bytes(&bytes).ok_or(InvalidDeviceToken);
        bytes.zeroize();
        token
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Option<Self> {
        let (user, rest) = bytes.split_first_chunk::<{ id::BYTES }>()?;
        let (device, rest) = rest.split_first_chunk::<{ id::BYTES }>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            user: UserId::from_bytes(*user),
            device: DeviceId::from_bytes(*device),
            generation: u32::from_be_bytes(*generation),
            mac: rest.try_into().ok()?,
        })
    }

    /// The text to hand to the device.
    pub fn expose(&self) -> SecretString {
        let mut bytes = [0; BYTES];
        let parts: [&[u8]; 4] =
            [self.user.as_bytes(), self.device.as_bytes(), &self.generation.to_be_bytes(), &self.mac];
        for (byte, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *byte = *from;
        }
        let mut text = String::with_capacity(PREFIX.len() + CHARACTERS);
        text.push_str(PREFIX);
        CROCKFORD.encode_append(&bytes, &mut text);
        bytes.zeroize();
        SecretString::new(text)
    }

    /// Whose device it claims to be of.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Which device it claims to be of.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// Which generation it claims to be.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether we made it for this application. Takes as long either way.
    pub fn is_genuine(&self, ring: &Keyring, application: ApplicationId) -> bool {
        let ours = Self::issue(ring, application, self.user, self.device, self.generation);
        self.mac.ct_eq(&ours.mac).into()
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[device token]")
    }
}
