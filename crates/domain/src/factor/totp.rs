//! Codes of an authenticator app (RFC 6238): enrolling, taking over seeds, judging a code.
//!
//! A seed is shown once, when it is made, and is sealed from then on: it opens only for its own person. A code is good for one
//! sign-in: the step of the last accepted one is kept and only a later step passes, so whoever saw a code cannot use it again, nor
//! one before it. An enrolment is a value of its own beside the factor in use. It lives ten minutes and becomes the factor only by a
//! right code, so giving up halfway locks nobody out.

mod secret;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, TOTP};
use zeroize::{Zeroize, Zeroizing};

pub use self::secret::TotpSecret;
use crate::{
    clock::Timestamp,
    code::SubmittedCode,
    keyring::{Keyring, KeyringError, Sealed},
    ports::Random,
};

/// How long an enrolment waits for its first code.
pub const ENROLMENT_LIFE: Duration = Duration::from_mins(10);
/// Steps before and after the present one that a code may be of. Nobody gets more; a strict caller takes 0.
pub const WIDEST_SKEW: u8 = 1;

/// The hash below a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TotpAlgorithm {
    /// What every app can do; the way HMAC uses it, SHA-1's collisions do no harm.
    #[default]
    Sha1,
    /// Many apps read the word and take SHA-1 all the same.
    Sha256,
    /// As SHA-256.
    Sha512,
}

impl TotpAlgorithm {
    /// Reads `SHA1`, `SHA256` or `SHA512`, as they are written in an `otpauth` URI, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let known = [("sha1", Self::Sha1), ("sha256", Self::Sha256), ("sha512", Self::Sha512)];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, algorithm)| algorithm)
    }

    const fn of_library(self) -> Algorithm {
        match self {
            Self::Sha1 => Algorithm::SHA1,
            Self::Sha256 => Algorithm::SHA256,
            Self::Sha512 => Algorithm::SHA512,
        }
    }
}

/// What a seed's codes look like. The default is what every app understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpForm {
    /// The hash below a code.
    pub algorithm: TotpAlgorithm,
    /// 6 or 8.
    pub digits: u8,
    /// Seconds that a code stands: 15 to 120.
    pub period: u16,
}

impl Default for TotpForm {
    fn default() -> Self {
        Self { algorithm: TotpAlgorithm::default(), digits: 6, period: 30 }
    }
}

impl TotpForm {
    fn validate(self) -> Result<Self, InvalidTotp> {
        match self {
            Self { digits: 6 | 8, period: 15..=120, .. } => Ok(self),
            Self { digits: 6 | 8, .. } => Err(InvalidTotp::Period),
            _ => Err(InvalidTotp::Digits),
        }
    }

    /// The library's view of a seed. `None` if the form or the seed is none that was ever let in.
    fn with(self, seed: &[u8], issuer: Option<String>, account: String) -> Option<TOTP> {
        let form = self.validate().ok()?;
        let (digits, period) = (usize::from(form.digits), u64::from(form.period));
        TOTP::new(form.algorithm.of_library(), digits, 0, period, seed.to_vec(), issuer, account).ok()
    }
}

/// Why a seed of another system was not taken over. Never holds the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTotp {
    /// Letters that base32 does not have, or a length that it cannot have.
    #[error("the seed is not base32")]
    NotBase32,
    /// Under 128 bits: a code or two tell it to whoever tries all seeds.
    #[error("the seed has less than 128 bits")]
    TooShort,
    /// No app makes seeds like this.
    #[error("the seed has more than 1024 bits")]
    TooLong,
    /// Neither 6 nor 8.
    #[error("codes have 6 or 8 digits")]
    Digits,
    /// Outside 15 to 120 seconds.
    #[error("the period is 15 to 120 seconds")]
    Period,
}

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpVerdict {
    /// Right, and used up now.
    Right,
    /// No code of this time.
    Wrong,
    /// A code of this time, but it or a later one was used already. Worth an audit record: somebody may have looked on.
    Replayed,
}

/// What became of an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpConfirmation {
    /// The factor is in use from now on; its code is used up.
    Confirmed,
    /// Wrong code; the enrolment stays open.
    Wrong,
    /// Nothing to confirm: its ten minutes are over, or it was confirmed before.
    NotOpen,
}

/// An authenticator of a person, enrolled or being enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// The seed; opens only with the context that it was made with.
    pub sealed: Sealed,
    /// What its codes look like.
    #[serde(flatten)]
    pub form: TotpForm,
    /// The step of the last accepted code.
    pub last_step: Option<u64>,
    /// When the seed was made or taken over.
    pub created_at: Timestamp,
    /// When the first code was right. Until then no code signs in.
    pub confirmed_at: Option<Timestamp>,
}

impl Totp {
    /// Begins an enrolment with a new seed of 160 bits. `context` names the application, the user and the column; the same one
    /// must come with every later call. The secret beside it is to be shown now and never again.
    pub fn enrol(context: &[u8], ring: &Keyring, random: &dyn Random, now: Timestamp) -> (Self, TotpSecret) {
        let mut seed = [0; 20];
        random.fill(&mut seed);
        let secret = TotpSecret::new(&seed, TotpForm::default());
        seed.zeroize();
        (Self::seal(&secret, context, ring, random, now), secret)
    }

    /// Takes over a seed that the person uses already: base32 in either case, with or without padding and spaces. In use at once.
    ///
    /// # Errors
    /// Says what was wrong, never what was written.
    pub fn import(
        context: &[u8],
        ring: &Keyring,
        random: &dyn Random,
        now: Timestamp,
        seed: &str,
        form: TotpForm,
    ) -> Result<Self, InvalidTotp> {
        let secret = TotpSecret::parse(seed, form)?;
        let mut totp = Self::seal(&secret, context, ring, random, now);
        totp.confirmed_at = Some(now);
        Ok(totp)
    }

    fn seal(
        secret: &TotpSecret,
        context: &[u8],
        ring: &Keyring,
        random: &dyn Random,
        now: Timestamp,
    ) -> Self {
        let sealed = ring.seal(secret.seed(), context, random);
        Self { sealed, form: secret.form(), last_step: None, created_at: now, confirmed_at: None }
    }

    /// Whether an enrolment still waits for its first code at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.confirmed_at.is_none() && now < self.created_at + ENROLMENT_LIFE
    }

    /// Judges the first code of an enrolment. That code counts as used.
    ///
    /// # Errors
    /// If the seed does not open; nothing has changed then.
    pub fn confirm(
        &mut self,
        ring: &Keyring,
        context: &[u8],
        code: &SubmittedCode,
        now: Timestamp,
        skew: u8,
    ) -> Result<TotpConfirmation, KeyringError> {
        if !self.is_open(now) {
            return Ok(TotpConfirmation::NotOpen);
        }
        Ok(match self.judge(ring, context, code, now, skew)? {
            TotpVerdict::Right => {
                self.confirmed_at = Some(now);
                TotpConfirmation::Confirmed
            }
            TotpVerdict::Wrong | TotpVerdict::Replayed => TotpConfirmation::Wrong,
        })
    }

    /// Judges a code at a sign-in, by the store's time. A right one is used up. `skew` is 0 or 1 steps to either side. An enrolment
    /// that was not confirmed accepts nothing.
    ///
    /// # Errors
    /// If the seed does not open; nothing has changed then.
    pub fn accept(
        &mut self,
        ring: &Keyring,
        context: &[u8],
        code: &SubmittedCode,
        now: Timestamp,
        skew: u8,
    ) -> Result<TotpVerdict, KeyringError> {
        if self.confirmed_at.is_none() {
            return Ok(TotpVerdict::Wrong);
        }
        self.judge(ring, context, code, now, skew)
    }

    /// Compares with every code of the window, in constant time. If several are equal, the latest step counts: none of them passes
    /// again.
    fn judge(
        &mut self,
        ring: &Keyring,
        context: &[u8],
        code: &SubmittedCode,
        now: Timestamp,
        skew: u8,
    ) -> Result<TotpVerdict, KeyringError> {
        let seed = Zeroizing::new(ring.open(&self.sealed, context)?);
        let codes = self.form.with(&seed, None, String::new()).ok_or(KeyringError::DoesNotOpen)?;
        let present = u64::try_from(now.as_millis()).unwrap_or(0) / 1000 / codes.step;
        let skew = u64::from(skew.min(WIDEST_SKEW));
        let mut matching = None;
        for step in present.saturating_sub(skew)..=present.saturating_add(skew) {
            let wanted = Zeroizing::new(codes.generate(step.saturating_mul(codes.step)));
            if bool::from(wanted.as_bytes().ct_eq(code.expose().as_bytes())) {
                matching = Some(step);
            }
        }
        Ok(match matching {
            None => TotpVerdict::Wrong,
            Some(step) if self.last_step.is_some_and(|last| step <= last) => TotpVerdict::Replayed,
            Some(step) => {
                self.last_step = Some(step);
                TotpVerdict::Right
            }
        })
    }
}

#[cfg(test)]
mod tests;
