//! The open sessions of emergency access, and ending one.

use backstop_domain::{
    application::Authority,
    event::{Actor, EventKind, EventResult},
    id::SessionId,
    ports::{
        StoreError,
        store::{Once, Whom},
    },
    token::session::{EndReason, Session, SessionKind},
};

use crate::{Caller, Credential, Engine, people::Act};

/// An open session of emergency access.
#[derive(Debug, Clone)]
pub struct EmergencySession {
    /// In which application.
    pub application: String,
    /// The session, with whose it is.
    pub session: Session,
}

impl Engine {
    /// Every session of emergency access that can be used now, oldest first in each application.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn emergency_sessions(&self) -> Result<Vec<EmergencySession>, StoreError> {
        let now = self.clock.now();
        let mut open = Vec::new();
        for application in self.applications() {
            let sessions = self.noting(self.store.emergency_sessions(application.id, now).await)?;
            let idle = application.sign_in.session_idle;
            let live = sessions.into_iter().filter(|session| session.is_live(now, idle));
            open.extend(
                live.map(|session| EmergencySession { application: application.name.clone(), session }),
            );
        }
        Ok(open)
    }

    /// Ends one at once. Says whether there was one.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn end_emergency(&self, id: SessionId) -> Result<bool, StoreError> {
        let open = self.emergency_sessions().await?;
        let Some(found) = open.into_iter().find(|open| open.session.id == id) else { return Ok(false) };
        let Some(application) = self.application(&found.application) else { return Ok(false) };
        let caller = Caller {
            application,
            authority: Authority::Secret,
            credential: Credential::of("command line"),
            network: None,
            origin: None,
            surface: None,
        };
        let scene = self.scene(&caller, Actor::CommandLine);
        let ended = self.person(&scene, Act::on(Whom::Session(id)), move |scene, file| {
            let of = |one: &&mut Session| one.id == id && one.kind == SessionKind::Emergency;
            let ended =
                file.sessions.iter_mut().find(of).is_some_and(|one| one.end(EndReason::Admin, scene.now));
            if ended {
                scene.record(file, EventKind::EmergencyRevoked, EventResult::Done, None);
            }
            ended
        });
        Ok(matches!(ended.await?, Once::Done(true) | Once::Before(true)))
    }
}
