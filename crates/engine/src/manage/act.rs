//! An act of a manager: whether it is theirs to do is asked inside the act, and one that is refused changes nothing.

use backstop_domain::{
    event::{EventKind, EventResult},
    id::UserId,
    ports::store::{File, Once, Whom},
    token::session::{EndReason, Session},
    user::User,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Denied, ManageError, Manager, Refusal};
use crate::{
    Engine,
    people::{Act, Scene},
    sign_in::end,
};

impl Engine {
    /// Changes a person on the word of `manager`.
    pub(crate) async fn change<T: Serialize + DeserializeOwned>(
        &self,
        manager: &Manager,
        scene: &Scene,
        act: Act,
        rule: impl Fn(&Scene, &mut File) -> Result<T, Refusal> + Send + Sync + 'static,
    ) -> Result<T, ManageError> {
        let by = manager.clone();
        let changed = self.person(scene, act, move |scene, file| {
            let before = file.clone();
            by.may_change(scene, file)?;
            // A refusal is told, and whatever the rule did before it is undone.
            rule(scene, file).inspect_err(|_| {
                let records = std::mem::take(&mut file.records);
                *file = File { records, ..before };
            })
        });
        match changed.await? {
            Once::Done(changed) | Once::Before(changed) => Ok(changed?),
            Once::OtherBody => Err(ManageError::OtherBody),
        }
    }

    /// Asks whether `manager` may change the person now, and reads the person.
    pub(crate) async fn may_begin(
        &self,
        manager: &Manager,
        scene: &Scene,
        user: UserId,
    ) -> Result<User, ManageError> {
        self.change(manager, scene, Act::on(Whom::User(user)), |_, _| Ok(())).await?;
        self.seen(manager, user).await
    }

    /// Reads a person who is this manager's to read. The token of an ended session reads nothing.
    pub(crate) async fn seen(&self, manager: &Manager, user: UserId) -> Result<User, ManageError> {
        manager.sees(user)?;
        let application = manager.caller.application.id;
        let found = self.noting(self.store.find(application, Whom::User(user)).await)?;
        if manager.is_person() {
            let scene = self.manager_scene(manager);
            let sessions = self.noting(self.store.sessions(application, user, scene.now).await)?;
            manager.speaks(&scene, &sessions)?;
        }
        Ok(found.ok_or(Denied::NotFound)?)
    }
}

/// Ends every session of the person but the one that the manager speaks from.
pub(crate) fn end_others(manager: &Manager, scene: &Scene, file: &mut File) {
    let own = manager.session().map(|(_, session)| session);
    end(scene, file, |session| Some(session.id) != own, EndReason::FactorChanged);
}

/// Trusts none of the person's devices any more.
pub(crate) fn forget_devices(scene: &Scene, file: &mut File) {
    let Some(user) = &mut file.user else { return };
    let gone = std::mem::take(&mut user.profile.ways.devices);
    if !gone.is_empty() {
        scene.record(file, EventKind::DeviceRevoked, EventResult::Done, Some("all"));
    }
}

/// The session that the manager speaks from.
pub(crate) fn own_session<'f>(manager: &Manager, sessions: &'f mut [Session]) -> Option<&'f mut Session> {
    let (_, own) = manager.session()?;
    sessions.iter_mut().find(|session| session.id == own)
}
