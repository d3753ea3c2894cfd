//! Going on with a session: refreshing, revoking, introspecting, listing.

use std::sync::Arc;

use backstop_domain::{
    event::{EventKind, EventResult},
    id::{SessionId, UserId},
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{File, Once, Whom},
    },
    secret::SecretString,
    token::{
        claims::{Access, Emergency},
        jwk,
        jws::{self, Accepted},
        refresh::RefreshToken,
        session::{EndReason, Refreshed, Session},
    },
    user::UserStatus,
};
use serde::{Deserialize, Serialize};

use super::{SignInError, Tokens};
use crate::{
    Caller, Engine, IdempotencyKey,
    manage::{Denied, ManageError, Manager},
    people::{Act, Scene},
};

/// What a token is good for now.
#[derive(Debug, Clone)]
pub enum Introspection {
    /// It is good.
    Active {
        /// What it says.
        claims: Box<Access>,
        /// Whether it is one of emergency access.
        emergency: bool,
    },
    /// It is not, whatever it is.
    Inactive,
}

/// A session as people read it.
#[derive(Debug, Clone)]
pub struct SessionReport {
    /// The session.
    pub session: Session,
    /// Whether it can be used.
    pub is_live: bool,
}

/// What an act on a session answers.
#[derive(Debug, Serialize, Deserialize)]
enum Went {
    On(Box<Session>),
    Over,
}

impl Engine {
    /// Exchanges a refresh token for new tokens. One that was exchanged before ends its session, unless it is the same exchange
    /// within ten seconds.
    ///
    /// # Errors
    /// [`SignInError::Refused`] if there is nothing to go on with.
    pub async fn refresh(
        self: &Arc<Self>,
        caller: &Caller,
        token: &SecretString,
        key: Option<&IdempotencyKey>,
    ) -> Result<Tokens, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let token = RefreshToken::parse(&scene.ring, scene.application.id, token.expose());
        let token = token.ok_or(SignInError::Refused)?;
        let act = Act {
            idempotency: held.as_ref().map(|held| held.idempotency),
            ..Act::on(Whom::Session(token.session))
        };
        let went = self.person(&scene, act, move |scene, file| exchange(scene, file, token)).await?;
        match went {
            Once::OtherBody => Err(SignInError::OtherBody),
            Once::Done(Went::On(session)) | Once::Before(Went::On(session)) => {
                Ok(self.tokens_of(&scene, *session, None)?)
            }
            Once::Done(Went::Over) | Once::Before(Went::Over) => Err(SignInError::Refused),
        }
    }

    /// Ends the session of a refresh or access token. One that is none of ours is no error (RFC 7009).
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn revoke(&self, caller: &Caller, token: &SecretString) -> Result<(), StoreError> {
        let scene = self.sign_in_scene(caller);
        let refresh = RefreshToken::parse(&scene.ring, scene.application.id, token.expose());
        let session = match refresh {
            Some(refresh) => Some(refresh.session),
            None => self.claims(&scene, token).map(|(claims, _)| claims.sid),
        };
        let Some(session) = session else { return Ok(()) };
        self.person(&scene, Act::on(Whom::Session(session)), move |scene, file| {
            end(scene, file, |one| one.id == session, EndReason::SignedOut)
        })
        .await?;
        Ok(())
    }

    /// Says what an access token is good for now: an ended session's for nothing.
    ///
    /// # Errors
    /// If the store cannot be read, or the caller is not the application.
    pub async fn introspect(
        &self,
        manager: &Manager,
        token: &SecretString,
    ) -> Result<Introspection, StoreError> {
        let scene = self.manager_scene(manager);
        let Some((claims, emergency)) = self.claims(&scene, token) else {
            return Ok(Introspection::Inactive);
        };
        let found = self.live_session(&scene, claims.sub, claims.sid).await?;
        Ok(match found {
            Some((user, _)) if user.status == UserStatus::Active => {
                Introspection::Active { claims: Box::new(claims), emergency }
            }
            _ => Introspection::Inactive,
        })
    }

    /// The public keys that verify our tokens.
    pub fn jwks(&self) -> serde_json::Value {
        jwk::jwks(&self.keyring(), self.clock.now())
    }

    /// A person's sessions, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn sessions(&self, manager: &Manager, user: UserId) -> Result<Vec<SessionReport>, ManageError> {
        self.seen(manager, user).await?;
        let scene = self.manager_scene(manager);
        let application = scene.application.id;
        let sessions = self.noting(self.store.sessions(application, user, scene.now).await)?;
        let idle = scene.application.sign_in.session_idle;
        let report = |session: Session| SessionReport { is_live: session.is_live(scene.now, idle), session };
        Ok(sessions.into_iter().map(report).collect())
    }

    /// Ends one session of a person, or all of them. Says how many ended. A person may always end their own.
    ///
    /// # Errors
    /// Says why none was ended.
    pub async fn end_sessions(
        &self,
        manager: &Manager,
        user: UserId,
        which: Option<SessionId>,
    ) -> Result<u32, ManageError> {
        manager.sees(user)?;
        let why = if manager.is_person() { EndReason::SignedOut } else { EndReason::Admin };
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        let ended = self.person(&scene, Act::on(Whom::User(user)), move |scene, file| {
            by.speaks(scene, &file.sessions)?;
            if file.user.is_none() || which.is_some_and(|id| !file.sessions.iter().any(|one| one.id == id)) {
                return Err(Denied::NotFound);
            }
            Ok(end(scene, file, |one| which.is_none_or(|id| one.id == id), why))
        });
        match ended.await? {
            Once::Done(ended) | Once::Before(ended) => Ok(ended?),
            Once::OtherBody => Ok(0),
        }
    }

    /// What an access token says, and whether it is one of emergency access.
    fn claims(&self, scene: &Scene, token: &SecretString) -> Option<(Access, bool)> {
        let applications = [scene.application.name.as_str()];
        let accepted = Accepted { issuer: self.issuer(), applications: &applications, now: scene.now };
        let access = jws::verify::<Access>(&scene.ring, token.expose(), &accepted);
        access.map(|claims| (claims, false)).ok().or_else(|| {
            let emergency = jws::verify::<Emergency>(&scene.ring, token.expose(), &accepted).ok()?;
            Some((emergency.access, true))
        })
    }
}

fn exchange(scene: &Scene, file: &mut File, token: RefreshToken) -> Went {
    let (now, idle) = (scene.now, scene.application.sign_in.session_idle);
    let suspended = super::active(file).is_none();
    let Some(session) = file.sessions.iter_mut().find(|one| one.id == token.session) else {
        return Went::Over;
    };
    if suspended {
        return Went::Over;
    }
    match session.refresh(token.generation, now, idle) {
        Refreshed::Rotated { .. } | Refreshed::Same { .. } => Went::On(Box::new(session.clone())),
        Refreshed::Reused => {
            scene.record(file, EventKind::SessionReuseDetected, EventResult::Done, None);
            scene.notify(file, NoticeKind::SessionReuse, Detail::default());
            Went::Over
        }
        Refreshed::Ended => Went::Over,
    }
}

/// Ends sessions. Says how many.
pub(crate) fn end(scene: &Scene, file: &mut File, which: impl Fn(&Session) -> bool, why: EndReason) -> u32 {
    let mut ended = 0;
    for session in file.sessions.iter_mut().filter(|session| which(session)) {
        ended += u32::from(session.end(why, scene.now));
    }
    if ended > 0 {
        scene.record(file, EventKind::SessionRevoked, EventResult::Done, Some(why.as_str()));
    }
    ended
}
