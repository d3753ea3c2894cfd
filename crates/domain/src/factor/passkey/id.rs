//! What names a passkey and its person to an authenticator. Both are public: they prove nothing.

use std::{fmt, str::FromStr};

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

use crate::{keyring::LookupHash, ports::Random};

/// The shortest that carries the entropy that WebAuthn asks for.
const SHORTEST_ID: usize = 16;
/// The longest that WebAuthn lets an authenticator make.
const LONGEST_ID: usize = 1023;
const HANDLE: usize = 64;

/// Names a passkey, among all people: 16 to 1023 bytes that its authenticator chose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Vec<u8>);

/// Not the id of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a passkey is {SHORTEST_ID} to {LONGEST_ID} bytes in base64url without padding")]
pub struct InvalidCredentialId;

impl CredentialId {
    /// Takes over the bytes.
    ///
    /// # Errors
    /// [`InvalidCredentialId`] if they are too few or too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, InvalidCredentialId> {
        match bytes.len() {
            SHORTEST_ID..=LONGEST_ID => Ok(Self(bytes)),
            _ => Err(InvalidCredentialId),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the store finds the person by and keeps unique over all people of an application. An id is public, so no key is needed.
    pub fn lookup(&self) -> LookupHash {
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(&self.0)[..16]);
        LookupHash(hash)
    }
}

impl FromStr for CredentialId {
    type Err = InvalidCredentialId;

    fn from_str(text: &str) -> Result<Self, InvalidCredentialId> {
        BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidCredentialId).and_then(Self::new)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&BASE64URL_NOPAD.encode_display(&self.0), f)
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}… ({} bytes)", BASE64URL_NOPAD.encode_display(&self.0[..6]), self.0.len())
    }
}

impl Serialize for CredentialId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Names a person to an authenticator: 64 random bytes, made once for a person and the same for all their passkeys. It
/// says nothing about the person, since an authenticator may show it to whoever holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserHandle([u8; HANDLE]);

impl UserHandle {
    /// Makes a handle for a person who has none yet.
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; HANDLE];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Takes the bytes back from where they were kept.
    pub fn from_bytes(bytes: [u8; HANDLE]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; HANDLE] {
        &self.0
    }
}

impl fmt::Debug for UserHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", BASE64URL_NOPAD.encode_display(&self.0[..6]))
    }
}

impl Serialize for UserHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        base64url::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for UserHandle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = base64url::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("a user handle has 64 bytes"))
    }
}

/// How a browser can reach an authenticator, in the words of WebAuthn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Bluetooth Low Energy.
    Ble,
    /// A phone beside the computer.
    Hybrid,
    /// Inside the device itself.
    Internal,
    /// Held against the device.
    Nfc,
    /// A chip card.
    SmartCard,
    /// Plugged in.
    Usb,
}

/// Bytes as text, in a person's document.
pub(super) mod base64url {
    use super::{BASE64URL_NOPAD, Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&BASE64URL_NOPAD.encode_display(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}
