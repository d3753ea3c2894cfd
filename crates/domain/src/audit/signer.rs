//! Signing the chain with Ed25519.
//!
//! The pair comes from the look-up key, which is never rotated: a checkpoint of any age verifies with the ring of today, and
//! whoever holds the public half can verify it without any other key.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::keyring::{Keyring, KeyringError};

/// A signature, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The public half of the key, in base64url.
    pub key: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// Who signs checkpoints, and knows them again.
pub trait Signer {
    /// Signs.
    ///
    /// # Errors
    /// If there is no key to sign with.
    fn sign(&self, message: &[u8]) -> Result<Signature, KeyringError>;

    /// Whether a key of ours made this signature.
    fn verifies(&self, message: &[u8], signature: &Signature) -> bool;
}

impl Signer for Keyring {
    fn sign(&self, message: &[u8]) -> Result<Signature, KeyringError> {
        let pair = pair(self)?;
        let bytes = pair.sign(message).as_ref().to_vec();
        Ok(Signature { key: BASE64URL_NOPAD.encode(pair.public_key().as_ref()), bytes })
    }

    fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let Ok(pair) = pair(self) else { return false };
        let key = pair.public_key();
        signature.key == BASE64URL_NOPAD.encode(key.as_ref())
            && UnparsedPublicKey::new(&ED25519, key).verify(message, &signature.bytes).is_ok()
    }
}

fn pair(ring: &Keyring) -> Result<Ed25519KeyPair, KeyringError> {
    let seed = ring.derived("audit checkpoint signing key v1");
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| KeyringError::DoesNotOpen)
}
