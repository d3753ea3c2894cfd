//! Who may change what a person holds: the application with its secret key, the person with a fresh session, or whoever may run
//! the program's commands.
//!
//! A person's session is looked up in the act itself, so one that was ended a moment ago changes nothing. It must be fresh, as
//! sure as the person asks for, and more than a remembered device; a session of emergency access changes nothing ever.

mod act;
mod error;
mod last_way;

use backstop_domain::{
    event::Actor,
    factor::BARE_DEVICE,
    id::{SessionId, UserId},
    ports::{
        StoreError,
        store::{File, Whom},
    },
    token::{
        Acr,
        claims::Access,
        jws::{self, Accepted},
        session::{Session, SessionKind},
    },
    user::User,
};
use serde::{Deserialize, Serialize};

use crate::{Caller, Credential, Engine, people::Scene, sign_in::needs_second};

pub(crate) use act::{end_others, forget_devices, own_session};
pub use error::ManageError;
pub(crate) use error::Refusal;
pub(crate) use last_way::can_get_in;

/// On whose word a person's factors are changed.
#[derive(Debug, Clone)]
pub struct Manager {
    /// The application, and where the call came from.
    pub caller: Caller,
    by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Application,
    Person { user: UserId, session: SessionId },
    CommandLine,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// No such user of this application, or not the caller's own.
    #[error("no such user")]
    NotFound,
    /// This takes a secret key.
    #[error("this takes a secret key")]
    NeedsSecretKey,
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The sign-in is too long ago, or not sure enough: ask for a way in again.
    #[error("the person must prove themselves again")]
    StepUp,
}

impl Manager {
    /// The application itself.
    ///
    /// # Errors
    /// If the credential is not its secret key.
    pub fn application(caller: Caller) -> Result<Self, Denied> {
        if caller.authority.is_public() {
            return Err(Denied::NeedsSecretKey);
        }
        Ok(Self { caller, by: By::Application })
    }

    /// Whoever may run the program's commands.
    pub fn command_line(caller: Caller) -> Self {
        Self { caller, by: By::CommandLine }
    }

    /// The session of a person who speaks for themselves.
    pub fn session(&self) -> Option<(UserId, SessionId)> {
        match self.by {
            By::Person { user, session } => Some((user, session)),
            By::Application | By::CommandLine => None,
        }
    }

    /// Whether it is the person and not the application.
    pub fn is_person(&self) -> bool {
        self.session().is_some()
    }

    fn actor(&self) -> Actor {
        match self.by {
            By::Application => Actor::ApplicationKey(self.caller.credential.hint()),
            By::Person { user, .. } => Actor::User(user),
            By::CommandLine => Actor::CommandLine,
        }
    }

    /// Whether `user` is this caller's to read.
    ///
    /// # Errors
    /// [`Denied::NotFound`] for somebody else.
    pub fn sees(&self, user: UserId) -> Result<(), Denied> {
        match self.by {
            By::Person { user: own, .. } if own != user => Err(Denied::NotFound),
            _ => Ok(()),
        }
    }

    /// Whether whoever speaks still may: a person's session must not have ended.
    ///
    /// # Errors
    /// [`Denied::SessionEnded`].
    pub(crate) fn speaks(&self, scene: &Scene, sessions: &[Session]) -> Result<(), Denied> {
        let By::Person { session, .. } = self.by else { return Ok(()) };
        let idle = scene.application.sign_in.session_idle;
        let lives = sessions.iter().any(|one| one.id == session && one.is_live(scene.now, idle));
        if lives { Ok(()) } else { Err(Denied::SessionEnded) }
    }

    /// Inside an act: whether the person of the file is this caller's to change now. Gives the person.
    pub(crate) fn may_change<'f>(&self, scene: &Scene, file: &'f mut File) -> Result<&'f mut User, Denied> {
        let Some(user) = &mut file.user else { return Err(Denied::NotFound) };
        self.sees(user.id)?;
        if let By::Person { session, .. } = self.by {
            self.speaks(scene, &file.sessions)?;
            let found = file.sessions.iter().find(|one| one.id == session).ok_or(Denied::SessionEnded)?;
            let is_fresh = scene.now.since(found.auth_time) <= scene.application.sign_in.step_up_within;
            let is_sure = found.acr == Acr::Aal2 || !needs_second(user);
            let is_device_alone = found.amr.iter().all(|word| word == "swk" || word == BARE_DEVICE);
            let is_on_hold = found.on_hold_until.is_some_and(|until| scene.now < until);
            if found.kind == SessionKind::Emergency || !is_fresh || !is_sure || is_device_alone || is_on_hold
            {
                return Err(Denied::StepUp);
            }
        }
        Ok(user)
    }
}

impl Credential {
    /// Names a credential without telling it.
    fn hint(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Engine {
    /// The person whose access token this is, to change what is their own. `None`: it is none of ours, or not good now.
    pub fn person_of(&self, access_token: &str) -> Option<(String, UserId, SessionId)> {
        let names: Vec<&str> = self.applications.keys().map(String::as_str).collect();
        let accepted = Accepted { issuer: self.issuer(), applications: &names, now: self.clock.now() };
        let claims: Access = jws::verify(&self.keyring(), access_token, &accepted).ok()?;
        Some((claims.aud, claims.sub, claims.sid))
    }

    /// The manager that a person is for themselves. The application of `caller` is the token's.
    pub fn manager(&self, caller: Caller, user: UserId, session: SessionId) -> Manager {
        Manager { caller, by: By::Person { user, session } }
    }

    pub(crate) fn manager_scene(&self, manager: &Manager) -> Scene {
        self.scene(&manager.caller, manager.actor())
    }

    /// A person and one of their sessions, if it has not ended.
    pub(crate) async fn live_session(
        &self,
        scene: &Scene,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let application = scene.application.id;
        let Some(found) = self.noting(self.store.find(application, Whom::User(user)).await)? else {
            return Ok(None);
        };
        let idle = scene.application.sign_in.session_idle;
        let sessions = self.noting(self.store.sessions(application, user, scene.now).await)?;
        let session = sessions.into_iter().find(|one| one.id == session && one.is_live(scene.now, idle));
        Ok(session.map(|session| (found, session)))
    }
}
