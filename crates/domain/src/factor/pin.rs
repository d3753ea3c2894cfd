//! The device PIN: four to six digits that count only beside the proof of the device that they were set on.
//!
//! So few digits must not be tried without the device and must not be read out of a stolen database: what is kept is
//! argon2id over a keyed hash of device and PIN, and the key is not in the database. Three wrong ones lock the PIN for a
//! day, ten in all end it, and day 90 ends it too; then a strong sign-in may set it again. Wrong PINs over all devices of a
//! person have a [budget](super::tries::Budget::PIN) beside that.
//!
//! Hashing is slow on purpose and is done before the person is locked. [`DevicePin::judge`] takes its result and is fast.

use std::{fmt, time::Duration};

use argon2::{
    Argon2, PasswordHash,
    password_hash::{self, PasswordHasher, PasswordVerifier, SaltString},
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{clock::Timestamp, id::DeviceId, keyring::Keyring, ports::Random};

/// Fewest digits of a PIN.
pub const MIN_LENGTH: usize = 4;
/// Most digits of a PIN.
pub const MAX_LENGTH: usize = 6;
/// How long a PIN is good for, whoever uses it how often.
pub const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// Wrong PINs in a row that lock it.
pub const WRONG_IN_A_ROW: u32 = 3;
/// How long it is locked then.
pub const LOCK: Duration = Duration::from_secs(86_400);
/// Wrong PINs in all that end it, right ones between them or not.
pub const WRONG_IN_ALL: u32 = 10;

/// What everybody tries first and the rules below do not catch.
const COMMON: [&str; 30] = [
    "0007", "0070", "0852", "1004", "1122", "1221", "1230", "1357", "2244", "2580", "2468", "5683", "7410",
    "8520", "9630", "12321", "13579", "24680", "100200", "102030", "112233", "123321", "123654", "147258",
    "147852", "159357", "159753", "258456", "321654", "789456",
];

/// A PIN as it was typed. Never prints, is wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

/// Why a PIN is not taken. Never holds the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPin {
    /// It cannot be a PIN.
    #[error("a PIN is {0} to 6 digits")]
    Form(usize),
    /// It is among the first that a stranger would try.
    #[error("this PIN is too easy to guess")]
    Trivial,
}

impl Pin {
    /// Reads a PIN that is tried. Digits of other scripts are refused, not folded.
    ///
    /// # Errors
    /// [`InvalidPin::Form`] if no PIN could look like this; nothing is to be charged then.
    pub fn parse(text: &str) -> Result<Self, InvalidPin> {
        Self::of_length(text, MIN_LENGTH)
    }

    /// Reads a PIN that is to be set: `min_length` digits or more, and not one that a stranger would try first. `phones` are
    /// the person's own numbers, whose ends are no secret.
    ///
    /// # Errors
    /// [`InvalidPin`]: its form, or that it is too easy.
    pub fn choose(text: &str, min_length: usize, phones: &[&str]) -> Result<Self, InvalidPin> {
        let pin = Self::of_length(text, min_length.clamp(MIN_LENGTH, MAX_LENGTH))?;
        let ends_a_phone = phones.iter().any(|phone| phone.ends_with(&pin.0));
        if ends_a_phone || is_trivial(&pin.0) { Err(InvalidPin::Trivial) } else { Ok(pin) }
    }

    fn of_length(text: &str, min_length: usize) -> Result<Self, InvalidPin> {
        let fits =
            (min_length..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPin::Form(min_length)) }
    }

    /// Hashes it for `device`. Slow: tens of milliseconds and 19 MiB. Where there is no PIN to try against, hashing and
    /// throwing away takes as long as trying.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn hash(&self, ring: &Keyring, device: DeviceId, random: &dyn Random) -> Result<PinHash, HashFailed> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let salt = SaltString::encode_b64(&salt)?;
        let hash = Argon2::default().hash_password(&self.peppered(ring, device), &salt)?;
        Ok(PinHash(hash.to_string()))
    }

    fn peppered(&self, ring: &Keyring, device: DeviceId) -> [u8; 32] {
        ring.token_mac("device pin v1", &[device.as_bytes(), self.0.as_bytes()])
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pin]")
    }
}

/// Whether the digits follow a pattern that people choose.
fn is_trivial(pin: &str) -> bool {
    let digits = pin.as_bytes();
    // 1111 is a run of step 0, 7890 one of step 1, 3210 one of step 9.
    let step = |pair: &[u8]| (pair[1] + 10 - pair[0]) % 10;
    let run = [0, 1, 9].iter().any(|wanted| digits.windows(2).all(|pair| step(pair) == *wanted));
    // 1212, 123123: a part of it, again and again.
    let again =
        |part: usize| digits.len().is_multiple_of(part) && digits.chunks(part).all(|c| c == &digits[..part]);
    let repeats = (1..=digits.len() / 2).any(again);
    let year = digits.len() == 4 && (pin.starts_with("19") || pin.starts_with("20"));
    run || repeats || year || COMMON.contains(&pin)
}

/// The hash could not be made. Nothing is told of what was to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PIN could not be hashed")]
pub struct HashFailed;

impl From<password_hash::Error> for HashFailed {
    fn from(_: password_hash::Error) -> Self {
        Self
    }
}

/// What is kept of a PIN: argon2id as a PHC string, over the keyed hash of device and PIN. Equal only if it is the same
/// hash, so that a verdict is used only on what it was made against.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinHash(String);

impl PinHash {
    /// Whether `pin` of `device` is the one that was set. Slow, as [`Pin::hash`].
    pub fn verify(&self, ring: &Keyring, device: DeviceId, pin: &Pin) -> bool {
        PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(&pin.peppered(ring, device), &hash).is_ok())
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pin hash]")
    }
}

/// The PIN of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePin {
    /// What is kept of it.
    pub hash: PinHash,
    /// When it was set.
    pub set_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
    /// Wrong ones since the last right one, or since the last lock ended.
    pub failures: u32,
    /// Wrong ones since it was set.
    pub failures_in_all: u32,
    /// Until when it is locked.
    pub locked_until: Option<Timestamp>,
}

/// How a PIN was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinVerdict {
    /// It is the one that was set.
    Right,
    /// It is not; so many more before the lock.
    Wrong {
        /// How many more.
        left: u32,
    },
    /// Three were wrong: none is taken before this moment, not even the right one.
    Locked {
        /// From then on.
        until: Timestamp,
    },
    /// Ten were wrong in all: it must be set again.
    Disabled,
    /// Its days are over: it must be set again, and may be the same.
    Expired,
}

impl DevicePin {
    /// A PIN set at `now`, after a strong sign-in, for `life`.
    pub fn set(hash: PinHash, life: Duration, now: Timestamp) -> Self {
        let expires_at = now + life;
        Self { hash, set_at: now, expires_at, failures: 0, failures_in_all: 0, locked_until: None }
    }

    /// Judges one try and counts it. `right` is what [`PinHash::verify`] said of this very hash; what it said is not looked
    /// at while the PIN is locked.
    pub fn judge(&mut self, right: bool, now: Timestamp) -> PinVerdict {
        if self.failures_in_all >= WRONG_IN_ALL {
            return PinVerdict::Disabled;
        }
        if now >= self.expires_at {
            return PinVerdict::Expired;
        }
        if let Some(until) = self.locked_until.take() {
            // A lock from a clock that ran ahead lasts a day from now, not the jump as well.
            let until = until.min(now + LOCK);
            if until > now {
                self.locked_until = Some(until);
                return PinVerdict::Locked { until };
            }
            self.failures = 0;
        }
        if right {
            self.failures = 0;
            return PinVerdict::Right;
        }
        self.failures += 1;
        self.failures_in_all += 1;
        if self.failures_in_all >= WRONG_IN_ALL {
            return PinVerdict::Disabled;
        }
        if self.failures >= WRONG_IN_A_ROW {
            let until = now + LOCK;
            self.locked_until = Some(until);
            return PinVerdict::Locked { until };
        }
        PinVerdict::Wrong { left: (WRONG_IN_A_ROW - self.failures).min(WRONG_IN_ALL - self.failures_in_all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keyring::{KeyUse, Kid, generate},
        ports::random::SeededRandom,
    };

    const MILLI: Duration = Duration::from_millis(1);

    fn ring(seed: u64) -> Keyring {
        let random = SeededRandom::new(seed);
        let keys = KeyUse::ALL.into_iter().zip(1..);
        Keyring::new(keys.map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)))).unwrap()
    }

    fn set() -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }

    fn device_pin() -> DevicePin {
        DevicePin::set(PinHash("not looked at".into()), LIFE, set())
    }

    #[test]
    fn only_four_to_six_ascii_digits_can_be_a_pin() {
        for good in ["0000", "12345", "482913"] {
            assert!(Pin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "123",
            "1234567",
            "12a4",
            "1234 ",
            " 1234",
            "1234\n",
            "1234\0",
            "+123",
            "٤٨٢٩",
            "４８２９１３",
            &"1".repeat(1_000_000),
        ] {
            assert_eq!(Pin::parse(bad).unwrap_err(), InvalidPin::Form(4));
            assert_eq!(Pin::choose(bad, 4, &[]).unwrap_err(), InvalidPin::Form(4));
        }
        assert_eq!(Pin::choose("48291", 6, &[]).unwrap_err(), InvalidPin::Form(6));
        assert!(Pin::choose("482913", 6, &[]).is_ok());
        assert_eq!(
            Pin::choose("482", 0, &[]).unwrap_err(),
            InvalidPin::Form(4),
            "no setting goes below four"
        );
        assert!(Pin::choose("482913", 60, &[]).is_ok(), "no setting makes every PIN impossible");
    }

    #[test]
    fn a_pin_that_a_stranger_would_try_first_is_refused() {
        let trivial = [
            "0000", "7777", "99999", "111111", "1234", "4321", "7890", "0987", "34567", "123456", "654321",
            "890123", "1212", "6969", "123123", "121212", "1900", "1987", "1999", "2000", "2026", "2580",
            "112233", "159753",
        ];
        for pin in trivial {
            assert_eq!(Pin::choose(pin, 4, &[]).unwrap_err(), InvalidPin::Trivial, "{pin}");
            assert!(Pin::parse(pin).is_ok(), "tried, it is simply wrong");
        }
        for pin in ["4829", "1209", "2159", "19871", "20262", "48291", "482913", "121213", "123457"] {
            assert!(Pin::choose(pin, 4, &[]).is_ok(), "{pin}");
        }
        for common in COMMON {
            assert!(Pin::parse(common).is_ok(), "{common} is a PIN at all");
        }
    }

    #[test]
    fn the_end_of_the_persons_own_number_is_refused() {
        let phones = ["+919876543205", "+14155550148"];
        for pin in ["3205", "43205", "543205", "0148", "550148"] {
            assert_eq!(Pin::choose(pin, 4, &phones).unwrap_err(), InvalidPin::Trivial, "{pin}");
        }
        assert!(Pin::choose("4320", 4, &phones).is_ok(), "the middle of a number is not its end");
    }

    #[test]
    fn a_pin_is_right_only_on_its_own_device_and_only_under_this_installations_keys() {
        let random = SeededRandom::new(1);
        let (here, elsewhere) = (ring(1), ring(2));
        let (device, other) = (DeviceId::new(set(), &random), DeviceId::new(set(), &random));
        let pin = Pin::parse("482913").unwrap();
        let hash = pin.hash(&here, device, &random).unwrap();
        assert!(hash.verify(&here, device, &pin));
        assert!(!hash.verify(&here, device, &Pin::parse("482914").unwrap()));
        assert!(!hash.verify(&here, other, &pin));
        assert!(!hash.verify(&elsewhere, device, &pin), "a stolen database alone has nothing to try against");
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_ne!(hash, pin.hash(&here, device, &random).unwrap(), "each has its own salt");
        assert!(!PinHash("482913".into()).verify(&here, device, &pin), "a broken row lets nobody in");
        assert_eq!(format!("{pin:?} {hash:?}"), "[pin] [pin hash]");
    }

    #[test]
    fn the_third_wrong_pin_locks_for_a_day_and_even_the_right_one_waits() {
        let mut pin = device_pin();
        assert_eq!(pin.judge(false, set()), PinVerdict::Wrong { left: 2 });
        assert_eq!(pin.judge(false, set()), PinVerdict::Wrong { left: 1 });
        let until = set() + LOCK;
        assert_eq!(pin.judge(false, set()), PinVerdict::Locked { until });
        let before = pin.clone();
        for right in [true, false] {
            assert_eq!(pin.judge(right, until - MILLI), PinVerdict::Locked { until });
        }
        assert_eq!(pin, before, "tries during the lock neither count nor lengthen it");
        assert_eq!(
            pin.judge(false, until),
            PinVerdict::Wrong { left: 2 },
            "the lock over, there are three again"
        );
        assert_eq!(pin.judge(true, until), PinVerdict::Right);
        assert_eq!(pin.judge(false, until), PinVerdict::Wrong { left: 2 }, "the right one ends the row");
    }

    #[test]
    fn the_tenth_wrong_pin_in_all_ends_it_even_with_right_ones_between() {
        let mut pin = device_pin();
        for n in 1..10 {
            let verdict = pin.judge(false, set());
            assert_eq!(verdict, PinVerdict::Wrong { left: if n == 9 { 1 } else { 2 } }, "{n}");
            assert_eq!(pin.judge(true, set()), PinVerdict::Right);
        }
        assert_eq!(pin.judge(false, set()), PinVerdict::Disabled);
        assert_eq!(pin.judge(true, set() + LOCK), PinVerdict::Disabled);
        assert_eq!(pin.judge(true, set() + LIFE), PinVerdict::Disabled);
    }

    #[test]
    fn day_ninety_ends_it_however_often_it_was_used_and_the_same_pin_may_be_set_again() {
        let mut pin = device_pin();
        for day in 0..90 {
            assert_eq!(pin.judge(true, set() + Duration::from_secs(day * 86_400)), PinVerdict::Right);
        }
        assert_eq!(pin.judge(true, set() + LIFE - MILLI), PinVerdict::Right);
        assert_eq!(pin.judge(true, set() + LIFE), PinVerdict::Expired);
        assert_eq!(pin.judge(false, set() + LIFE), PinVerdict::Expired);
        assert_eq!(pin.failures_in_all, 0, "an expired PIN counts nothing");
        let mut again = DevicePin::set(pin.hash.clone(), LIFE, set() + LIFE);
        assert_eq!(again.judge(true, set() + LIFE), PinVerdict::Right);
    }

    #[test]
    fn a_clock_that_ran_ahead_and_came_back_locks_for_a_day_and_not_for_the_jump() {
        let mut pin = device_pin();
        let ahead = set() + Duration::from_secs(80 * 86_400);
        for _ in 0..3 {
            let _ = pin.judge(false, ahead);
        }
        assert_eq!(pin.judge(true, set()), PinVerdict::Locked { until: set() + LOCK });
        assert_eq!(pin.judge(true, set() + LOCK), PinVerdict::Right);
    }

    #[test]
    fn a_pin_survives_its_own_document() {
        let mut pin = device_pin();
        let _ = pin.judge(false, set());
        let document = serde_json::to_string(&pin).unwrap();
        assert_eq!(serde_json::from_str::<DevicePin>(&document).unwrap(), pin);
    }
}
