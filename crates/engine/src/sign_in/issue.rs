//! Tokens out of what an act wrote. The same session and generation give the same tokens, so an `Idempotency-Key` can replay
//! an answer that nobody kept.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    factor::trusted_device::token::DeviceToken,
    id::{DeviceId, UserId},
    keyring::{Keyring, KeyringError},
    ports::{Random, StoreError, store::Once},
    secret::SecretString,
    token::{
        claims::{self, Issuer},
        refresh::RefreshToken,
        session::{Session, SessionKind},
    },
};

use super::{Challenge, Outcome, SignInError, SignedIn};
use crate::{Engine, people::Scene};

/// What a person who is in gets.
#[derive(Debug)]
pub struct Tokens {
    /// Who.
    pub user: UserId,
    /// The session, with how it was begun.
    pub session: Session,
    /// The access token.
    pub access_token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// To go on with; none for emergency access, nor for a session that proved itself again and has one.
    pub refresh_token: Option<SecretString>,
    /// Of a device that was remembered or used.
    pub device_token: Option<SecretString>,
    /// That device.
    pub device: Option<DeviceId>,
}

/// The id of a token out of the session and its generation, instead of chance.
struct TokenIds<'a> {
    ring: &'a Keyring,
    session: &'a Session,
}

impl Random for TokenIds<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        let at = self.session.last_used_at.as_millis().to_be_bytes();
        let parts: [&[u8]; 3] = [self.session.id.as_bytes(), &self.session.generation.to_be_bytes(), &at];
        let mac = self.ring.token_mac("access token id", &parts);
        for (byte, from) in bytes.iter_mut().zip(mac.iter().cycle()) {
            *byte = *from;
        }
    }
}

impl Engine {
    /// Who signs our tokens.
    pub(crate) fn issuer(&self) -> &str {
        self.public_url.as_deref().unwrap_or("http://localhost")
    }

    /// The tokens of a session as it was written.
    pub(crate) fn tokens_of(
        &self,
        scene: &Scene,
        session: Session,
        device: Option<(DeviceId, u32)>,
    ) -> Result<Tokens, StoreError> {
        let issuer = Issuer { url: self.issuer(), application: &scene.application.name };
        let life = scene.application.sign_in.access_token_ttl;
        let ids = TokenIds { ring: &scene.ring, session: &session };
        let issued = claims::issue(&scene.ring, &session, issuer, life, session.last_used_at, &ids);
        let issued = issued.map_err(unsigned)?;
        let application = scene.application.id;
        let refresh = RefreshToken { session: session.id, generation: session.generation };
        let is_normal = session.kind == SessionKind::Normal;
        Ok(Tokens {
            user: session.user,
            access_token: issued.token,
            expires_at: issued.expires_at,
            refresh_token: is_normal.then(|| refresh.issue(&scene.ring, application)),
            device_token: device.map(|(id, generation)| {
                device_token(&scene.ring, application, session.user, (id, generation))
            }),
            device: device.map(|(id, _)| id),
            session,
        })
    }

    /// What the caller hears of an act's outcome.
    pub(crate) fn answer(&self, scene: &Scene, outcome: Once<Outcome>) -> Result<SignedIn, SignInError> {
        let outcome = match outcome {
            Once::OtherBody => return Err(SignInError::OtherBody),
            Once::Done(outcome) | Once::Before(outcome) => outcome,
        };
        match outcome {
            Outcome::In { session, device } => {
                Ok(SignedIn::Tokens(Box::new(self.tokens_of(scene, *session, device)?)))
            }
            // Whoever may go on with the session holds its refresh token already.
            Outcome::Renewed { session } => {
                let tokens = self.tokens_of(scene, *session, None)?;
                Ok(SignedIn::Tokens(Box::new(Tokens { refresh_token: None, ..tokens })))
            }
            Outcome::Second { mfa, ways } => Ok(SignedIn::SecondFactorRequired(Challenge {
                expires_at: mfa.expires_at(),
                mfa_token: mfa.seal(&scene.ring, scene.application.id, scene.random.as_ref()),
                ways,
            })),
            Outcome::Refused => Err(SignInError::Refused),
            Outcome::SameWay => Err(SignInError::SameWay),
            Outcome::Locked { until } => Err(SignInError::Locked { until }),
        }
    }
}

fn device_token(
    ring: &Keyring,
    application: ApplicationId,
    user: UserId,
    (device, generation): (DeviceId, u32),
) -> SecretString {
    DeviceToken::issue(ring, application, user, device, generation).expose()
}

fn unsigned(error: KeyringError) -> StoreError {
    StoreError::Internal(format!("a token cannot be signed: {error}"))
}
