//! The keys that keep a stolen database useless, and what is done with them.
//!
//! One root key opens the keyring that the store holds. Each ring key has an id (`kid`) and one use: deriving codes,
//! sealing personal data, signing tokens, or hashing for look-up. New work takes the newest key of its use that every running node has
//! loaded; older ones stay to read what they wrote. Look-up hashes must stay comparable, so there is one look-up key for an installation's life.

mod signing;

use std::{collections::BTreeMap, fmt, sync::Arc};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::Sha256;

use crate::{
    clock::Timestamp,
    ports::{Random, store::WrappedKey},
    secret::SecretKey,
};
pub(crate) use signing::SIGNATURE;
use signing::Signer;
pub use signing::{PUBLISHED_FOR, VerifyingKey};

/// XChaCha20-Poly1305: 24 random bytes a message never repeat in practice.
const NONCE: usize = 24;

/// What a ring key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// Deriving codes.
    Code,
    /// Sealing personal data.
    Seal,
    /// Keyed hashes for look-up.
    Lookup,
    /// Signing tokens: the seed of an Ed25519 key.
    Sign,
}

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 4] = [Self::Code, Self::Seal, Self::Lookup, Self::Sign];

    /// The uses whose keys are followed by newer ones.
    pub const ROTATING: [Self; 3] = [Self::Code, Self::Seal, Self::Sign];

    /// The name in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Seal => "seal",
            Self::Lookup => "lookup",
            Self::Sign => "sign",
        }
    }
}

/// The id of a ring key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kid(pub u32);

/// Something sealed could not be opened, or a key is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The value names a key that this keyring does not hold.
    #[error("key {0} is not in the keyring")]
    MissingKey(u32),
    /// The value was changed, moved to another row, or sealed under another key.
    #[error("a sealed value does not open: it was changed, moved, or belongs to another installation")]
    DoesNotOpen,
    /// A ring key was wrapped by another root key.
    #[error("key {0} of the keyring does not open under this root key")]
    ForeignKey(u32),
}

/// The one key that opens the keyring. Comes from a file or the environment, never from the store.
#[derive(Debug, Clone)]
pub struct RootKey(SecretKey);

impl RootKey {
    /// Takes over 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretKey::new(bytes))
    }

    /// What the store keeps to notice a node with another root key.
    pub fn fingerprint(&self) -> String {
        let digest = mac(&self.0, &[b"backstop root key fingerprint v1"]);
        data_encoding::HEXLOWER.encode(&digest[..16])
    }

    /// Seals a ring key for the store.
    pub fn wrap(&self, kid: Kid, key_use: KeyUse, key: &SecretKey, random: &dyn Random) -> Vec<u8> {
        seal_with(&self.0, key.expose(), &wrapping_context(kid, key_use), random)
    }

    /// Opens a ring key from the store.
    ///
    /// # Errors
    /// [`KeyringError::DoesNotOpen`] under another root key.
    pub fn unwrap(&self, kid: Kid, key_use: KeyUse, wrapped: &[u8]) -> Result<SecretKey, KeyringError> {
        let opened = open_with(&self.0, wrapped, &wrapping_context(kid, key_use))?;
        Ok(SecretKey::new(opened.try_into().map_err(|_| KeyringError::DoesNotOpen)?))
    }

    /// Opens the whole ring from the store.
    ///
    /// # Errors
    /// [`KeyringError::ForeignKey`] under another root key; [`KeyringError::MissingKey`] if a use has no key.
    pub fn open_ring(&self, ring: &[WrappedKey]) -> Result<Keyring, KeyringError> {
        let open = |entry: &WrappedKey| {
            let key = self.unwrap(entry.kid, entry.key_use, &entry.wrapped);
            let key = key.map_err(|_| KeyringError::ForeignKey(entry.kid.0))?;
            Ok(RingKey { kid: entry.kid, key_use: entry.key_use, key, created_at: entry.created_at })
        };
        Keyring::new(ring.iter().map(open).collect::<Result<Vec<_>, KeyringError>>()?)
    }
}

fn wrapping_context(kid: Kid, key_use: KeyUse) -> Vec<u8> {
    format!("backstop ring key v1|{}|{}", kid.0, key_use.as_str()).into_bytes()
}

/// An opened key of the ring.
#[derive(Debug, Clone)]
pub struct RingKey {
    /// Names it.
    pub kid: Kid,
    /// What it is for.
    pub key_use: KeyUse,
    /// The key.
    pub key: SecretKey,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key that nobody knows the age of counts as an old one.
impl From<(Kid, KeyUse, SecretKey)> for RingKey {
    fn from((kid, key_use, key): (Kid, KeyUse, SecretKey)) -> Self {
        Self { kid, key_use, key, created_at: Timestamp::default() }
    }
}

/// The opened ring.
#[derive(Clone)]
pub struct Keyring {
    keys: BTreeMap<Kid, (KeyUse, SecretKey)>,
    signers: Arc<BTreeMap<Kid, Signer>>,
    code: Kid,
    seal: Kid,
    lookup: Kid,
    /// None in the store of a program that knew no tokens, until the next start adds one.
    sign: Option<Kid>,
}

impl Keyring {
    /// Makes a ring of opened keys.
    ///
    /// # Errors
    /// [`KeyringError::MissingKey`] if a use has no key. A ring without a signing key is whole; it signs nothing.
    pub fn new(keys: impl IntoIterator<Item = impl Into<RingKey>>) -> Result<Self, KeyringError> {
        let keys: Vec<RingKey> = keys.into_iter().map(Into::into).collect();
        let signers = keys.iter().filter(|entry| entry.key_use == KeyUse::Sign);
        let signers = signers
            .map(|entry| Ok((entry.kid, Signer::new(entry)?)))
            .collect::<Result<BTreeMap<_, _>, KeyringError>>()?;
        let keys: BTreeMap<_, _> =
            keys.into_iter().map(|entry| (entry.kid, (entry.key_use, entry.key))).collect();
        let newest = |wanted: KeyUse| {
            keys.iter().rev().find(|(_, (key_use, _))| *key_use == wanted).map(|(kid, _)| *kid)
        };
        let oldest =
            |wanted: KeyUse| keys.iter().find(|(_, (key_use, _))| *key_use == wanted).map(|(kid, _)| *kid);
        let missing = KeyringError::MissingKey(0);
        Ok(Self {
            code: newest(KeyUse::Code).ok_or(missing)?,
            seal: newest(KeyUse::Seal).ok_or(missing)?,
            lookup: oldest(KeyUse::Lookup).ok_or(missing)?,
            sign: newest(KeyUse::Sign),
            signers: Arc::new(signers),
            keys,
        })
    }

    /// The same ring whose new work takes no newer keys than `newest`: those after it are not loaded everywhere.
    #[must_use]
    pub fn active_up_to(&self, newest: Kid) -> Self {
        let active = |wanted: KeyUse| {
            let mut of_use =
                self.keys.iter().filter(|(_, (key_use, _))| *key_use == wanted).map(|(kid, _)| *kid);
            let oldest = of_use.next();
            of_use.rfind(|kid| *kid <= newest).or(oldest)
        };
        Self {
            code: active(KeyUse::Code).unwrap_or(self.code),
            seal: active(KeyUse::Seal).unwrap_or(self.seal),
            sign: active(KeyUse::Sign),
            ..self.clone()
        }
    }

    /// The newest key that it holds.
    pub fn newest(&self) -> Kid {
        self.keys.last_key_value().map_or(self.lookup, |(kid, _)| *kid)
    }

    /// The newest key that new work takes because every running node has loaded it.
    pub fn newest_active(&self) -> Kid {
        // The first signing key waits for nobody: a node that signs tokens has it since its start. So it says nothing about
        // the keys before it.
        let waited_for = self.sign.filter(|kid| self.signers.keys().next() != Some(kid));
        self.code.max(self.seal).max(waited_for.unwrap_or(self.code))
    }

    /// The key that new codes are derived with.
    pub fn code_kid(&self) -> Kid {
        self.code
    }

    /// HMAC-SHA-256 under the code key `kid` over length-prefixed parts.
    pub(crate) fn code_prf(&self, kid: Kid, parts: &[&[u8]]) -> Result<[u8; 32], KeyringError> {
        match self.keys.get(&kid) {
            Some((KeyUse::Code, key)) => Ok(mac(key, parts)),
            _ => Err(KeyringError::MissingKey(kid.0)),
        }
    }

    /// A keyed hash to find a value by, without the value at rest. `label` keeps the kinds of values apart.
    pub fn lookup(&self, label: &str, value: &[u8]) -> LookupHash {
        let mut hash = [0; 16];
        if let Some((_, key)) = self.keys.get(&self.lookup) {
            hash.copy_from_slice(&mac(key, &[b"backstop look-up v1", label.as_bytes(), value])[..16]);
        }
        LookupHash(hash)
    }

    /// The MAC of a token that is kept nowhere, over length-prefixed parts. It is made with the look-up key, which never
    /// rotates, so a token lives as long as its own rules say. `label` keeps the kinds of tokens apart.
    pub fn token_mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        // `new` found this key in the map. A fallback here would be a MAC that anybody can make.
        let (_, key) = &self.keys[&self.lookup];
        let label: [&[u8]; 2] = [b"backstop token v1", label.as_bytes()];
        mac(key, &[&label, parts].concat())
    }

    /// A key of its own for one purpose, out of the key that is never rotated.
    pub(crate) fn derived(&self, purpose: &str) -> SecretKey {
        SecretKey::new(mac(&self.keys[&self.lookup].1, &[b"backstop derived key v1", purpose.as_bytes()]))
    }

    /// Seals `plain` so that it opens only with the same `context` (table, row, column).
    pub fn seal(&self, plain: &[u8], context: &[u8], random: &dyn Random) -> Sealed {
        let mut sealed = self.seal.0.to_be_bytes().to_vec();
        if let Some((_, key)) = self.keys.get(&self.seal) {
            sealed.extend(seal_with(key, plain, context, random));
        }
        Sealed(sealed)
    }

    /// Opens what [`Keyring::seal`] sealed.
    ///
    /// # Errors
    /// If the key is gone, or the value was changed or moved.
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let (kid, rest) = sealed.0.split_first_chunk::<4>().ok_or(KeyringError::DoesNotOpen)?;
        let kid = Kid(u32::from_be_bytes(*kid));
        match self.keys.get(&kid) {
            Some((KeyUse::Seal, key)) => open_with(key, rest, context),
            _ => Err(KeyringError::MissingKey(kid.0)),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(kid, (key_use, _))| (kid.0, key_use))).finish()
    }
}

/// A keyed hash of 128 bits, for look-up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupHash(pub [u8; 16]);

impl LookupHash {
    /// 32 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

impl Serialize for LookupHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}
impl<'de> Deserialize<'de> for LookupHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = data_encoding::HEXLOWER.decode(String::deserialize(deserializer)?.as_bytes());
        let bytes = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("not a hash of 128 bits"))
    }
}

impl fmt::Debug for LookupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0[..4]))
    }
}

/// Ciphertext with its key id and nonce in front.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes for the store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes the bytes back from the store.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = data_encoding::BASE64.decode(String::deserialize(deserializer)?.as_bytes());
        bytes.map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[sealed, {} bytes]", self.0.len())
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.expose()).expect("HMAC takes any key");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[expect(clippy::expect_used, reason = "the cipher fails only past 256 GiB")]
fn seal_with(key: &SecretKey, plain: &[u8], context: &[u8], random: &dyn Random) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let sealed = XChaCha20Poly1305::new(key.expose().into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: context })
        .expect("the value fits the cipher");
    [nonce.as_slice(), &sealed].concat()
}

fn open_with(key: &SecretKey, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(KeyringError::DoesNotOpen)?;
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt(XNonce::from_slice(nonce), Payload { msg: rest, aad: context })
        .map_err(|_| KeyringError::DoesNotOpen)
}

/// Makes the first keys of an installation, or one more key for `key_use`.
pub fn generate(random: &dyn Random) -> SecretKey {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    SecretKey::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SeededRandom;

    fn ring(random: &SeededRandom) -> Keyring {
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(random)));
        Keyring::new(keys).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place() {
        let random = SeededRandom::new(1);
        let ring = ring(&random);
        let sealed = ring.seal(b"+919876543210", b"row 1", &random);
        assert_eq!(ring.open(&sealed, b"row 1").unwrap(), b"+919876543210");
        assert_eq!(ring.open(&sealed, b"row 2"), Err(KeyringError::DoesNotOpen));
        let mut flipped = sealed.as_bytes().to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(ring.open(&Sealed::from_bytes(flipped), b"row 1"), Err(KeyringError::DoesNotOpen));
        assert_eq!(ring.open(&Sealed::from_bytes(vec![]), b"row 1"), Err(KeyringError::DoesNotOpen));
    }

    #[test]
    fn after_a_rotation_old_values_still_open_and_look_ups_still_match() {
        let random = SeededRandom::new(2);
        let old = ring(&random);
        let sealed = old.seal(b"value", b"row", &random);
        let mut keys: Vec<_> =
            old.keys.iter().map(|(kid, (key_use, key))| (*kid, *key_use, key.clone())).collect();
        keys.push((Kid(10), KeyUse::Code, generate(&random)));
        keys.push((Kid(11), KeyUse::Seal, generate(&random)));
        let new = Keyring::new(keys).unwrap();
        assert_eq!((new.code_kid(), new.seal), (Kid(10), Kid(11)));
        assert_eq!(new.token_mac("refresh token", &[b"x"]), old.token_mac("refresh token", &[b"x"]));
        assert_eq!(new.open(&sealed, b"row").unwrap(), b"value");
        assert_eq!(new.lookup("recipient", b"x"), old.lookup("recipient", b"x"));
        assert_ne!(new.lookup("recipient", b"x"), new.lookup("network", b"x"));
    }

    #[test]
    fn new_work_takes_only_keys_up_to_the_active_one_and_what_newer_ones_made_opens() {
        let random = SeededRandom::new(4);
        let mut keys: Vec<_> = ring(&random).keys.into_iter().map(|(kid, (u, key))| (kid, u, key)).collect();
        keys.push((Kid(10), KeyUse::Code, generate(&random)));
        keys.push((Kid(11), KeyUse::Seal, generate(&random)));
        let ahead = Keyring::new(keys).unwrap();
        let behind = ahead.active_up_to(Kid(3));
        assert_eq!((behind.code_kid(), behind.seal, behind.newest_active()), (Kid(1), Kid(2), Kid(2)));
        assert_eq!((ahead.newest(), behind.newest()), (Kid(11), Kid(11)));
        let sealed = ahead.seal(b"value", b"row", &random);
        assert_eq!(behind.open(&sealed, b"row").unwrap(), b"value");
        let again = behind.active_up_to(behind.newest());
        assert_eq!((again.code_kid(), again.seal), (Kid(10), Kid(11)));
        assert_eq!(ahead.active_up_to(Kid(0)).code_kid(), Kid(1), "there is always a key");
    }

    #[test]
    fn a_tokens_mac_is_bound_to_its_label_its_parts_and_where_they_end_and_outlives_a_rotation() {
        let random = SeededRandom::new(5);
        let ring = ring(&random);
        let mac = ring.token_mac("device", &[b"ab", b"c"]);
        assert_eq!(mac, ring.active_up_to(Kid(0)).token_mac("device", &[b"ab", b"c"]));
        assert_ne!(mac, ring.token_mac("refresh", &[b"ab", b"c"]));
        assert_ne!(mac, ring.token_mac("device", &[b"a", b"bc"]));
        assert_ne!(mac, ring.token_mac("device", &[b"ab", b"c", b""]));
        assert_ne!(mac[..16], ring.lookup("device", b"abc").0);
        let mut keys: Vec<_> = ring.keys.iter().map(|(kid, (u, key))| (*kid, *u, key.clone())).collect();
        keys.push((Kid(10), KeyUse::Lookup, generate(&random)));
        assert_eq!(mac, Keyring::new(keys).unwrap().token_mac("device", &[b"ab", b"c"]));
    }

    #[test]
    fn another_root_key_opens_nothing_and_shows_another_fingerprint() {
        let random = SeededRandom::new(3);
        let (root, other) = (RootKey::new([1; 32]), RootKey::new([2; 32]));
        let wrapped = root.wrap(Kid(1), KeyUse::Code, &generate(&random), &random);
        assert!(root.unwrap(Kid(1), KeyUse::Code, &wrapped).is_ok());
        assert!(root.unwrap(Kid(1), KeyUse::Seal, &wrapped).is_err());
        assert!(other.unwrap(Kid(1), KeyUse::Code, &wrapped).is_err());
        assert_ne!(root.fingerprint(), other.fingerprint());
        let entry =
            WrappedKey { kid: Kid(1), key_use: KeyUse::Code, wrapped, created_at: Timestamp::from_millis(0) };
        assert_eq!(other.open_ring(&[entry]).map(|_| ()), Err(KeyringError::ForeignKey(1)));
    }
}
