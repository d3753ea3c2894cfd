//! What our signed tokens say: the claims of RFC 9068, with `acr` and `amr` for how the person signed in.
//!
//! Both kinds are made from a session and end with it at the latest. The third kind, for use without a network, is
//! [`crate::offline`].

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    Acr,
    jws::{self, Claims},
    session::{Session, SessionKind},
};
use crate::{
    clock::Timestamp,
    id::{SessionId, UserId},
    keyring::{Keyring, KeyringError},
    ports::Random,
    secret::SecretString,
};

/// How long an access token lives.
pub const ACCESS: Duration = Duration::from_secs(10 * 60);
/// How long an emergency token lives.
pub const EMERGENCY: Duration = Duration::from_secs(60 * 60);

/// Random bytes of `jti`.
const JTI: usize = 16;

/// Who issues tokens, and for which application.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// `iss`: our public address.
    pub url: &'a str,
    /// `aud`: the application's name.
    pub application: &'a str,
}

/// An access token: who is there, for ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Our public address.
    pub iss: String,
    /// The application's name.
    pub aud: String,
    /// The person.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// Names this one token.
    pub jti: String,
    /// When it was made, in seconds since 1970, as all times here.
    pub iat: i64,
    /// Until when it holds.
    pub exp: i64,
    /// When the person last showed a factor.
    pub auth_time: i64,
    /// The ways in that were gone.
    pub amr: Vec<String>,
    /// How sure that makes it.
    pub acr: Acr,
}

impl Claims for Access {
    const KIND: &'static str = "at+jwt";
}

impl Access {
    /// What a session says at `now`.
    pub fn of(session: &Session, issuer: Issuer<'_>, now: Timestamp, random: &dyn Random) -> Self {
        Self::living(ACCESS, session, issuer, now, random)
    }

    fn living(
        life: Duration,
        session: &Session,
        issuer: Issuer<'_>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let mut jti = [0; JTI];
        random.fill(&mut jti);
        Self {
            iss: issuer.url.to_owned(),
            aud: issuer.application.to_owned(),
            sub: session.user,
            sid: session.id,
            jti: BASE64URL_NOPAD.encode(&jti),
            iat: seconds(now),
            exp: seconds(session.expires_at.min(now + life)),
            auth_time: seconds(session.auth_time),
            amr: session.amr.clone(),
            acr: session.acr,
        }
    }
}

/// An emergency token: an access token of another kind that says so once more inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// What an access token says.
    #[serde(flatten)]
    pub access: Access,
    /// `true`, for a reader who looks only at the claims.
    pub emergency: Always,
}

impl Claims for Emergency {
    const KIND: &'static str = "emergency+jwt";
}

impl Emergency {
    /// What a session of emergency access says at `now`.
    pub fn of(session: &Session, issuer: Issuer<'_>, now: Timestamp, random: &dyn Random) -> Self {
        let access = Access::living(EMERGENCY, session, issuer, now, random);
        Self { access, emergency: Always }
    }
}

/// A signed token and when it ends.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: SecretString,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Issues the access token of a session: of the kind that the session is of.
///
/// # Errors
/// [`KeyringError::MissingKey`] if the ring has no signing key yet.
pub fn issue(
    ring: &Keyring,
    session: &Session,
    issuer: Issuer<'_>,
    life: Duration,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Issued, KeyringError> {
    let (token, exp) = match session.kind {
        SessionKind::Normal => {
            let claims = Access::living(life, session, issuer, now, random);
            (jws::sign(ring, &claims)?, claims.exp)
        }
        SessionKind::Emergency => {
            let claims = Emergency::of(session, issuer, now, random);
            (jws::sign(ring, &claims)?, claims.access.exp)
        }
    };
    Ok(Issued { token, expires_at: Timestamp::from_millis(exp.saturating_mul(1000)) })
}

/// `true` and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Always;

impl Serialize for Always {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Always {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bool::deserialize(deserializer)?.then_some(Self).ok_or_else(|| D::Error::custom("not true"))
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}
