//! What is kept of a password: an argon2id hash of ours, or one that another system made.
//!
//! New hashes take the cost that OWASP recommends. A hash that comes with an import is let in only within bounds, so that no row can
//! be a bomb of memory or time, and is replaced by one of ours at its person's next sign-in.

use std::{fmt, sync::LazyLock};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{PasswordHash as Phc, SaltString},
};
use data_encoding::{BASE64_NOPAD, Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::Password;
use crate::ports::Random;

/// KiB of memory of our hashes: 19 MiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// The bounds of an imported argon2id hash.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;
/// The bounds of an imported bcrypt hash; each step of cost doubles the time.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;
/// The bytes of a password that bcrypt looks at.
const BCRYPT_BYTES: usize = 72;
/// No hash within the bounds is longer.
const LONGEST: usize = 256;

/// The digits of base64 in bcrypt's order.
#[expect(
    clippy::expect_used,
    reason = "a constant alphabet of 64 distinct characters is always a valid encoding"
)]
static BCRYPT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    specification.encoding().expect("bcrypt's alphabet")
});

/// Why a hash of another system was not taken over. Never holds the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPasswordHash {
    /// Neither of the two forms.
    #[error("a password hash is argon2id in PHC form, or bcrypt ($2a$, $2b$, $2y$)")]
    UnknownForm,
    /// It would take too much memory or time.
    #[error("the hash costs too much: at most m=262144, t=10, p=4, or bcrypt cost 14")]
    TooCostly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Argon2id { memory: u32, passes: u32 },
    Bcrypt,
}

/// A hash of a password, as text.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    scheme: Scheme,
}

impl PasswordHash {
    /// Hashes a password. Slow on purpose, and 19 MiB big: never on a thread that serves others.
    #[expect(clippy::expect_used, reason = "cost and salt are constants in form, and a password is short")]
    pub fn hash(password: &Password, random: &dyn Random) -> Self {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
        let params = Params::new(MEMORY, PASSES, LANES, None).expect("the cost is within argon2's bounds");
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password.as_bytes(), &salt)
            .expect("a bounded password can be hashed");
        Self { text: hash.to_string(), scheme: Scheme::Argon2id { memory: MEMORY, passes: PASSES } }
    }

    /// Takes over a hash: argon2id in PHC form (version 19, no secret, no associated data) or bcrypt.
    ///
    /// # Errors
    /// If it is neither, or costs too much.
    pub fn parse(text: &str) -> Result<Self, InvalidPasswordHash> {
        if text.len() > LONGEST {
            return Err(InvalidPasswordHash::UnknownForm);
        }
        let scheme = if text.starts_with("$argon2id$") { argon2id(text) } else { bcrypt(text) };
        Ok(Self { text: text.to_owned(), scheme: scheme? })
    }

    /// Whether `password` is the one. As slow as the hash is: never on a thread that serves others.
    ///
    /// bcrypt looks at the first 72 bytes alone, and so do we where such a hash was imported.
    pub fn verify(&self, password: &Password) -> bool {
        match self.scheme {
            Scheme::Argon2id { .. } => Phc::new(&self.text)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            Scheme::Bcrypt => bcrypt::verify(password.as_bytes(), &self.text).unwrap_or(false),
        }
    }

    /// A hash that no password has, at the cost of ours: what the password of an unknown person is compared with, so that its time
    /// tells nothing.
    pub fn dummy() -> Self {
        let (salt, hash) = (BASE64_NOPAD.encode(&[0; 16]), BASE64_NOPAD.encode(&[0; 32]));
        let text = format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${hash}");
        Self { text, scheme: Scheme::Argon2id { memory: MEMORY, passes: PASSES } }
    }

    /// Whether to hash `password`, which was right just now, anew: the hash is bcrypt, or weaker than ours. Where bcrypt never saw
    /// the end of a password nobody knows that it was typed right, so such a hash stays until the password is changed.
    pub fn is_outdated(&self, password: &Password) -> bool {
        match self.scheme {
            Scheme::Argon2id { memory, passes } => memory < MEMORY || passes < PASSES,
            Scheme::Bcrypt => password.as_bytes().len() <= BCRYPT_BYTES,
        }
    }

    /// The text for the store.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

fn argon2id(text: &str) -> Result<Scheme, InvalidPasswordHash> {
    let hash = Phc::new(text).map_err(|_| InvalidPasswordHash::UnknownForm)?;
    let params = Params::try_from(&hash).map_err(|_| InvalidPasswordHash::UnknownForm)?;
    let salt = hash.salt.and_then(|salt| salt.decode_b64(&mut [0; 64]).map(<[u8]>::len).ok());
    let plain = hash.version == Some(Version::V0x13.into())
        && params.keyid().is_empty()
        && params.data().is_empty()
        && salt.is_some_and(|length| length >= 8)
        && hash.hash.is_some_and(|hash| hash.len() >= 16);
    if !plain {
        return Err(InvalidPasswordHash::UnknownForm);
    }
    let (memory, passes) = (params.m_cost(), params.t_cost());
    if memory > MOST_MEMORY || passes > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(InvalidPasswordHash::TooCostly);
    }
    Ok(Scheme::Argon2id { memory, passes })
}

fn bcrypt(text: &str) -> Result<Scheme, InvalidPasswordHash> {
    // The library reads more kindly than it verifies: what it would never match is refused here, where somebody looks.
    let bytes = text.as_bytes();
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let whole = bytes.len() == 60
        && bytes[4..6].iter().all(u8::is_ascii_digit)
        && bytes[6] == b'$'
        && BCRYPT.decode(&bytes[7..29]).is_ok()
        && BCRYPT.decode(&bytes[29..]).is_ok();
    let parts = text.parse::<bcrypt::HashParts>().ok().filter(|_| known && whole);
    let cost = parts.ok_or(InvalidPasswordHash::UnknownForm)?.get_cost();
    if cost > *BCRYPT_COSTS.end() {
        return Err(InvalidPasswordHash::TooCostly);
    }
    BCRYPT_COSTS.contains(&cost).then_some(Scheme::Bcrypt).ok_or(InvalidPasswordHash::UnknownForm)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password hash]")
    }
}

impl Serialize for PasswordHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for PasswordHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
