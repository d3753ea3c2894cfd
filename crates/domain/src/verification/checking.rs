//! A submitted code that is with the vendor that made the code, between its charge and its verdict.
//!
//! Written down when the check is charged, so that one vendor is asked one thing at a time, and so that whoever got no
//! answer may ask again with the same `Idempotency-Key` without being charged again. A crash in between leaves it behind:
//! the check stays charged, and after [`Checking::PATIENCE`] the next one is taken.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    keyring::LookupHash,
    ports::store::{IDEMPOTENCY_WINDOW, Idempotency},
};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checking {
    /// When the vendor was last asked.
    pub asked_at: Timestamp,
    /// Until when nothing else is asked.
    pub until: Timestamp,
    /// The caller's key, if it sent one.
    pub idempotency: Option<Idempotency>,
}

impl Checking {
    /// How long a vendor is waited for.
    pub const LIMIT: Duration = Duration::from_secs(3);
    /// How long nothing else is asked: the wait, and the time to write the verdict down.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// A question that is asked now.
    pub fn begins(idempotency: Option<Idempotency>, now: Timestamp) -> Self {
        Self { asked_at: now, until: now + Self::PATIENCE, idempotency }
    }

    /// Whether this is the same asking.
    pub fn is(&self, other: &Self) -> bool {
        self.asked_at == other.asked_at && self.idempotency == other.idempotency
    }

    /// Whether a call with this key is the one that was charged, and asks again.
    pub fn is_charged_to(&self, idempotency: Option<Idempotency>, now: Timestamp) -> bool {
        let keys = self.idempotency.zip(idempotency);
        keys.is_some_and(|(own, other)| own.key == other.key) && now.since(self.asked_at) < IDEMPOTENCY_WINDOW
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend(self.asked_at.as_millis().to_be_bytes());
        bytes.extend(self.until.as_millis().to_be_bytes());
        if let Some(Idempotency { key, body }) = self.idempotency {
            bytes.extend(key.0);
            bytes.extend(body.0);
        }
        bytes
    }

    /// Reads what [`Checking::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (asked_at, rest) = bytes.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let idempotency = match rest.split_first_chunk::<16>() {
            None if rest.is_empty() => None,
            None => return None,
            Some((key, body)) => {
                Some(Idempotency { key: LookupHash(*key), body: LookupHash(body.try_into().ok()?) })
            }
        };
        let moment = |bytes: [u8; 8]| Timestamp::from_millis(i64::from_be_bytes(bytes));
        Some(Self { asked_at: moment(*asked_at), until: moment(*until), idempotency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_garbage_does_not() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let keyed = Idempotency { key: LookupHash([1; 16]), body: LookupHash([2; 16]) };
        for idempotency in [None, Some(keyed)] {
            let checking = Checking::begins(idempotency, now);
            let bytes = checking.to_bytes();
            assert_eq!(Checking::from_bytes(&bytes), Some(checking));
            assert_eq!(Checking::from_bytes(&bytes[1..]), None);
            assert_eq!(Checking::from_bytes(&[&bytes[..], &[0]].concat()), None);
        }
        assert_eq!(Checking::from_bytes(b""), None);
    }

    #[test]
    fn only_the_key_that_paid_asks_again_and_only_for_a_minute() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let key = |number| Some(Idempotency { key: LookupHash([number; 16]), body: LookupHash([9; 16]) });
        let checking = Checking::begins(key(1), now);
        assert!(checking.is_charged_to(key(1), now + Duration::from_secs(59)));
        assert!(!checking.is_charged_to(key(1), now + Duration::from_secs(60)));
        assert!(!checking.is_charged_to(key(2), now) && !checking.is_charged_to(None, now));
        assert!(!Checking::begins(None, now).is_charged_to(None, now), "without a key nobody can tell");
    }
}
