//! Refresh tokens: `rt_`, the session, a number, and a MAC of 256 bits under a key that never rotates.
//!
//! Nothing of it is stored but the number of the newest, in its session: whoever steals the database cannot make one, and one that
//! comes back is told from one that was made up without looking anything up. Made again for the same number it is the same text,
//! which is how a lost answer is given again.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use crate::{
    application::ApplicationId,
    id::{self, SessionId},
    keyring::Keyring,
    secret::SecretString,
};

const PREFIX: &str = "rt_";
const LABEL: &str = "refresh token";
const MAC: usize = 32;
const BYTES: usize = id::BYTES + 4 + MAC;

/// A refresh token that is ours. Whether it may still be exchanged is for its session to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session.
    pub session: SessionId,
    /// Its number in the session.
    pub generation: u32,
}

impl RefreshToken {
    /// Writes it out, for the application that the session is of.
    pub fn issue(&self, ring: &Keyring, application: ApplicationId) -> SecretString {
        let mac = self.mac(ring, application);
        let whole = [self.session.as_bytes().as_slice(), &self.generation.to_be_bytes(), &mac].concat();
        SecretString::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&whole)))
    }

    /// Reads one that was issued for `application`; `None` for everything else.
    pub fn parse(ring: &Keyring, application: ApplicationId, text: &str) -> Option<Self> {
        let text = text.strip_prefix(PREFIX)?;
        if text.len() != BASE64URL_NOPAD.encode_len(BYTES) {
            return None;
        }
        let whole = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (session, rest) = whole.split_first_chunk::<{ id::BYTES }>()?;
        let (generation, mac) = rest.split_first_chunk::<4>()?;
        let found =
            Self { session: SessionId::from_bytes(*session), generation: u32::from_be_bytes(*generation) };
        bool::from(found.mac(ring, application).ct_eq(mac)).then_some(found)
    }

    fn mac(&self, ring: &Keyring, application: ApplicationId) -> [u8; MAC] {
        let (application, generation) = (application.0.to_be_bytes(), self.generation.to_be_bytes());
        ring.token_mac(LABEL, &[&application, self.session.as_bytes(), &generation])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, ports::random::SeededRandom, token::tests::ring};

    const APP: ApplicationId = ApplicationId(7);

    fn token(generation: u32) -> RefreshToken {
        let session = SessionId::new(Timestamp::from_millis(5), &SeededRandom::new(3));
        RefreshToken { session, generation }
    }

    #[test]
    fn a_refresh_token_comes_back_as_it_was_and_is_the_same_text_each_time() {
        let ring = ring(1);
        for token in [token(1), token(2), token(u32::MAX)] {
            let text = token.issue(&ring, APP);
            assert_eq!(RefreshToken::parse(&ring, APP, text.expose()), Some(token));
            assert_eq!(text.expose(), token.issue(&ring, APP).expose());
        }
        assert_ne!(token(1).issue(&ring, APP).expose(), token(2).issue(&ring, APP).expose());
    }

    #[test]
    fn a_refresh_token_of_another_application_or_installation_is_none() {
        let (ours, theirs) = (ring(1), ring(2));
        let text = token(1).issue(&ours, APP);
        assert_eq!(RefreshToken::parse(&ours, ApplicationId(8), text.expose()), None);
        assert_eq!(RefreshToken::parse(&theirs, APP, text.expose()), None);
    }

    #[test]
    fn no_changed_character_of_a_refresh_token_is_read_over() {
        let ring = ring(1);
        let good = token(1).issue(&ring, APP).expose().to_owned();
        for index in 0..good.len() {
            for other in ["A", "B", "_", "=", " ", "é", "."] {
                let mut bad = good.clone();
                bad.replace_range(index..=index, other);
                if bad != good {
                    assert_eq!(RefreshToken::parse(&ring, APP, &bad), None, "{bad}");
                }
            }
        }
        let longer = [format!("{good}A"), format!("{good}=="), format!(" {good}"), good.repeat(500)];
        for bad in longer.iter().map(String::as_str).chain([&good[..good.len() - 1], &good[3..], "rt_", ""]) {
            assert_eq!(RefreshToken::parse(&ring, APP, bad), None, "{bad}");
        }
    }
}
