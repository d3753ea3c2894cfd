//! The `mfa_token`: keeps the place of somebody between one factor and the next, for five minutes.
//!
//! It is sealed by the keyring for one application and not stored: whoever holds it can neither read nor change it, and on its own
//! it opens nothing. It can be shown more than once, so a guess at the second factor is counted at that factor, not here.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::InvalidToken;
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    factor::Factor,
    id::{SessionId, UserId, VerificationId},
    keyring::{Keyring, Sealed},
    ports::Random,
    secret::SecretString,
};

/// How long it is good for.
pub const MFA: Duration = Duration::from_secs(5 * 60);

const PREFIX: &str = "mfa_";
/// No token of ours comes near it.
const LONGEST: usize = 2048;

/// What the second factor is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MfaPurpose {
    /// To sign in.
    SignIn,
    /// To be surer of somebody who is signed in.
    StepUp,
    /// To set a new password.
    PasswordReset,
}

/// Somebody who has shown one factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaToken {
    /// Who.
    pub user: UserId,
    /// The session that is to be surer.
    pub session: Option<SessionId>,
    /// The way that was gone first: the next one must be of another kind. `None`: there was none that counts.
    pub first: Option<Factor>,
    /// The ways so far, for the tokens at the end.
    pub amr: Vec<String>,
    /// What for.
    pub purpose: MfaPurpose,
    /// When.
    pub issued_at: Timestamp,
    /// The approved verification that was the first factor.
    pub proof: Option<VerificationId>,
}

impl MfaToken {
    /// Writes it out, for one application.
    #[expect(clippy::expect_used, reason = "texts, numbers and lists of them")]
    pub fn seal(&self, ring: &Keyring, application: ApplicationId, random: &dyn Random) -> SecretString {
        let plain = serde_json::to_vec(self).expect("an mfa token is plain JSON");
        let sealed = ring.seal(&plain, &context(application), random);
        SecretString::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(sealed.as_bytes())))
    }

    /// Reads one back: only one that was sealed for `application` within the last five minutes.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn open(
        ring: &Keyring,
        application: ApplicationId,
        text: &str,
        now: Timestamp,
    ) -> Result<Self, InvalidToken> {
        if text.len() > LONGEST {
            return Err(InvalidToken::TooLong);
        }
        let body = text.strip_prefix(PREFIX).ok_or(InvalidToken::Malformed)?;
        let sealed = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| InvalidToken::Malformed)?;
        let plain = ring.open(&Sealed::from_bytes(sealed), &context(application));
        let plain = plain.map_err(|_| InvalidToken::Forged)?;
        let token: Self = serde_json::from_slice(&plain).map_err(|_| InvalidToken::Malformed)?;
        if now >= token.issued_at + MFA {
            return Err(InvalidToken::Expired);
        }
        Ok(token)
    }

    /// Until when it is good.
    pub fn expires_at(&self) -> Timestamp {
        self.issued_at + MFA
    }
}

fn context(application: ApplicationId) -> Vec<u8> {
    format!("mfa token v1|{application}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::random::SeededRandom, token::tests::ring};

    const APP: ApplicationId = ApplicationId(7);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    fn token() -> MfaToken {
        let random = SeededRandom::new(5);
        MfaToken {
            user: UserId::new(at(-100), &random),
            session: Some(SessionId::new(at(-50), &random)),
            first: Some(Factor::Password),
            amr: vec!["pwd".into()],
            purpose: MfaPurpose::StepUp,
            issued_at: at(0),
            proof: Some(VerificationId::new(at(-1), &random)),
        }
    }

    #[test]
    fn an_mfa_token_opens_for_five_minutes_for_its_own_application() {
        let (ring, random) = (ring(1), SeededRandom::new(2));
        let text = token().seal(&ring, APP, &random);
        let open = |application, seconds| MfaToken::open(&ring, application, text.expose(), at(seconds));
        assert_eq!(open(APP, 0), Ok(token()));
        assert_eq!(open(APP, 299), Ok(token()));
        assert_eq!(open(APP, 300), Err(InvalidToken::Expired));
        assert_eq!(open(ApplicationId(8), 0), Err(InvalidToken::Forged));
        assert_eq!(token().expires_at(), at(300));
        assert_ne!(text.expose(), token().seal(&ring, APP, &random).expose());
    }

    #[test]
    fn nothing_of_the_person_can_be_read_in_an_mfa_token() {
        let text = token().seal(&ring(1), APP, &SeededRandom::new(2));
        let bytes = BASE64URL_NOPAD.decode(&text.expose().as_bytes()[PREFIX.len()..]).unwrap();
        for secret in ["password", &token().user.to_string(), "step_up"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn a_changed_or_made_up_mfa_token_does_not_open() {
        let (ring, random) = (ring(1), SeededRandom::new(2));
        let good = token().seal(&ring, APP, &random).expose().to_owned();
        let open = |text: &str| MfaToken::open(&ring, APP, text, at(0));
        for index in 0..good.len() {
            for other in ["A", "Q", "="] {
                let mut bad = good.clone();
                bad.replace_range(index..=index, other);
                assert!(bad == good || open(&bad).is_err(), "{bad}");
            }
        }
        for bad in ["", "mfa_", "mfa_AAAA", &good[4..], &format!("{good}A"), &format!("{good}="), &good[..90]]
        {
            assert!(open(bad).is_err(), "{bad}");
        }
        assert_eq!(open(&good.repeat(20)), Err(InvalidToken::TooLong));
        let other = ring.seal(b"{}", &context(APP), &random);
        let empty = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(other.as_bytes()));
        assert_eq!(open(&empty), Err(InvalidToken::Malformed));
        let elsewhere = ring.seal(&serde_json::to_vec(&token()).unwrap(), b"another column", &random);
        let moved = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(elsewhere.as_bytes()));
        assert_eq!(open(&moved), Err(InvalidToken::Forged));
    }
}
