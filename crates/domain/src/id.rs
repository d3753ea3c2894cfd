//! One prefixed, sortable id type per thing.
//!
//! An id is 48 bits of milliseconds and 128 random bits, written as a prefix and 36 characters of Crockford's
//! base32: `ver_06dz3v…`. Sorting the text sorts by time, so a table keyed by it only ever grows at its end; the
//! random part is why nobody can guess a neighbour.

use std::{fmt, marker::PhantomData, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{clock::Timestamp, ports::Random};

/// The bytes of an id.
pub(crate) const BYTES: usize = 22;
/// 176 bits at five a character.
const CHARACTERS: usize = 36;
/// The room for a prefix.
const LONGEST_PREFIX: usize = 8;

#[expect(
    clippy::expect_used,
    reason = "a constant alphabet of 32 distinct characters is always a valid encoding"
)]
pub(crate) static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().expect("Crockford's alphabet")
});

/// What an id names; gives the prefix.
pub trait Kind: 'static {
    /// Letters before the underscore.
    const PREFIX: &'static str;
}

/// A prefixed, time-ordered, unguessable id of one kind of thing.
pub struct Id<K> {
    bytes: [u8; BYTES],
    kind: PhantomData<fn() -> K>,
}

/// The text is not an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct InvalidId;

impl<K: Kind> Id<K> {
    /// Makes a new id for `now`.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..6].copy_from_slice(&Self::time_part(now));
        random.fill(&mut bytes[6..]);
        Self { bytes, kind: PhantomData }
    }

    /// The smallest id of `at`: a bound for reading by time.
    pub fn first_at(at: Timestamp) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..6].copy_from_slice(&Self::time_part(at));
        Self { bytes, kind: PhantomData }
    }

    /// Takes the raw bytes back, as a token carries them.
    pub(crate) const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// The raw bytes, for binding into keyed hashes.
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }

    fn time_part(at: Timestamp) -> [u8; 6] {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0).to_be_bytes();
        [millis[2], millis[3], millis[4], millis[5], millis[6], millis[7]]
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let body = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(InvalidId)?;
        if body.len() != CHARACTERS {
            return Err(InvalidId);
        }
        let mut bytes = [0; BYTES];
        CROCKFORD.decode_mut(body.as_bytes(), &mut bytes).map_err(|_| InvalidId)?;
        Ok(Self { bytes, kind: PhantomData })
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece and without an allocation: every act of the store writes several ids.
        let (prefix, mut text) = (K::PREFIX.len(), [b'_'; LONGEST_PREFIX + 1 + CHARACTERS]);
        let end = prefix + 1 + CHARACTERS;
        text[..prefix].copy_from_slice(K::PREFIX.as_bytes());
        CROCKFORD.encode_mut(&self.bytes, &mut text[prefix + 1..end]);
        f.write_str(std::str::from_utf8(&text[..end]).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Marks the id of a verification.
#[derive(Debug)]
pub enum OfVerification {}
impl Kind for OfVerification {
    const PREFIX: &'static str = "ver";
}
/// Names a verification: `ver_…`.
pub type VerificationId = Id<OfVerification>;

/// Marks the id of a delivery.
#[derive(Debug)]
pub enum OfDelivery {}
impl Kind for OfDelivery {
    const PREFIX: &'static str = "dlv";
}
/// Names a delivery: `dlv_…`.
pub type DeliveryId = Id<OfDelivery>;

/// Marks the id of an attempt.
#[derive(Debug)]
pub enum OfAttempt {}
impl Kind for OfAttempt {
    const PREFIX: &'static str = "att";
}
/// Names an attempt: `att_…`.
pub type AttemptId = Id<OfAttempt>;

/// Marks the id of a user.
#[derive(Debug)]
pub enum OfUser {}
impl Kind for OfUser {
    const PREFIX: &'static str = "usr";
}
/// Names a user, a person of one application: `usr_…`.
pub type UserId = Id<OfUser>;

/// Marks the id of an API key.
#[derive(Debug)]
pub enum OfApiKey {}
impl Kind for OfApiKey {
    const PREFIX: &'static str = "key";
}
/// Names an API key (it is not the key): `key_…`.
pub type ApiKeyId = Id<OfApiKey>;

/// Marks the id of a trusted device.
#[derive(Debug)]
pub enum OfDevice {}
impl Kind for OfDevice {
    const PREFIX: &'static str = "dev";
}
/// Names a device that a user trusts: `dev_…`.
pub type DeviceId = Id<OfDevice>;

/// Marks the id of a running process.
#[derive(Debug)]
pub enum OfNode {}
impl Kind for OfNode {
    const PREFIX: &'static str = "node";
}
/// Names one run of the program; the holder of leases: `node_…`.
pub type NodeId = Id<OfNode>;

/// Marks the id of a session.
#[derive(Debug)]
pub enum OfSession {}
impl Kind for OfSession {
    const PREFIX: &'static str = "ses";
}
/// Names a session of a user: `ses_…`.
pub type SessionId = Id<OfSession>;

/// Marks the id of an operator.
#[derive(Debug)]
pub enum OfOperator {}
impl Kind for OfOperator {
    const PREFIX: &'static str = "opr";
}
/// Names somebody who runs the installation: `opr_…`.
pub type OperatorId = Id<OfOperator>;

/// Marks the id of a notice.
#[derive(Debug)]
pub enum OfNotice {}
impl Kind for OfNotice {
    const PREFIX: &'static str = "ntc";
}
/// Names a notice; a receiver tells a repetition by it: `ntc_…`.
pub type NoticeId = Id<OfNotice>;

/// Marks the id of a request for emergency access.
#[derive(Debug)]
pub enum OfEmergencyRequest {}
impl Kind for OfEmergencyRequest {
    const PREFIX: &'static str = "emr";
}
/// Names a request for emergency access that waits for an approval: `emr_…`.
pub type EmergencyRequestId = Id<OfEmergencyRequest>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SeededRandom;

    #[test]
    fn an_id_survives_its_own_text_and_sorts_by_time() {
        let random = SeededRandom::new(1);
        let early = VerificationId::new(Timestamp::from_millis(1_000), &random);
        let late = VerificationId::new(Timestamp::from_millis(2_000), &random);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(early.to_string() < late.to_string());
        assert!(VerificationId::first_at(Timestamp::from_millis(2_000)) <= late);
    }

    #[test]
    fn an_id_of_another_kind_or_with_stray_characters_is_refused() {
        let id = VerificationId::new(Timestamp::from_millis(1), &SeededRandom::new(1)).to_string();
        assert_eq!(id.parse::<DeliveryId>(), Err(InvalidId));
        for bad in
            ["", "ver_", "ver_0", &id.to_uppercase(), &format!("{id}0"), &id.replace('_', "-"), "ver_ü"]
        {
            assert_eq!(bad.parse::<VerificationId>(), Err(InvalidId), "{bad}");
        }
    }
}
